package addressbook_test

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

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

// What telephones of many countries and ages write.
func TestRead_VCardEncodings(t *testing.T) {
	t.Parallel()
	const card = "BEGIN:VCARD\r\nVERSION:3.0\r\nN:M\u00fcller;J\u00f6rg;;;\r\nTEL:+49 1\r\nEND:VCARD\r\n"
	utf16 := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder()
	inUTF16, err := utf16.String(card)
	if err != nil {
		t.Fatal(err)
	}
	latin, err := charmap.ISO8859_1.NewEncoder().String(card)
	if err != nil {
		t.Fatal(err)
	}
	const photo = "PHOTO;ENCODING=BASE64;JPEG:/9j/4AAQ\r\n SkZJRgAB\r\nAQAAAQAB\r\n\r\n"
	for name, text := range map[string]string{
		"UTF-16":                     inUTF16,
		"Latin-1":                    latin,
		"charset":                    "BEGIN:VCARD\nVERSION:2.1\nN;CHARSET=ISO-8859-1;ENCODING=QUOTED-PRINTABLE:M=FCller;J=F6rg\n" + photo + "TEL;CELL:+49 1\nEND:VCARD\n",
		"charset of Windows":         "BEGIN:VCARD\nVERSION:2.1\nN;ENCODING=QUOTED-PRINTABLE;CHARSET=windows-1252:M=FCller;J=F6rg\n" + photo + "TEL;CELL:+49 1\nEND:VCARD\n",
		"no charset":                 "BEGIN:VCARD\nVERSION:2.1\nN;QUOTED-PRINTABLE:M=FCller;J=F6rg\nTEL;CELL:+49 1\nEND:VCARD\n",
		"soft break before a space":  "BEGIN:VCARD\nVERSION:2.1\nFN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:J=C3=B6rg=\n M=C3=BCller\nTEL;CELL:+49 1\nEND:VCARD\n",
		"soft break and a colon":     "BEGIN:VCARD\nVERSION:2.1\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=BC=\nller;J=C3=B6rg\nNOTE;ENCODING=QUOTED-PRINTABLE:a=\nTEL:1\nTEL;CELL:+49 1\nEND:VCARD\n",
		"base64":                     "BEGIN:VCARD\nVERSION:3.0\nN;ENCODING=B;CHARSET=UTF-8:TcO8bGxlcjtKw7ZyZw==\nTEL:+49 1\nEND:VCARD\n",
		"quoted parameter":           "BEGIN:VCARD\nVERSION:4.0\nN;SORT-AS=\"Mueller;Joerg:x\":M\u00fcller;J\u00f6rg;;;\nTEL;TYPE=\"cell,home\";VALUE=text:+49 1\nEND:VCARD\n",
		"several names":              "BEGIN:VCARD\nVERSION:4.0\nFN;LANGUAGE=de:J\u00f6rg M\u00fcller\nFN;LANGUAGE=en:George Miller\nTEL:+49 1\nEND:VCARD\n",
		"folded within a character":  "BEGIN:VCARD\nVERSION:3.0\nN:M\u00fc\n ller;J\u00f6\n\trg;;;\nTEL:+49\n  1\nEND:VCARD\n",
		"lower case and white space": "begin:vcard\nversion:3.0\nn:M\u00fcller;J\u00f6rg;;;\ntel;type=cell: +49 1 \nend:vcard\n",
	} {
		path := filepath.Join(t.TempDir(), "Contacts.vcf")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := addressbook.Read(t.Context(), path, t.TempDir())
		if want := []addressbook.Card{{Name: "J\u00f6rg M\u00fcller", Addresses: []string{"+49 1"}, Book: path}}; err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: cards are %+v, error %v", name, got, err)
		}
		if found := addressbook.Find(filepath.Dir(path)); len(found) != 1 || found[0] != path {
			t.Errorf("found %q", found)
		}
	}
}
