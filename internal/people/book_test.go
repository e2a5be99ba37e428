package people_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/people"
	"ventriloquist/internal/regularfile"
	"ventriloquist/internal/usererr"
)

func read(t *testing.T, file string, own ...string) *people.Book {
	t.Helper()
	book, err := people.ReadBook(strings.NewReader(file), "contacts.jsonl", people.Self{Name: "Aidan", Addresses: own})
	if err != nil {
		t.Fatal(err)
	}
	return book
}

func TestNormalize_NumbersAndAddresses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ own, address, want string }{
		{"", "+12345678900", "+12345678900"},
		{"", "(415) 555-0123", "+14155550123"},
		{"", "415.555.0123", "+14155550123"},
		{"", "1 415 555 0123", "+14155550123"},
		{"", " tel:+1-415-555-0123 ", "+14155550123"},
		{"", "+44 20 7946 0958", "+442079460958"},
		{"+442079460000", "020 7946 0958", "+442079460958"},
		{"+436641234567", "0664 7654321", "+436647654321"},
		{"me@x.org, +436641234567", "+14155550123", "+14155550123"},
		{"me@x.org", "(415) 555-0123", "+14155550123"},
		{"", "John@Example.COM", "john@example.com"},
		{"", "mailto:j@x.org", "j@x.org"},
		{"", "22395", "22395"},
		{"+442079460000", "22395", "22395"},
		{"+4930123456", "22395", "22395"},
		{"", "22395(smsft)", "22395"},
		{"", "+12345678900(filtered)", "+12345678900"},
		{"", "22-395", "22395"},
		{"", "VERIZON", "verizon"},
		{"", "", ""},
		{"", "urn:biz:1234", "urn:biz:1234"},
		// Invisible marks, letter forms and the digits of other scripts.
		{"", "\u202a+1 (415) 555\u20110123\u202c", "+14155550123"},
		{"", "+1\u00a0415\u2009555\u20130123\u200e", "+14155550123"},
		{"", "\uff0b\uff11\uff14\uff11\uff15\uff15\uff15\uff15\uff10\uff11\uff12\uff13", "+14155550123"},
		{"+442079460000", "\u0660\u0662\u0660 \u0667\u0669\u0664\u0666 \u0660\u0669\u0665\u0668", "+442079460958"},
		{"", "\u200eJose\u0301\u00a0 Garc\u00eda\u2069", "jos\u00e9 garc\u00eda"},
		{"", "\u2068J@x.org\u2069", "j@x.org"},
		{"", "O\u2019Brien", "o'brien"},
		// Letters are no digits.
		{"", "Room 5551234 Ada", "room 5551234 ada"},
		{"", "1-800-FLOWERS", "1-800-flowers"},
		{"", "🐸 4155550123", "🐸 4155550123"},
		{"", "415 555 0123 ext. 4", "+14155550123"},
		{"", "415 555 0123x4", "+14155550123"},
		{"", "415 555 0123,,4#", "+14155550123"},
		// Dialed abroad.
		{"", "0043 664 1234567", "+436641234567"},
		{"", "011 43 664 1234567", "+436641234567"},
		{"", "436641234567", "+436641234567"},
		{"+436641234567", "001 415 555 0123", "+14155550123"},
		{"+436641234567", "011 1 415 555 0123", "+14155550123"},
		{"+5511987654321", "0043 664 1234567", "+436641234567"},
		{"+390612345678", "011 555 12345", "+3901155512345"},
		// Trunk zeros.
		{"", "+43 (0)664 1234567", "+436641234567"},
		{"", "+440 20 7946 0958", "+442079460958"},
		{"", "0043 (0)664 1234567", "+436641234567"},
		{"+380441234567", "80501234567", "+380501234567"},
		{"+380441234567", "8 (050) 123-45-67", "+380501234567"},
		{"+380441234567", "050 123 45 67", "+380501234567"},
		{"+79161234567", "8 916 765-43-21", "+79167654321"},
		{"+375291234567", "8 029 765-43-21", "+375297654321"},
		// One telephone with several numbers.
		{"", "+55 21 8765-4321", "+5521987654321"},
		{"", "+55 21 98765-4321", "+5521987654321"},
		{"", "0055 21 8765-4321", "+5521987654321"},
		{"+5511987654321", "(21) 8765-4321", "+5521987654321"},
		{"+5511987654321", "021 98765-4321", "+5521987654321"},
		{"", "+55 21 2345-6789", "+552123456789"}, // not mobile
		{"", "+52 1 33 1234 5678", "+523312345678"},
		{"", "+52 33 1234 5678", "+523312345678"},
		{"", "0052 1 33 1234 5678", "+523312345678"},
		{"+523312345678", "045 33 1234 5678", "+523312345678"},
		{"+523312345678", "01 33 1234 5678", "+523312345678"},
		{"", "+54 9 11 2345-6789", "+541123456789"},
		{"", "+54 11 2345-6789", "+541123456789"},
		{"+541123456789", "011 15 2345-6789", "+541123456789"},
	} {
		book := people.NewBook(people.Self{Addresses: people.SplitIdentifiers(c.own)})
		if got := book.Normalize(c.address); got != c.want {
			t.Errorf("own %q: %q is %q, want %q", c.own, c.address, got, c.want)
		}
		if again := book.Normalize(book.Normalize(c.address)); again != c.want {
			t.Errorf("own %q: %q normalized twice is %q", c.own, c.address, again)
		}
	}
}

// Fault 10 of the reference: it normalized the addresses of messages, but not those of contacts.
func TestBook_MatchesAddressesOfMessages(t *testing.T) {
	t.Parallel()
	book := read(t, `{"contact": "John", "ids": ["(555) 123-4567", "J@iCloud.com"]}`)
	for _, address := range []string{"+15551234567", "5551234567", "j@icloud.com", "(555) 123-4567"} {
		if name, listed := book.Person(address); name != "John" || !listed {
			t.Errorf("%q is %q, %v", address, name, listed)
		}
	}
}

func TestBook_PersonOwnerAndStrangers(t *testing.T) {
	t.Parallel()
	book := read(t, `{"contact": "John", "ids": ["+15551234567"]}`, "+1 (415) 555-0199", "Me@X.org")
	for _, address := range []string{"+14155550199", "me@x.org"} {
		if name, listed := book.Person(address); name != messages.Owner || !listed {
			t.Errorf("%q is %q, %v; want the owner", address, name, listed)
		}
	}
	for _, address := range []string{"+14155550111", "(415) 555-0111"} {
		if name, listed := book.Person(address); listed || name != "+14155550111" {
			t.Errorf("a stranger is %q, %v", name, listed)
		}
	}
}

func TestReadBook_IgnoresBlankLinesUnknownKeysAndMark(t *testing.T) {
	t.Parallel()
	book := read(t, "\uFEFF{\"contact\": \" John \", \"ids\": [\"+15551234567\", \"5551234567\"], \"note\": 1}\r\n\n  \n{\"contact\": \"Ann\", \"ids\": [\"a@x.org\"]}")
	if got := book.Names(); !slices.Equal(got, []string{"John", "Ann"}) {
		t.Errorf("names are %q", got)
	}
}

func TestReadBook_Rejects(t *testing.T) {
	t.Parallel()
	john := `{"contact": "John", "ids": ["+15551234567"]}` + "\n"
	for name, c := range map[string]struct{ file, want string }{
		"NotJSON":       {john + "\n{\"contact\"", `contacts.jsonl:3: not a contact`},
		"NotAnObject":   {`["John"]`, `contacts.jsonl:1: not a contact`},
		"IDsNoList":     {`{"contact": "John", "ids": "+1"}`, `contacts.jsonl:1: not a contact`},
		"TwoOnALine":    {strings.TrimSpace(john) + " " + john, `contacts.jsonl:1: not a contact`},
		"NoName":        {`{"ids": ["+15551234567"]}`, `contacts.jsonl:1: "contact" is missing`},
		"NoIDs":         {`{"contact": "John", "ids": []}`, `contacts.jsonl:1: "John" has no ids`},
		"EmptyID":       {`{"contact": "John", "ids": [" "]}`, `contacts.jsonl:1: " " of "John"`},
		"PersonTwice":   {john + `{"contact": "John", "ids": ["j@x.org"]}`, `contacts.jsonl:2: "John" is already listed on line 1`},
		"IDTwice":       {john + `{"contact": "Ann", "ids": ["(555) 123-4567"]}`, `contacts.jsonl:2: "(555) 123-4567" of "Ann" is also "John", on line 1`},
		"OwnerByName":   {john + `{"contact": "Aidan", "ids": ["a@x.org"]}`, `contacts.jsonl:2: "Aidan" is the owner`},
		"SameLetters":   {"{\"contact\": \"Jos\u00e9\", \"ids\": [\"+15551234567\"]}\n{\"contact\": \"Jose\u0301\u200e\", \"ids\": [\"j@x.org\"]}", "contacts.jsonl:2: "},
		"OwnerByNumber": {`{"contact": "Ann", "ids": ["415 555 0199"]}`, `contacts.jsonl:1: "415 555 0199" of "Ann" is the owner's own`},
		"TooLong":       {`{"contact": "` + strings.Repeat("x", 17<<20), `contacts.jsonl:1: `},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := people.ReadBook(strings.NewReader(c.file), "contacts.jsonl", people.Self{Name: "Aidan", Addresses: []string{"+14155550199"}})
			if err == nil {
				t.Fatal("it was accepted")
			}
			if !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("error is %q, want %q…", err, c.want)
			}
			if name != "TooLong" && usererr.Of(err) == "" {
				t.Errorf("%q comes without advice", err)
			}
		})
	}
}

func TestLoadBook_MissingFile(t *testing.T) {
	t.Parallel()
	_, err := people.LoadBook(filepath.Join(t.TempDir(), "contacts_to_ids.jsonl"), people.Self{Name: "Aidan"})
	if err == nil || usererr.Of(err) == "" || errors.Is(err, usererr.ErrUsage) {
		t.Errorf("error is %v", err)
	}
}

func TestSplitIdentifiers_AllSeparators(t *testing.T) {
	t.Parallel()
	got := people.SplitIdentifiers(" +1 415 555 0199, me@x.org;\nme@y.org ,,")
	if want := []string{"+1 415 555 0199", "me@x.org", "me@y.org"}; !slices.Equal(got, want) {
		t.Errorf("split into %q, want %q", got, want)
	}
}

func FuzzContacts(f *testing.F) {
	for _, seed := range []string{
		`{"contact": "John", "ids": ["+12345678900", "j@icloud.com"]}`,
		"{\"contact\": \"A\", \"ids\": [\"1\"]}\n{\"contact\": \"B\", \"ids\": [\"(415) 555-0123\"]}",
		`{"contact": "", "ids": null}`, "\uFEFF{}", "[[[[", `{"contact": "\ud800", "ids": ["\u0000", "++--", "٠١٢٣٤٥٦٧٨٩"]}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, file string) {
		book, err := people.ReadBook(strings.NewReader(file), "f", people.Self{Name: "Aidan", Addresses: []string{"+14155550199"}})
		if err != nil {
			if !strings.HasPrefix(err.Error(), "f:") {
				t.Errorf("the error does not say where: %v", err)
			}
			return
		}
		for _, name := range book.Names() {
			if name == "" || name == "Aidan" {
				t.Errorf("a contact is called %q", name)
			}
		}
		if _, listed := book.Person("+14155550199"); !listed {
			t.Error("the owner is gone")
		}
	})
}

func TestBook_SourceNames(t *testing.T) {
	t.Parallel()
	b, err := people.ReadBook(strings.NewReader(`{"contact": "John", "ids": ["John Smith"]}`), "x", people.Self{Name: "Aidan"})
	if err != nil {
		t.Fatal(err)
	}
	b.SetSourceNames(map[string]string{"user1": "john SMITH", "user2": "Zoë", "user3": "Aidan"}, nil)
	for address, want := range map[string]string{"user1": "John", "user2": "", "user3": "", "user4": "", "John Smith": "John"} {
		name, listed := b.Person(address)
		if listed != (want != "") || listed && name != want {
			t.Errorf("%s is %q, listed: %v", address, name, listed)
		}
	}
}

// A book holds little more than the names and addresses themselves.
func TestReadBook_MemoryGrowsLinearly(t *testing.T) {
	text := func(n int) string {
		var file strings.Builder
		for i := range n {
			fmt.Fprintf(&file, "{\"contact\": \"Person %d\", \"ids\": [\"p%d@x.org\", \"q%d@x.org\"]}\n", i, i, i)
		}
		return file.String()
	}
	measure := func(n int) uint64 {
		file := text(n)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		book, err := people.ReadBook(strings.NewReader(file), "contacts", people.Self{})
		runtime.ReadMemStats(&after)
		if err != nil || len(book.Names()) != n {
			t.Fatalf("%d people, error %v", len(book.Names()), err)
		}
		return after.TotalAlloc - before.TotalAlloc
	}
	if few, many := measure(5000), measure(20_000); many > 6*few {
		t.Errorf("%d bytes for 5,000 people, %d for 20,000", few, many)
	}
}

func TestLoadBook_RefusesAPipe(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pipe")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := people.LoadBook(path, people.Self{}); !errors.Is(err, regularfile.ErrKind) {
		t.Errorf("error %v", err)
	}
}

// Who shares the owner's name is told apart by another name. The owner's addresses never get somebody else's.
func TestReadBook_ANamesakeGetsAnotherName(t *testing.T) {
	t.Parallel()
	_, err := people.ReadBook(strings.NewReader(`{"contact": "Aidan", "ids": ["+15551234567"]}`), "contacts.jsonl", people.Self{Name: "Aidan"})
	if err == nil || !strings.Contains(usererr.Of(err), `someone else, give them another name, such as "Aidan 2"`) || strings.Contains(usererr.Of(err), "USER_IDENTIFIERS") {
		t.Errorf("%v: %s", err, usererr.Of(err))
	}
}

// What the contacts file says of an id goes before the owner's name, but not before the owner's addresses.
func TestReadBook_AnIDThatIsTheOwnersNameIsTheContacts(t *testing.T) {
	t.Parallel()
	book := read(t, `{"contact": "Aidan B", "ids": ["Aidan"]}`, "+14155550199")
	if name, listed := book.Person("Aidan"); name != "Aidan B" || !listed {
		t.Errorf("Aidan is %q, %v", name, listed)
	}
	if name, listed := book.Person("+14155550199"); name != messages.Owner || !listed {
		t.Errorf("the owner's number is %q, %v", name, listed)
	}
}

func TestSpellings_IncludeThoseOfEarlierVersions(t *testing.T) {
	t.Parallel()
	for address, want := range map[string][]string{
		"+55 21 8765-4321":    {"+5521987654321", "+552187654321"},
		"+5521987654321":      {"+5521987654321", "+552187654321"},
		"+54 9 11 2345-6789":  {"+541123456789", "+5491123456789"},
		"+52 33 1234 5678":    {"+523312345678", "+5213312345678"},
		"(415) 555-0123":      {"+14155550123"},
		"Jose\u0301":          {"jos\u00e9", "jose\u0301"},
		"Room 5551234 Ada":    {"room 5551234 ada", "+15551234232"},
		"0043 (0)664 1234567": {"+436641234567", "004306641234567"},
	} {
		if got := people.Spellings(address, "US"); !slices.Equal(got, want) {
			t.Errorf("%q is %q, want %q", address, got, want)
		}
	}
}

// A number that messages were sent from is the owner's, also if the owner stated another one. The contacts file knows better.
func TestBook_FoundAddressesBesideStatedOnes(t *testing.T) {
	t.Parallel()
	self := people.Self{Name: "Aidan", Addresses: []string{"+442079460000"}, AlsoFound: []string{"+442079460001", "ann@x.org"}}
	book, err := people.ReadBook(strings.NewReader(`{"contact": "Ann", "ids": ["ann@x.org"]}`), "contacts.jsonl", self)
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]string{"+442079460000": messages.Owner, "020 7946 0001": messages.Owner, "ann@x.org": "Ann"} {
		if name, listed := book.Person(address); name != want || !listed {
			t.Errorf("%s is %q, %v; want %q", address, name, listed, want)
		}
	}
}

// An address that a source attributes to somebody belongs to whoever has that person's other address.
func TestBook_OtherAddressesOfSources(t *testing.T) {
	t.Parallel()
	b, err := people.ReadBook(strings.NewReader(`{"contact": "John", "ids": ["+15550000001"]}`), "x", people.Self{Name: "Aidan", Addresses: []string{"+15559990000"}})
	if err != nil {
		t.Fatal(err)
	}
	b.SetSourceNames(nil, map[string]string{"user1": "+1 555 000 0001", "user2": "+15550000002", "user3": "+15559990000"})
	for address, want := range map[string]string{"user1": "John", "user2": "", "user3": ""} {
		name, listed := b.Person(address)
		if listed != (want != "") || listed && name != want {
			t.Errorf("%s is %q, listed: %v", address, name, listed)
		}
	}
}
