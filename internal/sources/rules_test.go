package sources_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/sourcetest"
)

// day is when the messages of these tests were sent.
var day = time.Date(2024, 3, 15, 19, 2, 0, 0, time.UTC)

// write writes files, and returns the path of a file alone, else of their folder.
func write(t testing.TB, files map[string]string) string {
	t.Helper()
	folder := sourcetest.WriteFiles(t, files)
	if len(files) > 1 {
		return folder
	}
	for name := range files {
		return filepath.Join(folder, filepath.FromSlash(name))
	}
	return ""
}

// texts returns the texts of the messages in their order.
func texts(s *sourcetest.Sink) (list []string) {
	messages := slices.Clone(s.Messages)
	slices.SortStableFunc(messages, func(a, b sources.Message) int {
		if c := a.Time.Compare(b.Time); c != 0 {
			return c
		}
		return int(a.Row - b.Row)
	})
	for i := range messages {
		list = append(list, messages[i].Parts[0].Text)
	}
	return list
}

// A missing date is no date: the message keeps its place.
func TestFormats_MissingDates(t *testing.T) {
	t.Parallel()
	for _, f := range formats {
		if !f.dated {
			continue
		}
		for missing := range 3 {
			list := []said{{day, "one"}, {day.Add(time.Minute), "two"}, {day.Add(2 * time.Minute), "three"}}
			list[missing].at = time.Time{}
			s, err := f.read(t, write(t, f.files(list)))
			if err != nil {
				t.Fatal(err)
			}
			if got := texts(s); !slices.Equal(got, []string{"one", "two", "three"}) || s.Messages[0].Time.Year() != 2024 || !strings.Contains(strings.Join(s.Notes, "\n"), "1 messages have no date") {
				t.Errorf("%s without date %d: %q, notes %q, damage %q", f.name, missing, s.Lines(), s.Notes, s.Damage)
			}
		}
	}
}

// Dates that cannot be are refused, counted and named, and cost one message.
func TestFormats_ImpossibleDates(t *testing.T) {
	t.Parallel()
	for _, f := range formats {
		for _, wrong := range []time.Time{day.AddDate(-50, 0, 0), day.AddDate(60, 0, 0)} {
			if f.name == "whatsapp" || f.name == "sigtop" || !f.began && wrong.Before(day) {
				continue // WhatsApp's whole file shows how to read a date; Signal's messages keep their place
			}
			s, err := f.read(t, write(t, f.files([]said{{day, "one"}, {wrong, "two"}, {day.Add(time.Minute), "three"}})))
			if err != nil {
				t.Fatal(err)
			}
			if got := texts(s); !slices.Equal(got, []string{"one", "three"}) || len(s.Damage) != 1 || s.Counts[sources.Unread] != 1 {
				t.Errorf("%s with %v: %q, damage %q", f.name, wrong, s.Lines(), s.Damage)
			}
		}
	}
}

// The encoding of a file makes no difference, and one that was guessed is told.
func TestFormats_Encodings(t *testing.T) {
	t.Parallel()
	const words = "Grüße aus München, größer"
	for _, f := range formats {
		for name, e := range map[string]encoding.Encoding{"UTF-8 with a mark": unicode.UTF8BOM, "UTF-16": unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), "UTF-16 of the other order": unicode.UTF16(unicode.BigEndian, unicode.UseBOM),
			"UTF-16 without a mark": unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), "Windows 1252": charmap.Windows1252} {
			files := f.files([]said{{day, words}, {day.Add(time.Minute), "two"}})
			for file, content := range files {
				encoded, err := e.NewEncoder().String(content)
				if err != nil {
					t.Fatal(err)
				}
				files[file] = encoded
			}
			s, err := f.read(t, write(t, files))
			if err != nil {
				t.Errorf("%s in %s: %v", f.name, name, err)
				continue
			}
			if got := texts(s); !slices.Equal(got, []string{words, "two"}) || strings.Contains(strings.Join(s.Notes, "\n"), "read as Windows 1252") != (e == charmap.Windows1252) {
				t.Errorf("%s in %s: %q, notes %q", f.name, name, got, s.Notes)
			}
		}
	}
}

// A zip whose end is missing costs what is missing.
func TestFormats_CutZips(t *testing.T) {
	t.Parallel()
	const messages = 400
	var list []said
	for n := range messages {
		list = append(list, said{day.Add(time.Duration(n) * time.Minute), strings.Repeat(string(rune('a'+n%26)), 1+n%7) + " and words " + time.Duration(n*n*7919).String()})
	}
	for _, f := range formats {
		if f.name == "slack" {
			continue // its list of people may be at the end
		}
		path := sourcetest.Zipped(t, sourcetest.WriteFiles(t, f.files(list)))
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name := "WhatsApp Chat with John.zip"
		s, err := f.read(t, sourcetest.Write(t, name, string(content[:len(content)*4/5])))
		if err != nil {
			t.Errorf("%s: %v", f.name, err)
			continue
		}
		if n := len(s.Messages); n < messages/4 || n >= messages || !strings.Contains(strings.Join(s.Damage, "\n"), "the end of the zip") {
			t.Errorf("%s: %d of %d messages, damage %q", f.name, n, messages, s.Damage)
		}
	}
}

// What systems put beside files is passed over, in folders and zips.
func TestFormats_Litter(t *testing.T) {
	t.Parallel()
	for _, f := range formats {
		files := f.files([]said{{day, "one"}, {day.Add(time.Minute), "two"}})
		for name := range files {
			folder, base := filepath.Split(name)
			files["__MACOSX/"+folder+"._"+base], files[folder+"._"+base] = "\x00\x05\x16\x07", "\x00\x05\x16\x07"
			files[folder+".DS_Store"], files[folder+"Thumbs.db"], files[folder+"desktop.ini"] = "\x00\x00\x00\x01Bud1", "\xd0\xcf\x11\xe0", "[.ShellClassInfo]"
		}
		archive := sourcetest.Zipped(t, sourcetest.WriteFiles(t, files))
		s, err := f.read(t, archive)
		if err != nil {
			t.Errorf("%s: %v", f.name, err)
			continue
		}
		if got := texts(s); !slices.Equal(got, []string{"one", "two"}) || len(s.Damage) > 0 {
			t.Errorf("%s: %q, damage %q", f.name, got, s.Damage)
		}
	}
}
