package main

import (
	"archive/zip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ventriloquist/internal/usererr"
)

// What holds no messages is named for what it is.
func TestFindFormat_NamesWhatHoldsNoMessages(t *testing.T) {
	t.Parallel()
	write := func(name, content string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	archive := write("backup.zip", "")
	f, err := os.Create(archive)
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(f)
	for _, name := range []string{"calls-20240315.xml", "sms-20240315.xml"} {
		if _, err := z.Create(name); err != nil {
			t.Fatal(err)
		}
	}
	if z.Close() != nil || f.Close() != nil {
		t.Fatal("the zip cannot be written")
	}
	for path, want := range map[string]string{
		write("calls.xml", "<?xml version='1.0'?>\n<calls count=\"1\"><call number=\"1\"/></calls>"): "a backup of calls",
		write("people.txt", "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Zoë\r\nEND:VCARD\r\n"):                 "an address book",
		filepath.Dir(write("people.vcf", "BEGIN:VCARD\n")):                                           "a folder with address books",
		filepath.Dir(write("sms-1.xml", "<smses/>")):                                                 "several files, of which sms-",
		archive:                              "several files, of which sms-",
		write("msgstore.db.crypt15", "\x01"): "an encrypted backup of WhatsApp",
	} {
		if _, err := findFormat("", path); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), want) || usererr.Of(err) == "" {
			t.Errorf("%s: error %v, want %s", path, err, want)
		}
	}
}
