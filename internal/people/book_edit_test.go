package people_test

import (
	"reflect"
	"strings"
	"testing"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/people"
)

func TestAddContacts_KeepsTheRest(t *testing.T) {
	t.Parallel()
	const file = "\uFEFF{\"note\": {\"ids\": [1]}, \"contact\": \"John\", \"ids\": [ \"+15551234567\" ] , \"x\":[2]}\r\n\n {\"ids\": [], \"contact\": \" Ann \"}"
	got, changes, err := people.AddContacts([]byte(file), []people.Addition{
		{Name: "John", IDs: []string{"j@x.org", "k@x.org"}}, {Name: "Ann", IDs: []string{"a@x.org"}}, {Name: `Zoë <"Z">`, IDs: []string{"z@x.org"}}})
	if err != nil {
		t.Fatal(err)
	}
	const john = "\uFEFF{\"note\": {\"ids\": [1]}, \"contact\": \"John\", \"ids\": [ \"+15551234567\" , \"j@x.org\", \"k@x.org\"] , \"x\":[2]}\r"
	const ann = ` {"ids": ["a@x.org"], "contact": " Ann "}`
	const zoe = `{"contact": "Zoë <\"Z\">", "ids": ["z@x.org"]}`
	if want := john + "\n\n" + ann + "\n" + zoe + "\n"; string(got) != want {
		t.Errorf("the file is\n%q\nwant\n%q", got, want)
	}
	lines := strings.Split(file, "\n")
	want := []people.Change{{Number: 1, Old: lines[0], New: john}, {Number: 3, Old: lines[2], New: ann}, {Number: 4, New: zoe}}
	if !reflect.DeepEqual(changes, want) {
		t.Errorf("the changes are\n%+v\nwant\n%+v", changes, want)
	}
}

func TestAddContacts_ChangesALineOnce(t *testing.T) {
	t.Parallel()
	file := `{"contact": "John", "ids": ["a@x.org"]}`
	got, changes, err := people.AddContacts([]byte(file), []people.Addition{
		{Name: "John", IDs: []string{"b@x.org"}}, {Name: "Ann", IDs: []string{"ann@x.org"}}, {Name: "John", IDs: []string{"c@x.org", "d@x.org"}}})
	want := `{"contact": "John", "ids": ["a@x.org", "b@x.org", "c@x.org", "d@x.org"]}` + "\n" + `{"contact": "Ann", "ids": ["ann@x.org"]}` + "\n"
	if err != nil || string(got) != want || len(changes) != 2 {
		t.Errorf("the file is %s with %d changes (%v)", got, len(changes), err)
	}
}

func TestAddContacts_EmptyFile(t *testing.T) {
	t.Parallel()
	got, _, err := people.AddContacts(nil, []people.Addition{{Name: "Ann", IDs: []string{"+15551234567", "a@x.org"}}})
	if want := `{"contact": "Ann", "ids": ["+15551234567", "a@x.org"]}` + "\n"; err != nil || string(got) != want {
		t.Errorf("the file is %q (%v), want %q", got, err, want)
	}
	if got, changes, err := people.AddContacts(nil, nil); len(got) != 0 || changes != nil || err != nil {
		t.Errorf("nothing added to nothing is %q, %v, %v", got, changes, err)
	}
}

func TestAddContacts_LineWithoutIDs(t *testing.T) {
	t.Parallel()
	_, _, err := people.AddContacts([]byte(`{"contact": "John"}`), []people.Addition{{Name: "John", IDs: []string{"j@x.org"}}})
	if err == nil || !strings.Contains(err.Error(), `line 1: "ids" is missing`) {
		t.Errorf("error is %v", err)
	}
}

func TestRemoveContact_KeepsTheRest(t *testing.T) {
	t.Parallel()
	const file = "\uFEFF{\"contact\": \"John\", \"ids\": [\"j@x.org\"]}\r\n\n{\"contact\": \"Ann\", \"ids\": [\"a@x.org\"]}"
	got, changed := people.RemoveContact([]byte(file), "John")
	if want := "\n{\"contact\": \"Ann\", \"ids\": [\"a@x.org\"]}\n"; string(got) != want || !changed {
		t.Errorf("the file is %q, want %q", got, want)
	}
	if _, changed := people.RemoveContact([]byte(file), "Zoë"); changed {
		t.Error("nobody was removed, and the file changed")
	}
}

func TestCheckBook_FindsAllErrors(t *testing.T) {
	t.Parallel()
	const file = `{"contact": "John", "ids": ["+15551234567"]}
nonsense
{"contact": "Ann", "ids": ["(555) 123-4567"]}
{"contact": "Zoë", "ids": ["z@x.org"]}`
	book, wrong := people.CheckBook(strings.NewReader(file), "f", people.Self{})
	if len(wrong) != 2 || !strings.HasPrefix(wrong[0].Error(), "f:2: ") || !strings.HasPrefix(wrong[1].Error(), "f:3: ") {
		t.Errorf("it found %v", wrong)
	}
	if name, listed := book.Person("z@x.org"); name != "Zoë" || !listed {
		t.Errorf("what is right was not read: %q", name)
	}
}

// The contacts file overrides addresses that were only found.
func TestReadBook_FileOverridesFoundAddresses(t *testing.T) {
	t.Parallel()
	self := people.Self{Name: "Aidan", Addresses: []string{"+442079460000", "me@x.org"}, Found: true}
	book, err := people.ReadBook(strings.NewReader(`{"contact": "Ann", "ids": ["Me@x.org", "020 7946 0958"]}`), "f", self)
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]string{"me@x.org": "Ann", "+442079460958": "Ann", "+442079460000": messages.Owner} {
		if name, listed := book.Person(address); name != want || !listed {
			t.Errorf("%s is %q (%v), want %q", address, name, listed, want)
		}
	}
}

func TestBook_Missing(t *testing.T) {
	t.Parallel()
	book := read(t, `{"contact": "John", "ids": ["+15551234567"]}`)
	got := book.Missing([]string{"(555) 123-4567", "J@x.org", "j@X.org", "+15551234568"})
	if want := []string{"J@x.org", "+15551234568"}; !reflect.DeepEqual(got, want) {
		t.Errorf("missing are %q, want %q", got, want)
	}
}

// A valid file stays valid with additions, which are then listed.
func FuzzAdd(f *testing.F) {
	for _, seed := range []string{
		"", "\n", `{"contact": "John", "ids": ["+12345678900", "j@icloud.com"]}`, "\uFEFF" + `{"IDS":["x@x.org"],"contact":"A","a":[{"ids":[]}]}` + "\r\n\n",
		`{"contact": "Ann", "ids": ["a@x.org"], "ids": ["b@x.org"]}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, file string) {
		book, err := people.ReadBook(strings.NewReader(file), "f", people.Self{})
		if err != nil {
			return
		}
		additions := []people.Addition{{Name: "Somebody New", IDs: []string{"new@example.org"}}}
		for i, name := range book.Names() {
			additions = append(additions, people.Addition{Name: name, IDs: []string{strings.Repeat("m", i+1) + "@example.org"}})
		}
		for _, a := range additions {
			if len(book.Missing(a.IDs)) != 1 || a.Name == "Somebody New" && strings.Contains(file, a.Name) {
				return
			}
		}
		added, _, err := people.AddContacts([]byte(file), additions)
		if err != nil {
			t.Fatalf("not added to %q: %v", file, err)
		}
		again, err := people.ReadBook(strings.NewReader(string(added)), "f", people.Self{})
		if err != nil {
			t.Fatalf("%q became %q: %v", file, added, err)
		}
		for _, a := range additions {
			if name, _ := again.Person(a.IDs[0]); name != a.Name {
				t.Errorf("%q became %q: %q is %q, want %q", file, added, a.IDs[0], name, a.Name)
			}
		}
	})
}
