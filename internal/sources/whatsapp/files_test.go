package whatsapp_test

import (
	"archive/zip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"ventriloquist/internal/sources"
)

// The encodings in which editors on Windows save a text make no difference.
func TestRead_Encodings(t *testing.T) {
	encode := func(encode func(string) (string, error), text string) string {
		out, err := encode(text)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	const western = "13/05/2022, 09:00 - Zoe: crème brûlée\n13/05/2022, 09:01 - Aidan: ok\n"
	const russian = "13/05/2022, 09:00 - Zoe: привет, как дела\n13/05/2022, 09:01 - Aidan: ok\n"
	for name, c := range map[string]struct{ content, words string }{
		"UTF16":       {encode(unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String, western), "crème brûlée"},
		"UTF16Big":    {encode(unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewEncoder().String, western), "crème brûlée"},
		"UTF16NoMark": {encode(unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM).NewEncoder().String, western), "crème brûlée"},
		"Windows1252": {encode(charmap.Windows1252.NewEncoder().String, western), "crème brûlée"},
		"Windows1251": {encode(charmap.Windows1251.NewEncoder().String, russian), "привет, как дела"},
	} {
		t.Run(name, func(t *testing.T) {
			s := want(t, "WhatsApp Chat with Zoe.txt", c.content, "2022-05-13 09:00:00 Zoe text: "+c.words, "2022-05-13 09:01:00 me text: ok")
			if strings.HasPrefix(name, "Windows") && !strings.Contains(strings.Join(s.Notes, "\n"), "not in UTF-8") {
				t.Errorf("notes are %q", s.Notes)
			}
		})
	}
	// A damaged byte among letters in UTF-8 is told.
	s := want(t, "WhatsApp Chat with Zoe.txt", "13/05/2022, 09:00 - Zoe: é\n13/05/2022, 09:01 - Aidan: \xff\n", "2022-05-13 09:00:00 Zoe text: é", "2022-05-13 09:01:00 me text: \uFFFD")
	if !strings.Contains(strings.Join(s.Notes, "\n"), "1 lines have bytes that are not UTF-8") {
		t.Errorf("notes are %q", s.Notes)
	}
}

// A phone with the Persian calendar: its dates are converted.
func TestRead_PersianCalendar(t *testing.T) {
	want(t, "WhatsApp Chat with Zoe.txt", "1402/12/29, 18:44 - Zoe: a\n1403/01/01, 09:10 - Aidan: b\n1403/12/30, 10:00 - Zoe: c\n1404/07/01, 10:00 - Zoe: d\n",
		"2024-03-19 18:44:00 Zoe text: a", "2024-03-20 09:10:00 me text: b", "2025-03-20 10:00:00 Zoe text: c", "2025-09-23 10:00:00 Zoe text: d")
}

// A phone with the Islamic calendar: its dates are converted, as Umm al-Qura unless only the civil form has one of them. The first
// of Ramadan was on 11 March 2024 and 1 March 2025.
func TestRead_IslamicCalendar(t *testing.T) {
	s := want(t, "WhatsApp Chat with Zoe.txt", "1445/09/01, 18:44 - Zoe: a\n1445/10/01, 09:10 - Aidan: b\n1446/09/01, 10:00 - Zoe: c\n",
		"2024-03-11 18:44:00 Zoe text: a", "2024-04-10 09:10:00 me text: b", "2025-03-01 10:00:00 Zoe text: c")
	if !strings.Contains(strings.Join(s.Notes, "\n"), "Umm al-Qura") {
		t.Errorf("notes are %q", s.Notes)
	}
	want(t, "WhatsApp Chat - Zoe.txt", "[١\u200f/٩\u200f/١٤٤٥ هـ، ٧:٠٢:٠٣ م] Zoe: a\r\n[٢\u200f/٩\u200f/١٤٤٥ هـ، ٧:٠٢:٠٣ ص] Aidan: b\r\n", "2024-03-11 19:02:03 Zoe text: a", "2024-03-12 07:02:03 me text: b")
	s = want(t, "WhatsApp Chat with Zoe.txt", "30/07/1445, 18:44 - Zoe: a\n29/08/1445, 09:10 - Aidan: b\n01/09/1445, 10:00 - Zoe: c\n",
		"2024-02-10 18:44:00 Zoe text: a", "2024-03-10 09:10:00 me text: b", "2024-03-11 10:00:00 Zoe text: c")
	if !strings.Contains(strings.Join(s.Notes, "\n"), "civil form") {
		t.Errorf("notes are %q", s.Notes)
	}
}

// The eras of Japan and Taiwan.
func TestRead_Eras(t *testing.T) {
	want(t, "WhatsApp Chat - Zoe.txt", "[令和6年3月15日 19:02:03] Zoe: a\r\n[令和6年3月16日 19:02:03] Aidan: b\r\n", "2024-03-15 19:02:03 Zoe text: a", "2024-03-16 19:02:03 me text: b")
	want(t, "WhatsApp Chat - Zoe.txt", "[民國113/3/15 下午7:02:03] Zoe: a\r\n[民國113/3/16 下午7:02:03] Aidan: b\r\n", "2024-03-15 19:02:03 Zoe text: a", "2024-03-16 19:02:03 me text: b")
	want(t, "WhatsApp Chat with Zoe.txt", "R6/03/15 19:02 - Zoe: a\nR is a letter\nH2 is hydrogen - Zoe: no\nR6/03/16 19:02 - Aidan: b\n", "2024-03-15 19:02:00 Zoe text: a|R is a letter|H2 is hydrogen - Zoe: no", "2024-03-16 19:02:00 me text: b")
	want(t, "WhatsApp Chat - Zoe.txt", "[R6/3/15 午後7:02:03] Zoe: a\r\n[R6/3/16 午後7:02:03] Aidan: b\r\n", "2024-03-15 19:02:03 Zoe text: a", "2024-03-16 19:02:03 me text: b")
}

// Dates that cannot be are refused.
func TestRead_ImpossibleDates(t *testing.T) {
	for _, date := range []string{"1325/09/05", "05/09/5784", "01/01/1999"} {
		path := filepath.Join(t.TempDir(), "WhatsApp Chat with Zoe.txt")
		if err := os.WriteFile(path, []byte(date+", 18:44 - Zoe: a\n"+date+", 18:45 - Aidan: b\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := read(t, path, "Aidan"); err == nil || !strings.Contains(err.Error(), "dates cannot be") {
			t.Errorf("error is %v", err)
		}
	}
}

// What systems put beside files is passed over, and one file that is no chat does not stop the others.
func TestRead_LitterBesideChats(t *testing.T) {
	const chat = "13/05/2022, 09:00 - Zoe: a\n13/05/2022, 09:01 - Aidan: b\n"
	folder := t.TempDir()
	write := func(name, content string) {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(folder, "WhatsApp Chat - Zoe.zip")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(f)
	for name, content := range map[string]string{"WhatsApp Chat with Zoe.txt": chat, "__MACOSX/._WhatsApp Chat with Zoe.txt": "\x00\x05\x16\x07", ".DS_Store": "x"} {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		w.Write([]byte(content))
	}
	if z.Close() != nil || f.Close() != nil {
		t.Fatal("the zip cannot be written")
	}
	lines := []string{"2022-05-13 09:00:00 Zoe text: a", "2022-05-13 09:01:00 me text: b"}
	if head, err := sources.ReadHead(path); err != nil {
		t.Error(err)
	} else if len(head.Names) != 1 {
		t.Errorf("it holds %q", head.Names)
	}
	s, err := read(t, path, "Aidan")
	if err != nil {
		t.Fatal(err)
	}
	s.Want(t, lines...)
	write("._WhatsApp Chat with Zoe.txt", "\x00\x05\x16\x07")
	write("WhatsApp notes.txt", "remember the milk\n")
	write("WhatsApp Chat - Max.zip", "PK\x03\x04 cut off")
	if s, err = read(t, folder, "Aidan"); err != nil {
		t.Fatal(err)
	}
	s.Want(t, lines...)
	if !strings.Contains(strings.Join(s.Notes, "\n"), "WhatsApp notes.txt is no exported chat") || !strings.Contains(strings.Join(append(s.Notes, s.Damage...), "\n"), "Max.zip") {
		t.Errorf("notes are %q, damage %q", s.Notes, s.Damage)
	}
}
