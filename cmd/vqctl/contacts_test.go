package main

import (
	"os"
	"path/filepath"
	"testing"

	"ventriloquist/internal/people/addressbook/addressbooktest"
	"ventriloquist/internal/sources/iosbackup/backuptest"
)

func TestReadCards_FromBackup(t *testing.T) {
	book := filepath.Join(t.TempDir(), "book")
	if err := addressbooktest.WritePhone(book, addressbooktest.Card{First: "John", Phones: []string{"+12125550101"}}); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(book)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(passphraseVariable, encrypted.Passphrase)
	for name, o := range map[string]backuptest.Options{"Plain": {}, "Encrypted": encrypted} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := backuptest.Write(dir, map[string][]byte{"HomeDomain-Library/AddressBook/AddressBook.sqlitedb": data}, o); err != nil {
				t.Fatal(err)
			}
			cards, books, err := readCards(t.Context(), dir, t.TempDir())
			if err != nil || len(books) != 1 || len(cards) != 1 || cards[0].Name != "John" {
				t.Errorf("cards %+v of %q (%v)", cards, books, err)
			}
		})
	}
}
