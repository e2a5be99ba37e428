package addressbook_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"ventriloquist/internal/people/addressbook"
	"ventriloquist/internal/people/addressbook/addressbooktest"
	"ventriloquist/internal/usererr"
)

var people = []addressbooktest.Card{
	{First: "Aidan", Last: "Lee", Phones: []string{"+1 (212) 555-0100"}, Me: true},
	{First: "John", Last: " Smith ", Phones: []string{"(212) 555-0101", " "}, Emails: []string{"J@iCloud.com"}, Link: 7},
	{Nickname: "Zoë", Company: "Acme", Emails: []string{"z@x.org"}},
	{Company: "Bella Vista\nPizza", Phones: []string{"22395"}},
	{First: "太郎", Last: "山田", Phones: []string{"+81 3 1234 5678"}},
	{First: "No", Last: "Address"},
	{Phones: []string{"+1 212 555 0199"}}, // no name
}

func TestRead_CardsOfMacAndPhone(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func(string, ...addressbooktest.Card) error{"Mac": addressbooktest.WriteMac, "Phone": addressbooktest.WritePhone} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "book")
			if err := write(path, people...); err != nil {
				t.Fatal(err)
			}
			cards, err := addressbook.Read(t.Context(), path, t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			want := []addressbook.Card{
				{Name: "Aidan Lee", Addresses: []string{"+1 (212) 555-0100"}, Me: true},
				{Name: "John Smith", Addresses: []string{"(212) 555-0101", "J@iCloud.com"}, Link: map[string]string{"Mac": "LINK-7", "Phone": "7"}[name]},
				{Name: "Zoë", Addresses: []string{"z@x.org"}},
				{Name: "Bella Vista Pizza", Addresses: []string{"22395"}},
				{Name: "山田太郎", Addresses: []string{"+81 3 1234 5678"}},
			}
			for i := range want {
				want[i].Book = path
			}
			if !reflect.DeepEqual(cards, want) {
				t.Errorf("read\n%+v\nwant\n%+v", cards, want)
			}
		})
	}
}

// The book may be open, with new entries in its write-ahead log, and reading it must create no files next to it.
func TestRead_LeavesNothingBehind(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "book")
	if err := addressbooktest.WriteMac(path, people...); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o400); err != nil {
		t.Fatal(err)
	}
	if _, err := addressbook.Read(t.Context(), path, t.TempDir()); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %v (%v)", entries, err)
	}
}

func TestRead_Rejects(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	text, other := filepath.Join(folder, "text"), filepath.Join(folder, "other")
	if err := os.WriteFile(text, []byte("Dear diary"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(other, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{text: "not a database", other: "not an address book", folder + "/none": "no such file"} {
		_, err := addressbook.Read(t.Context(), path, t.TempDir())
		if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", path, err, want)
		}
		if path == other && usererr.Of(err) == "" {
			t.Error("no advice")
		}
	}
}

// Without permission to read them, the address books of a Mac seem not to exist.
func TestUnreadable_NeedsPermission(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	if err := addressbook.Unreadable(home); err != nil {
		t.Errorf("a home without address books: %v", err)
	}
	folder := filepath.Join(home, "Library/Application Support/AddressBook")
	if err := addressbooktest.WriteMac(filepath.Join(folder, "AddressBook-v22.abcddb")); err != nil {
		t.Fatal(err)
	}
	if err := addressbook.Unreadable(home); err != nil {
		t.Errorf("readable: %v", err)
	}
	if os.Getuid() == 0 {
		t.Skip("root may read everything")
	}
	if err := os.Chmod(folder, 0); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(folder, 0o700)
	if err := addressbook.Unreadable(home); err == nil || !strings.Contains(err.Error(), folder) {
		t.Errorf("unreadable: %v", err)
	}
}

func TestFind_FilesAndFolders(t *testing.T) {
	t.Parallel()
	home := filepath.Join(t.TempDir(), "a [home]")
	sources := filepath.Join(home, "Library/Application Support/AddressBook")
	var want []string
	for _, name := range []string{"AddressBook-v22.abcddb", "Sources/A/AddressBook-v22.abcddb", "Sources/B/AddressBook-v22.abcddb"} {
		path := filepath.Join(sources, name)
		if err := addressbooktest.WriteMac(path); err != nil {
			t.Fatal(err)
		}
		want = append(want, path)
	}
	backup := filepath.Join(t.TempDir(), "00008110-001")
	phone := filepath.Join(backup, "31/31bb7ba8914766d4ba40d6dfb6113c8b614be442")
	if err := addressbooktest.WritePhone(phone); err != nil {
		t.Fatal(err)
	}
	for path, books := range map[string][]string{home: want, sources: want, want[1]: want[1:2], backup: {phone}, t.TempDir(): nil} {
		if got := addressbook.Find(path); !reflect.DeepEqual(got, books) {
			t.Errorf("%s has %q, want %q", path, got, books)
		}
	}
	for messages, books := range map[string][]string{
		filepath.Join(home, "Library/Messages/chat.db"):                      want,
		filepath.Join(backup, "3d/3d0d7e5fb2ce288813306e4d4636395e047a3d28"): {phone},
		filepath.Join(t.TempDir(), "chat.db"):                                nil,
	} {
		if got := addressbook.Beside(messages); !reflect.DeepEqual(got, books) {
			t.Errorf("beside %s are %q, want %q", messages, got, books)
		}
	}
}
