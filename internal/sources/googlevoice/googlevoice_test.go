package googlevoice_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/googlevoice"
	"ventriloquist/internal/sources/sourcetest"
	"ventriloquist/internal/usererr"
)

func read(t testing.TB, path string, own ...string) (*sourcetest.Sink, error) {
	t.Helper()
	return sourcetest.ReadFile(t, googlevoice.Open, path, own...)
}

func page(title, before string, content ...string) string {
	return "<?xml version=\"1.0\" ?>\n<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Strict//EN\" \"http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd\">\n<html xmlns=\"http://www.w3.org/1999/xhtml\"><head><title>" + title +
		"</title></head>\n<body>" + before + "<div class=\"hChatLog hfeed\">\n" + strings.Join(content, " ") + "</div>\n<div class=\"tags\">Labels: <a rel=\"tag\" href=\"http://www.google.com/voice#inbox\">Inbox</a></div></body></html>\n"
}

func cite(number, name string) string {
	fn := `<span class="fn">` + name + `</span>`
	if name == "Me" {
		fn = `<abbr class="fn" title="">Me</abbr>`
	}
	return `<cite class="sender vcard"><a class="tel" href="tel:` + number + `">` + fn + `</a></cite>`
}

func said(at, number, name, words, files string) string {
	return `<div class="message"><abbr class="dt" title="` + at + `">Mar 15, 2024, 8:02:03` + "\u202f" + `PM Eastern Time</abbr>:
` + cite(number, name) + `:
<q>` + words + `</q>
` + files + `</div>`
}

const (
	first  = "2024-03-15T20:02:03.123-04:00"
	second = "2024-03-15T20:02:09.000-04:00"
)

var takeout = map[string]string{
	"Takeout/Voice/Calls/John Smith - Text - 2024-03-16T00_02_03Z.html": page("John Smith", "", said(first, "+12125550101", "John Smith", "hey<br>there &amp; you&#39;re", ""),
		said(second, "+12125550100", "Me", "MMS Sent", `<div><img src="John Smith - Text - 2024-03-16T00_02_03Z-2-1" alt="Image MMS Attachment" /></div><div><a class="vcard" href="John Smith - Text - 2024-03-16T00_02_03Z-2-2">Contact card attachment</a></div>`)),
	"Takeout/Voice/Calls/John Smith - Text - 2024-03-16T00_02_03Z-2-1.jpg":     "x",
	"Takeout/Voice/Calls/John Smith - Text - 2024-03-17T00_02_03Z.html":        page("John Smith", "", said("2024-03-16T20:02:03.123-04:00", "+12125550100", "Me", "still there?", "")),
	"Takeout/Voice/Calls/Group Conversation - 2024-03-16T00_03_03Z.html":       page("Group", `<div class="participants">Group conversation with: `+cite("+12125550101", "John Smith")+", "+cite("+12125550102", "Zoë")+`</div>`, said(second, "+12125550102", "Zoë", "Liked “hey”", "")),
	"Takeout/Voice/Calls/John Smith - Missed - 2024-03-16T00_04_03Z.html":      `<html><body><div class="haudio"><span class="fn">Missed call from John Smith</span><div class="contributor vcard">Missed call from <a class="tel" href="tel:+12125550101"><span class="fn">John Smith</span></a></div><abbr class="published" title="` + second + `">x</abbr></div></body></html>`,
	"Takeout/Voice/Calls/+12125550103 - Voicemail - 2024-03-16T00_04_03Z.html": `<html><body><div class="haudio"><span class="album">Call Log for </span><div class="contributor vcard">Voicemail from <a class="tel" href="tel:+12125550103"><span class="fn"></span></a></div><abbr class="published" title="` + second + `">x</abbr><span class="description"><span class="full-text">call me back</span></span><audio controls="controls" src="+12125550103 - Voicemail - 2024-03-16T00_04_03Z.mp3"></audio></div></body></html>`,
	"Takeout/Voice/Phones.vcf": "BEGIN:VCARD",
}

func TestRead(t *testing.T) {
	t.Parallel()
	folder := sourcetest.WriteFiles(t, takeout)
	for _, place := range []string{folder, filepath.Join(folder, "Takeout"), filepath.Join(folder, "Takeout", "Voice", "Calls"), sourcetest.Zipped(t, filepath.Join(folder, "Takeout"))} {
		if head, err := sources.ReadHead(place); err != nil || !googlevoice.Recognize(head) {
			t.Errorf("%s is not recognized (%v)", place, err)
		}
	}
	s, err := read(t, folder)
	if err != nil {
		t.Fatal(err)
	}
	s.Want(t, "2024-03-16 00:02:09 +12125550103 audio: +12125550103 - Voicemail - 2024-03-16T00_04_03Z.mp3 (call me back)",
		"2024-03-16 00:02:09 +12125550102 text: Liked “hey”",
		"2024-03-16 00:02:03 +12125550101 text: hey|there & you're",
		"2024-03-16 00:02:09 me image: John Smith - Text - 2024-03-16T00_02_03Z-2-1.jpg", "2024-03-16 00:02:09 me contact: John Smith - Text - 2024-03-16T00_02_03Z-2-2",
		"2024-03-17 00:02:03 me text: still there?")
	s.WantCounts(t, map[sources.Fate]int64{sources.Events: 1})
	group, direct := s.Messages[1].Chat, s.Messages[2].Chat
	if !group.Group || !slices.Equal(group.Members, []string{"+12125550101", "+12125550102"}) || direct.Group || !slices.Equal(direct.Members, []string{"+12125550101"}) || s.Messages[4].Chat != direct {
		t.Errorf("the chats are %+v and %+v", group, direct)
	}
	if p := s.Messages[3].Parts[0].File; !strings.HasSuffix(p.Path, "-2-1.jpg") || s.Names["+12125550101"] != "John Smith" || s.Owns["+12125550100"] != 2 {
		t.Errorf("the picture is %+v, names %v, own addresses %v", p, s.Names, s.Owns)
	}
}

// A Takeout is the same when it is collected again, and with an older one next to it.
func TestCollect_Again(t *testing.T) {
	t.Parallel()
	sourcetest.Again(t, googlevoice.Open, sourcetest.WriteFiles(t, takeout), 6)
	twice := map[string]string{}
	for name, content := range takeout {
		twice["new/"+name], twice["old/"+name] = content, content
	}
	s, err := read(t, sourcetest.WriteFiles(t, twice))
	if err != nil || s.Counts[sources.Messages] != 5 || s.Counts[sources.Duplicates] != 5 {
		t.Errorf("messages are %q (%v)", s.Lines(), err)
	}
}

// Damage costs the message that holds it, and is named with its line.
func TestRead_Damage(t *testing.T) {
	t.Parallel()
	whole := page("John", "", said(first, "+12125550101", "John", "one", ""), said(second, "+12125550101", "John", "two", ""), said(second, "+12125550100", "Me", "three", ""))
	for name, c := range map[string]struct{ content, want, damage string }{
		"CutOff":   {whole[:strings.Index(whole, "ree<")], "one|two", "a message: the file ends before its HTML does"},
		"Hole":     {strings.Replace(whole, "two</q>\n</div>", "\x00\x00", 1), "one|three", "it does not end before the next one"},
		"Time":     {strings.Replace(whole, second, "noon", 1), "one|three", `"noon" is no time`},
		"Future":   {strings.Replace(whole, "2024-03-15T20:02:09", "2224-03-15T20:02:09", 1), "one|three", "cannot be"},
		"NoSender": {strings.Replace(whole, cite("+12125550101", "John")+":\n<q>two", "<q>two", 1), "one|three", ""},
	} {
		s, err := read(t, sourcetest.Write(t, "John - Text - 2024-03-16T00_02_03Z.html", c.content))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got []string
		for _, m := range s.Messages {
			got = append(got, m.Parts[0].Text)
		}
		if strings.Join(got, "|") != c.want || c.damage != "" && (len(s.Damage) == 0 || !strings.Contains(s.Damage[0], c.damage) || !strings.Contains(s.Damage[0], ".html:") || s.Counts[sources.Unread] != 1) {
			t.Errorf("%s: messages are %q, damage %q", name, s.Lines(), s.Damage)
		}
	}
	if _, err := googlevoice.Open(t.TempDir(), sourcetest.Reading()); err == nil || usererr.Of(err) == "" {
		t.Errorf("error is %v", err)
	}
}

func TestRead_HoldsFewMessages(t *testing.T) {
	path := sourcetest.Write(t, "John Smith - Text - 2024-03-16T00_02_03Z.html", page("John Smith", "", sourcetest.Long(func(i int, text string) string {
		return said(fmt.Sprintf("2024-03-15T%02d:%02d:03.123-04:00", i/60%24, i%60), "+12125550101", "John Smith", text, "")
	})))
	sourcetest.Flat(t, googlevoice.Open, path)
}

func FuzzRead(f *testing.F) {
	for name, content := range takeout {
		if strings.HasSuffix(name, ".html") {
			f.Add(content)
		}
	}
	f.Add(`<div class="message"><div><a href=x></a></div><abbr class=dt title=2024-03-15T20:02:03Z><a class=tel href="tel:1"></a>`)
	path := filepath.Join(f.TempDir(), "John - Text - 2024-03-16T00_02_03Z.html")
	f.Fuzz(func(t *testing.T, content string) {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		read(t, path)
	})
}
