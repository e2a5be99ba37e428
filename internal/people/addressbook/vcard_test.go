package addressbook_test

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"ventriloquist/internal/people/addressbook"
)

func TestRead_VCards(t *testing.T) {
	t.Parallel()
	text := "\uFEFFBEGIN:VCARD\r\nVERSION:3.0\r\nN:Garc\u00eda\\, Jr.;Ana;;;\r\nFN:Dr. Ana Garc\u00eda\r\nitem1.TEL;type=pref:+1 555\r\n  000 0001\r\nTEL;TYPE=CELL:+1 555 000 0001\r\n" +
		"item2.EMAIL;type=INTERNET:ana@x.org\r\nPHOTO;ENCODING=b:AAAA\r\n BBBB\r\nEND:VCARD\r\n" +
		"begin:vcard\nversion:2.1\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=BCller;J=C3=\n=B6rg\nTEL;CELL:0171 1234567\nend:vcard\n" +
		"BEGIN:VCARD\nVERSION:4.0\nFN:Only Full\nTEL;VALUE=uri:tel:+1-555-000-0002\nEND:VCARD\n" +
		"BEGIN:VCARD\nN:;;;;\nORG:Bakery;Till\nTEL:5550003\nEND:VCARD\n" +
		"BEGIN:VCARD\nFN:Nobody\nEND:VCARD\nBEGIN:VCARD\nTEL:5550004\nEND:VCARD\n"
	path := filepath.Join(t.TempDir(), "Contacts.vcf")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := addressbook.Read(t.Context(), path, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	want := []addressbook.Card{
		{Name: "Ana Garc\u00eda, Jr.", Addresses: []string{"+1 555 000 0001", "ana@x.org"}, Book: path},
		{Name: "J\u00f6rg M\u00fcller", Addresses: []string{"0171 1234567"}, Book: path},
		{Name: "Only Full", Addresses: []string{"tel:+1-555-000-0002"}, Book: path},
		{Name: "Bakery", Addresses: []string{"5550003"}, Book: path},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("cards are\n%+v\nwant\n%+v", got, want)
	}
}
