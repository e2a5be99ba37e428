package imessageexporter_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/messages/messagestest"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/imessageexporter"
	"ventriloquist/internal/sources/sourcetest"
	"ventriloquist/internal/usererr"
)

func read(t testing.TB, path string, own ...string) (*sourcetest.Sink, error) {
	t.Helper()
	return sourcetest.ReadFile(t, imessageexporter.Open, path, own...)
}

func recognized(t *testing.T, path string) bool {
	t.Helper()
	return sourcetest.Recognized(t, imessageexporter.Recognize, path)
}

// text is a chat of two as text.
const text = `Mar 15, 2024  8:02:03 PM (Read by you after 1 hour, 49 seconds)
+12125550101
are you in?

it's at eight
Tapbacks:
    Loved by Me
    🎉 by +12125550101
    Sticker from +12125550101: /Users/a/Library/Messages/StickerCache/x/y.heic (App: Free) from +12125550101
    Mar 15, 2024  8:04:00 PM
    Me
    sure
    Tapbacks:
        Liked by +12125550101

    Mar 15, 2024  8:05:00 PM
    Me
    what about Zoë?


Mar 15, 2024  8:03:00 PM
Me
attachments/3/17.heic
Sticker from Me: ~/Library/Messages/StickerCache/b/hat.heic (Genmoji prompt: a cat in a hat)
attachments/3/Audio Message.caf
Transcription: see you there
Attachment missing!
look at these
Sent with Confetti

Mar 15, 2024  8:04:00 PM
Me
sure
Tapbacks:
    Liked by +12125550101
This message responded to an earlier message.

Mar 15, 2024  8:06:00 PM
+12125550101
Mar 15, 2024  8:06:00 PM I am lat
Edited 1 minute, 5 seconds later: I am late,
sorry

Mar 15, 2024  8:08:00 PM
+12125550101
They unsent this message part 3 seconds after sending!

Mar 15, 2024  8:09:00 PM
+12125550101
This message was deleted from the conversation!
nothing

Mar 15, 2024  8:10:00 PM
Me
SharePlay Message
Ended

Mar 15, 2024  8:11:00 PM You named the conversation Pub: the quiz

Mar 15, 2024  8:12:00 PM
+12125550101
On y va !
Translated from:
let's go!

Mar 15, 2024  8:13:00 PM
Me
https://example.org/a
Tapbacks:
I hate them

`

var textLines = []string{
	"2024-03-15 20:02:03 +12125550101 text: are you in?||it's at eight",
	"2024-03-15 20:02:04 me reaction: Loved <- are you in?||it's at eight",
	"2024-03-15 20:02:04 +12125550101 reaction: 🎉 <- are you in?||it's at eight",
	"2024-03-15 20:03:00 me image: 17.heic",
	"2024-03-15 20:03:00 me image: hat.heic (a cat in a hat)",
	"2024-03-15 20:03:00 me audio: Audio Message.caf (see you there)",
	"2024-03-15 20:03:00 me text: look at these",
	"2024-03-15 20:04:00 me text: sure <- are you in?||it's at eight",
	"2024-03-15 20:04:01 +12125550101 reaction: Liked <- sure",
	"2024-03-15 20:06:00 +12125550101 text: I am late,|sorry",
	"2024-03-15 20:12:00 +12125550101 text: let's go!",
	"2024-03-15 20:13:00 me text: https://example.org/a|Tapbacks:|I hate them",
	"2024-03-15 20:05:00 me text: what about Zoë? <- are you in?||it's at eight",
}

func TestRead_Text(t *testing.T) {
	t.Parallel()
	path := sourcetest.Write(t, "+12125550101.txt", text)
	if !recognized(t, path) || !recognized(t, filepath.Dir(path)) {
		t.Error("it is not recognized")
	}
	s, err := read(t, path)
	if err != nil {
		t.Fatal(err)
	}
	s.Want(t, textLines...)
	s.WantCounts(t, map[sources.Fate]int64{sources.Stickers: 1, sources.Duplicates: 2, sources.Deleted: 1, sources.RecentlyDeleted: 1, sources.Events: 2})
	if c := s.Messages[0].Chat; c.Group || !slices.Equal(c.Members, []string{"+12125550101"}) || c.Source != "imessage-exporter +12125550101" || c.Extent != messages.Span {
		t.Errorf("the chat is %+v", c)
	}
	if p := s.Messages[3].Parts[0].File; p.Root != filepath.Dir(path) || p.Path != "attachments/3/17.heic" || s.Messages[3].Parts[1].File.Path != "~/Library/Messages/StickerCache/b/hat.heic" {
		t.Errorf("the picture is %+v", p)
	}
	edited := s.Messages[6]
	if len(edited.Versions) != 2 || edited.Versions[0].Text != "I am lat" || edited.Versions[1].Date-edited.Versions[0].Date != 65e9 {
		t.Errorf("versions are %+v", edited.Versions)
	}
	if len(s.Damage) != 0 || len(s.Notes) != 1 || !strings.Contains(s.Notes[0], "zone names") {
		t.Errorf("damage is %q, notes %q", s.Damage, s.Notes)
	}
}

// said is a message of a page.
func said(guid, class, from, at, content string) string {
	return `<div class="message">
    <div class="` + class + `">
        <p>
            <span class="timestamp">
                <a title="Reveal" href="sms://open?message-guid=` + guid + `">` + at + `</a>
                (Read by you after 5 seconds)
            </span>

            <span class="sender">` + from + `</span>
        </p>

` + content + `
    </div>
</div>
`
}

func part(content string) string {
	return "<hr>\n<div class=\"message_part\">\n    " + content + "\n    </div>\n"
}

func bubble(words string) string { return part(`<span class="bubble">` + words + `</span>`) }

func page(content ...string) string {
	return "<html>\n<head>\n<meta charset=\"UTF-8\">\n<title>x</title>\n<style>.message { color: red }</style>\n</head>\n<body>\n" + strings.Join(content, "") + "</body>\n</html>\n"
}

const (
	first  = "4E1AB31C-0000-4000-8000-000000000001"
	second = "4E1AB31C-0000-4000-8000-000000000002"
	third  = "4E1AB31C-0000-4000-8000-000000000003"
)

var answer = bubble("yes") + `<span class="reply_context">This message responded to an earlier message.</span>`

// group is a chat of three as a page.
var group = page(
	said(first, "received", "John &amp; co", "Mar 15, 2024  8:02:03 PM", `<p>Subject: <span class="subject">Tonight</span></p>`+
		bubble("are <b>you</b> &lt;in&gt;?\nat eight")+`<span class="expressive">Sent with Echo</span>
		<div class="tapbacks"><hr><p>Tapbacks:</p><div class="tapback"><span class="tapback"><b>Loved</b> by Me</span></div>
		<div class="tapback"><img src="x.heic" loading="lazy"><div class="sticker_name">App: Free</div><div class="sticker_tapback">&nbsp;by Zoë</div></div></div>
		<div class="replies"><div class="reply" id="`+second+`">`+said(second, "sent iMessage", "Me", "Mar 15, 2024  8:03:00 PM", bubble("yes"))+`</div></div>`),
	"\n<div class =\"announcement\"><p><span class=\"timestamp\">Mar 15, 2024  8:02:30 PM</span> You added Zoë to the conversation.</p></div>\n",
	said(second, "sent iMessage", "+12125550100", "Mar 15, 2024  8:03:00 PM", answer),
	said(third, "received", "Zoë", "Mar 15, 2024  8:04:00 PM",
		part(`<div class="attachment"><img src="attachments/3/17.heic" loading="lazy"></div>`)+
			part(`<div class="attachment"><div><audio controls src="/Users/a/Library/Messages/Attachments/1/Audio Message.caf" type="audio/x-caf" </audio></div> <hr><span class="transcription">Transcription: hi</span></div>`)+
			part(`<div class="attachment"><a href="attachments/3/doc.pdf">Click to download doc.pdf (1.00 KB)</a></div>`)+
			part(`<span class="attachment_error">Attachment does not exist!</span>`)+
			part(`<div class="app"><a href="https://example.org/a"><div class="app_header"><div class="name">Example</div></div></a></div>`)+
			part(`<div class="app"><div class="app_header"><div class="name">Pay</div></div><div class="app_footer"><div class="caption">$5</div></div></div>`)),
	said("x", "received", "Zoë", "Mar 15, 2024  8:05:00 PM", part(`<div class="edited"><table><tbody><tr><td><span class="timestamp"></span></td><td>I am lat</td></tr></tbody><tfoot><tr><td><span class="timestamp">Edited 5 seconds later</span></td><td>I am late</td></tr></tfoot></table></div>`)),
	said("y", "received", "Zoë", "Mar 15, 2024  8:06:00 PM", part(`<span class="unsent"><span class="unsent">Zoë unsent this message part!</span></span>`)),
	said("z", "received", "Zoë", "Dec 31, 2000  4:00:00 PM", bubble("when")),
)

func TestRead_Page(t *testing.T) {
	t.Parallel()
	path := sourcetest.Write(t, "Pub - 12.html", group)
	if !recognized(t, path) || !recognized(t, filepath.Dir(path)) {
		t.Error("it is not recognized")
	}
	s, err := read(t, path)
	if err != nil {
		t.Fatal(err)
	}
	s.Want(t, "2024-03-15 20:02:03 John & co text: Tonight", "2024-03-15 20:02:03 John & co text: are you <in>?|at eight", "2024-03-15 20:02:04 me reaction: Loved <- Tonight",
		"2024-03-15 20:03:00 me text: yes <- Tonight",
		"2024-03-15 20:04:00 Zoë image: 17.heic", "2024-03-15 20:04:00 Zoë audio: Audio Message.caf (hi)", "2024-03-15 20:04:00 Zoë document: doc.pdf", "2024-03-15 20:04:00 Zoë text: https://example.org/a",
		"2024-03-15 20:04:00 Zoë text: Pay|$5", "2024-03-15 20:05:00 Zoë text: I am late")
	s.WantCounts(t, map[sources.Fate]int64{sources.Stickers: 1, sources.Events: 1, sources.Duplicates: 1, sources.Deleted: 1, sources.Unread: 1})
	if c := s.Messages[0].Chat; !c.Group || c.Name != "Pub" || !slices.Equal(c.Members, []string{"John & co", "Zoë"}) || s.Messages[0].GUID != first {
		t.Errorf("the chat is %+v", c)
	}
	if s.Owns["+12125550100"] != 1 || !s.Left[0].Retracted || len(s.Damage) != 1 || !strings.Contains(s.Damage[0], "Pub - 12.html:") {
		t.Errorf("own addresses are %v, what was unsent %+v, damage %q", s.Owns, s.Left, s.Damage)
	}
}

// An export is the same when it is collected again, from a zip, and with copies of its files in it.
func TestCollect_Again(t *testing.T) {
	t.Parallel()
	folder := sourcetest.WriteFiles(t, map[string]string{"+12125550101.txt": text, "+12125550101 (1).txt": text, "Pub - 12.html": group, "Pub - 12.txt": "Mar 15, 2024  8:02:03 PM\nMe\nthe page counts\n", "attachments/3/17.txt": "x"})
	sourcetest.Again(t, imessageexporter.Open, folder, 20)
}

// A message is the same one in chat.db, whose copy is shown, whichever is collected first.
func TestCollect_OneHistoryWithTheDatabase(t *testing.T) {
	t.Parallel()
	folder := sourcetest.WriteFiles(t, map[string]string{"Pub - 12.html": group})
	for _, exportFirst := range []bool{true, false} {
		db := sourcetest.NewDB(t)
		steps := []func(){
			func() { sourcetest.Collect(t, db, imessageexporter.Open, folder) },
			func() {
				messagestest.Fill(t, db, messagestest.Message{Group: true, Members: messages.Members("+12125550101", "+12125550102"), Row: 7, GUID: second, Date: 1710532980e9, Text: "yes!"})
			},
		}
		if !exportFirst {
			slices.Reverse(steps)
		}
		steps[0]()
		steps[1]()
		shown := messagestest.Rows(t, db, `SELECT text FROM message WHERE text LIKE 'yes%' AND state & 3 = 0`)
		if !slices.Equal(shown, []string{"yes!"}) {
			t.Errorf("export first %v: %q are shown", exportFirst, shown)
		}
	}
}

// What looks like the beginning of a message is part of one if it is older and by somebody who writes nowhere else.
func TestRead_PastedMessages(t *testing.T) {
	t.Parallel()
	s, err := read(t, sourcetest.Write(t, "+12125550101.txt", `Mar 15, 2024  8:02:03 PM
Me
look what she wrote:

Jan 01, 2024 10:00:00 AM
Zoë
happy new year

Mar 15, 2024  8:03:00 PM
+12125550101
Jan 05, 2021 10:30:00 AM was great

Jan 06, 2021 10:30:00 AM too
Sent with love
`))
	if err != nil {
		t.Fatal(err)
	}
	s.Want(t, "2024-03-15 20:02:03 me text: look what she wrote:||Jan 01, 2024 10:00:00 AM|Zoë|happy new year",
		"2024-03-15 20:03:00 +12125550101 text: Jan 05, 2021 10:30:00 AM was great||Jan 06, 2021 10:30:00 AM too|Sent with love")
}

// Of the hour that occurs twice, the order of the file tells which one is meant; in a chat with a stranger's name, the file has the number.
func TestRead_People(t *testing.T) {
	t.Parallel()
	s, err := read(t, sourcetest.Write(t, "+12125550101.txt", "Mar 15, 2024  8:02:03 PM\nJohn Smith\nhi\n\nMar 15, 2024  8:03:03 PM\nMe\nho\n"))
	if err != nil || s.Messages[0].Sender != "+12125550101" || s.Names["+12125550101"] != "John Smith" || s.Messages[0].Chat.Group {
		t.Errorf("messages are %q, names %v (%v)", s.Lines(), s.Names, err)
	}
	s, err = read(t, sourcetest.Write(t, "+12125550101, zoe@example.org.txt", "Mar 15, 2024  8:02:03 PM\n+12125550101\nhi\n"))
	if err != nil || !s.Messages[0].Chat.Group || !slices.Equal(s.Messages[0].Chat.Members, []string{"+12125550101", "zoe@example.org"}) {
		t.Errorf("the chat is %+v (%v)", s.Messages[0].Chat, err)
	}
	named := sourcetest.Write(t, "Pub - 3.txt", "Mar 15, 2024  8:02:03 PM\nAidan\nhi\n\nMar 15, 2024  8:02:04 PM\nZoë\nho\n")
	if _, err = read(t, named); err == nil || !strings.Contains(err.Error(), `"Aidan"`) {
		t.Errorf("error is %v", err)
	}
	if s, err = read(t, named, "Aidan"); err != nil || s.Messages[0].Sender != messages.Owner {
		t.Errorf("messages are %q (%v)", s.Lines(), err)
	}
}

// Damage costs the message that holds it, and is named with its line.
func TestRead_Damage(t *testing.T) {
	t.Parallel()
	const two = "Mar 15, 2024  8:02:03 PM\nJohn\nhi\n\nMar 15, 2024  8:03:03 PM\nMe\nho\n\nMar 15, 2024  8:04:03 PM\nJohn\nha\n"
	html := page(said(first, "received", "John", "Mar 15, 2024  8:02:03 PM", bubble("hi")), said(second, "sent SMS", "Me", "Mar 15, 2024  8:03:03 PM", bubble("ho")), said(third, "received", "John", "Mar 15, 2024  8:04:03 PM", bubble("ha")))
	for name, c := range map[string]struct {
		file, content, want, damage string
	}{
		"Beginning": {"John.txt", two[30:], "ho|ha", "John.txt:1: it is before the first message"},
		"CutOff":    {"John.txt", two[:strings.LastIndex(two, "John")], "hi|ho", "the file ends before its last message does"},
		"Date":      {"John.txt", strings.Replace(two, "Mar 15, 2024  8:03", "Mar 35, 2024  8:03", 1), "hi|ha", `John.txt:5: "Mar 35, 2024  8:03:03 PM" is no time`},
		"Future":    {"John.txt", strings.Replace(two, "Mar 15, 2024  8:04", "Mar 15, 2224  8:04", 1), "hi|ho", "cannot be"},
		"UTF16":     {"John.txt", "\xff\xfe" + strings.Join(strings.Split(two, ""), "\x00") + "\x00", "hi|ho|ha", ""},
		"PageCut":   {"John.html", html[:strings.Index(html, "ha<")], "hi|ho", "John.html:"},
		"PageHole":  {"John.html", strings.Replace(html, "ho</span>\n    </div>\n\n    </div>\n</div>", "\x00\x00", 1), "hi|ha", "John.html:"},
	} {
		s, err := read(t, sourcetest.Write(t, c.file, c.content))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got []string
		for _, m := range s.Messages {
			got = append(got, m.Parts[0].Text)
		}
		if strings.Join(got, "|") != c.want || (c.damage == "") != (len(s.Damage) == 0) || c.damage != "" && (s.Counts[sources.Unread] != 1 || !strings.Contains(s.Damage[0], c.damage)) {
			t.Errorf("%s: messages are %q, damage %q", name, s.Lines(), s.Damage)
		}
	}
	if _, err := read(t, sourcetest.Write(t, "a.txt", "hello\nthere\n")); err == nil || !strings.Contains(err.Error(), "no message") {
		t.Errorf("error is %v", err)
	}
	if _, err := imessageexporter.Open(t.TempDir(), sourcetest.Reading()); err == nil || usererr.Of(err) == "" {
		t.Errorf("error is %v", err)
	}
}

func TestRead_HoldsFewMessages(t *testing.T) {
	html := page(sourcetest.Long(func(i int, text string) string {
		return said(fmt.Sprintf("4E1AB31C-0000-4000-8000-%012X", i), "received", "John", "Mar 15, 2024  8:02:03 PM", bubble(text))
	}))
	text := sourcetest.Long(func(i int, text string) string {
		return fmt.Sprintf("Mar 15, 2024  8:02:03 PM\n+12125550101\n%d %s\n\n", i, text)
	})
	sourcetest.Flat(t, imessageexporter.Open, sourcetest.Write(t, "+12125550101.html", html))
	sourcetest.Flat(t, imessageexporter.Open, sourcetest.Write(t, "+12125550101.txt", text))
}

func FuzzRead(f *testing.F) {
	f.Add(text, false)
	f.Add(group, true)
	f.Add("Mar 15, 2024  8:02:03 PM\nMe\n"+strings.Repeat("    Mar 15, 2024  8:02:03 PM\n    Me\n    Tapbacks:\n        Loved by x\n", 20), false)
	f.Add(`<div class="message"><div class="sent"><span class="timestamp">`+strings.Repeat(`<div class="reply"><div class="message">`, 50), true)
	folder := f.TempDir()
	f.Fuzz(func(t *testing.T, content string, page bool) {
		path := filepath.Join(folder, "a.txt")
		if page {
			path = filepath.Join(folder, "a.html")
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		read(t, path)
	})
}
