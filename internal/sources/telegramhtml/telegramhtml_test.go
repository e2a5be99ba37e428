package telegramhtml_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/sourcetest"
	"ventriloquist/internal/sources/telegramhtml"
	"ventriloquist/internal/usererr"
)

// page returns a page as Telegram Desktop writes it.
func page(title string, content ...string) string {
	return `<!DOCTYPE html>
<html>

 <head>

  <meta charset="utf-8"/>
<title>Exported Data</title>
  <meta content="width=device-width, initial-scale=1.0" name="viewport"/>

  <link href="css/style.css" rel="stylesheet"/>

  <script src="js/script.js" type="text/javascript">

  </script>

 </head>

 <body onload="CheckLocation();">

  <div class="page_wrap">

   <div class="page_header">

    <div class="content">

     <div class="text bold">
` + title + ` 
     </div>

    </div>

   </div>

   <div class="page_body chat_page">

    <div class="history">
` + strings.Join(content, "") + `
    </div>

   </div>

  </div>

 </body>

</html>
`
}

// service returns a service message.
func service(id int, words string) string {
	return fmt.Sprintf(`
     <div class="message service" id="message%d">

      <div class="body details">
%s
      </div>

     </div>
`, id, words)
}

// said returns a message; without a sender it is joined to the one before.
func said(id int, from, date, content string) string {
	joined, name := " joined", ""
	if from != "" {
		joined, name = "", `
       <div class="from_name">
`+from+` 
       </div>
`
	}
	return fmt.Sprintf(`
     <div class="message default clearfix%s" id="message%d">

      <div class="body">

       <div class="pull_right date details" title="%s">
20:02
       </div>
%s%s
      </div>

     </div>
`, joined, id, date, name, content)
}

func text(words string) string {
	return `
       <div class="text">
` + words + `
       </div>
`
}

// media returns a media element of the general form.
func media(class, href, title, description, status string) string {
	tag, link := "div", ""
	if href != "" {
		tag, link = "a", ` href="`+href+`"`
	}
	row := func(class, words string) string {
		if words == "" {
			return ""
		}
		return `<div class="` + class + `">
` + words + `
         </div>`
	}
	return `
       <div class="media_wrap clearfix">

        <` + tag + ` class="media clearfix pull_left ` + class + `"` + link + `>

         <div class="fill pull_left">

         </div>

         <div class="body">
` + row("title bold", title) + row("description", description) + row("status details", status) + `
         </div>

        </` + tag + `>

       </div>
`
}

const (
	first = "15.03.2024 20:02:03 UTC+01:00"
	later = "15.03.2024 20:02:09 UTC+01:00"
)

// direct is a chat with one person.
var direct = page("John Smith", service(-1, "15 March 2024"),
	said(10, "John Smith", first, text(`hey<br>there &amp; &quot;here&quot; &lt;3`)),
	said(11, "", later, text(`look: <a href="https://x.org">https://x.org</a> and <strong>this</strong> <span class="spoiler hidden" onclick="ShowSpoiler(this)"><span aria-hidden="true">secret</span></span> <a href="" onclick="return ShowNotLoadedEmoji();">😀</a>`)),
	said(12, "Aidan", later, `
       <div class="reply_to details">
In reply to <a href="#go_to_message10" onclick="return GoToMessage(10)">this message</a>
       </div>
`+text("yes")+`
       <span class="reactions">

        <span class="reaction active">

         <span class="emoji">
❤
         </span>

         <span class="userpics">

          <div class="userpic userpic1" style="width: 20px; height: 20px">

           <div class="initials" style="line-height: 20px" title="John Smith">
JS
           </div>

          </div>

         </span>

        </span>

        <span class="reaction"><span class="emoji"><a href = "stickers/x.tgs">👋</a></span><span class="userpics"><div class="userpic userpic1"><div class="initials" title="John Smith">JS</div></div></span></span>

       </span>
`),
	said(13, "John Smith", later, `
       <div class="pull_left forwarded userpic_wrap">
       </div>

       <div class="forwarded body">

        <div class="from_name">
News <span class="date details" title="01.01.2024 10:00:00 UTC+01:00"> 01.01.2024 10:00:00</span>
        </div>
`+text("forwarded words")+`
       </div>
`),
	said(14, "", later, `
       <div class="media_wrap clearfix">

        <a class="photo_wrap clearfix pull_left" href="photos/photo_1@15-03-2024.jpg">

         <img class="photo" src="photos/photo_1@15-03-2024_thumb.jpg" style="width: 1px"/>

        </a>

       </div>
`+text("caption")),
	said(15, "", later, media("media_photo", "", "Photo", "Not included, change data exporting settings to download.", "1280x720, 90.1 KB")),
	said(16, "", later, media("media_photo", "stickers/AnimatedSticker.tgs", "Sticker", "", "😂")),
	said(17, "", later, media("media_voice_message", "voice_messages/audio_1.ogg", "Voice message", "", "00:03")),
	said(18, "", later, media("media_video", "round_video_messages/file_1.mp4", "Video message", "", "00:05")),
	said(19, "", later, media("media_file", "files/Resume.pdf", "Resume.pdf", "", "1.0 MB")),
	said(20, "", later, media("media_contact", "", "Zoë ", "", "+49 171 1")),
	said(21, "", later, media("media_location", "https://maps.google.com/maps?q=51.5,-0.127397", "Location", "", "51.5, -0.127397")),
	said(22, "", later, media("media_venue", "https://maps.google.com/maps?q=51.5,-0.1", "The Pub", "High St 1", "")),
	said(23, "", later, `<div class="media_wrap clearfix"><div class="media_poll"><div class="question bold">
Lunch?
</div><div class="details">Anonymous poll</div><div class="answer">- yes <span class="details">1 vote, chosen vote</span></div></div></div>`),
	said(24, "", later, media("media_call", "", "Aidan", "", "Missed")),
	service(25, `John Smith pinned <a href="#go_to_message10" onclick="return GoToMessage(10)">this message</a>`),
	said(26, "Aidan via @gif", later, media("media_file", "", "plan.txt", "Exceeds maximum size, change data exporting settings to download.", "3.0 MB")),
)

func read(t testing.TB, path string, own ...string) (*sourcetest.Sink, error) {
	t.Helper()
	return sourcetest.ReadFile(t, telegramhtml.Open, path, own...)
}

func recognized(t *testing.T, path string) bool {
	t.Helper()
	return sourcetest.Recognized(t, telegramhtml.Recognize, path)
}

func TestRead(t *testing.T) {
	t.Parallel()
	path := sourcetest.Write(t, "messages.html", direct)
	if !recognized(t, path) || !recognized(t, filepath.Dir(path)) {
		t.Error("it is not recognized")
	}
	s, err := read(t, path)
	if err != nil {
		t.Fatal(err)
	}
	s.Want(t, `2024-03-15 19:02:03 John Smith text: hey|there & "here" <3`,
		"2024-03-15 19:02:09 John Smith text: look: https://x.org and this secret 😀",
		`2024-03-15 19:02:09 me text: yes <- hey|there & "here" <3`,
		"2024-03-15 19:02:09 John Smith reaction: ❤ <- yes",
		"2024-03-15 19:02:09 John Smith text: forwarded words",
		"2024-03-15 19:02:09 John Smith image: photo_1@15-03-2024.jpg",
		"2024-03-15 19:02:09 John Smith text: caption",
		"2024-03-15 19:02:09 John Smith image: AnimatedSticker.tgs (😂)",
		"2024-03-15 19:02:09 John Smith audio: audio_1.ogg",
		"2024-03-15 19:02:09 John Smith video: file_1.mp4",
		"2024-03-15 19:02:09 John Smith document: Resume.pdf",
		"2024-03-15 19:02:09 John Smith contact: Zoë +49 171 1",
		"2024-03-15 19:02:09 John Smith location: 51.500000, -0.127397",
		"2024-03-15 19:02:09 John Smith location: The Pub, High St 1",
		"2024-03-15 19:02:09 John Smith text: Lunch?|yes",
		"2024-03-15 19:02:09 me document: plan.txt")
	s.WantCounts(t, map[sources.Fate]int64{sources.Envelope: 1, sources.Omitted: 1, sources.Events: 2, sources.UnknownKind: 1})
	if c := s.Messages[0].Chat; c.Group || !slices.Equal(c.Members, []string{"John Smith"}) || c.Source != "telegram html:John Smith" || c.Extent != messages.Span {
		t.Errorf("the chat is %+v", c)
	}
	if p := s.Messages[5].Parts[0]; p.File.Root != filepath.Dir(path) || p.File.Path != "photos/photo_1@15-03-2024.jpg" || p.Attachment != s.Messages[5].GUID {
		t.Errorf("the photo is %+v", p)
	}
	if len(s.Notes) != 0 || len(s.Damage) != 0 {
		t.Errorf("notes are %q, damage %q", s.Notes, s.Damage)
	}
}

// A chat is in several pages; any of them stands for all.
func TestRead_Pages(t *testing.T) {
	t.Parallel()
	link := func(name string) string {
		return `<a class="pagination block_link" href="` + name + `">Next messages</a>`
	}
	folder := sourcetest.WriteFiles(t, map[string]string{
		"messages.html":   page("Trip", service(-1, "15 March 2024"), service(1, "Aidan created group «Trip» with members John and Zoë"), said(2, "John", first, text("one")), link("messages2.html")),
		"messages2.html":  page("Trip", said(3, "Zoë", later, `<div class="reply_to details">In reply to <a href="messages.html#go_to_message2">this message</a></div>`+text("two")), link("messages3.html")),
		"messages10.html": page("Trip", said(4, "Aidan", later, text("three"))),
	})
	s, err := read(t, filepath.Join(folder, "messages2.html"), "Aidan")
	if err != nil {
		t.Fatal(err)
	}
	s.Want(t, "2024-03-15 19:02:03 John text: one", "2024-03-15 19:02:09 Zoë text: two <- one", "2024-03-15 19:02:09 me text: three")
	if c := s.Messages[0].Chat; !c.Group || c.Name != "Trip" || !slices.Equal(c.Members, []string{"John", "Zoë"}) {
		t.Errorf("the chat is %+v", c)
	}
	if len(s.Damage) == 0 || !strings.Contains(s.Damage[0], "messages3.html is missing") {
		t.Errorf("damage is %q", s.Damage)
	}
	if _, err := read(t, folder); err == nil || !strings.Contains(err.Error(), `"Zoë"`) {
		t.Errorf("error is %v", err)
	}
}

// The export of an account says whose it is, what its chats are, and the numbers of contacts.
func TestRead_Account(t *testing.T) {
	t.Parallel()
	entry := func(chat, name, kind string) string {
		return `<a class="entry block_link clearfix" href="../chats/` + chat + `/messages.html#allow_back"><div class="body"><div class="pull_right info details">
` + kind + `
</div><div class="name bold">
` + name + `
</div><div class="details_entry details">3 messages</div></div></a>`
	}
	folder := sourcetest.WriteFiles(t, map[string]string{
		"export_results.html": page("Exported Data", `<div class="personal_info clearfix"><div class="rows names"><div class="row"><div class="label details">First name</div><div class="value bold">
Aidan
</div></div></div><div class="rows info"><div class="row"><div class="label details">Phone number</div><div class="value bold">+1 212 555 0100</div></div></div></div>`),
		"lists/chats.html": page("Chats", entry("chat_001", "John Smith", "private"), entry("chat_002", "News", "channel"), entry("chat_003", "Trip", "group")),
		"lists/contacts.html": page("Contacts", `<div class="entry clearfix"><div class="body"><div class="pull_right info details">01.01.2024 10:00:00</div><div class="name bold">
John Smith
</div><div class="details_entry details">+1 212 555 0101</div></div></div>`),
		"chats/chat_001/messages.html": page("John Smith", said(10, "John Smith", first, `<div class="media_wrap clearfix"><a class="photo_wrap clearfix pull_left" href="../../chats/chat_001/photos/a.jpg"></a></div>`)),
		"chats/chat_002/messages.html": page("News", said(1, "News", first, text("post"))),
		"chats/chat_003/messages.html": page("Trip", said(1, "Aidan", first, text("anyone?")), said(2, "John Smith", first, `<div class="media_wrap clearfix"><a class="photo_wrap clearfix pull_left" href="../../../../etc/passwd"></a></div>`)),
	})
	s, err := read(t, folder)
	if err != nil {
		t.Fatal(err)
	}
	s.Want(t, "2024-03-15 19:02:03 John Smith image: a.jpg", "2024-03-15 19:02:03 me text: anyone?", "2024-03-15 19:02:03 John Smith image: passwd")
	s.WantCounts(t, map[sources.Fate]int64{sources.Broadcast: 1})
	if s.Owns["+1 212 555 0100"] != 1 || s.Sames["John Smith"] != "+1 212 555 0101" || s.Messages[0].Chat.Group || !s.Messages[1].Chat.Group {
		t.Errorf("own addresses are %v, the same %v", s.Owns, s.Sames)
	}
	if p := s.Messages[0].Parts[0].File; p.Root != folder || p.Path != "chats/chat_001/photos/a.jpg" {
		t.Errorf("the photo is %+v", p)
	}
	if p := s.Messages[2].Parts[0].File; p != (messages.FilePlace{}) {
		t.Errorf("a link out of the export leads to %+v", p)
	}
	if s, err := read(t, filepath.Join(folder, "chats", "chat_001")); err != nil || len(s.Messages) != 1 || s.Messages[0].Parts[0].File.Root != folder {
		t.Errorf("a chat of it has %q (%v)", s.Lines(), err)
	}
}

// Exports from before 2021 have no zone.
func TestRead_Dates(t *testing.T) {
	t.Parallel()
	for date, want := range map[string]string{
		"15.07.2019 20:02:03":           "2019-07-15 20:02:03 John text: a",
		"15.07.2019 20:02:03 UTC":       "2019-07-15 20:02:03 John text: a",
		"15.07.2019 20:02:03 GMT-03:30": "2019-07-15 23:32:03 John text: a",
		"15.07.2019 20:02:03 UTC+x":     "",
		"35.07.2019 20:02:03":           "",
		"15.07.1999 20:02:03":           "",
		"15.07.2199 20:02:03":           "",
		"noon":                          "",
	} {
		s, err := read(t, sourcetest.Write(t, "messages.html", page("John", said(7, "John", date, text("a")))))
		if err != nil {
			t.Errorf("%s: %v", date, err)
			continue
		}
		if lines := strings.Join(s.Lines(), "|"); lines != want || want == "" && (len(s.Damage) != 1 || !strings.Contains(s.Damage[0], "messages.html:") || !strings.Contains(s.Damage[0], "message 7")) {
			t.Errorf("%s: messages are %q, damage %q", date, lines, s.Damage)
		}
		if noted := len(s.Notes) == 1; noted != (date == "15.07.2019 20:02:03") {
			t.Errorf("%s: notes are %q", date, s.Notes)
		}
	}
}

// Damage costs the message that holds it; those joined to it keep their sender.
func TestRead_Damage(t *testing.T) {
	t.Parallel()
	whole := page("John", said(1, "Aidan", first, text("a")), said(2, "John", first, text("b")), said(3, "", first, text("c")))
	for name, c := range map[string]struct{ content, want, damage string }{
		"CutOff": {whole[:strings.Index(whole, "c\n")], "a|b", "the element message3: the file ends before its HTML does"},
		"Lost":   {strings.Replace(whole, "b\n       </div>\n\n      </div>\n\n     </div>", "\x00\x00", 1), "a|c", "the element message2: it does not end before the next one"},
		"NoID":   {strings.Replace(whole, `id="message2"`, "", 1), "a|c", "no identifier"},
	} {
		s, err := read(t, sourcetest.Write(t, "messages.html", c.content))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got []string
		for _, m := range s.Messages {
			got = append(got, m.Parts[0].Text)
		}
		if strings.Join(got, "|") != c.want || s.Counts[sources.Unread] != 1 || len(s.Damage) == 0 || !strings.Contains(s.Damage[0], c.damage) || !strings.Contains(s.Damage[0], "messages.html:") {
			t.Errorf("%s: messages are %q, damage %q", name, s.Lines(), s.Damage)
		}
		if last := s.Messages[len(s.Messages)-1]; last.Sender != "John" {
			t.Errorf("%s: the last message is from %q", name, last.Sender)
		}
	}
	if _, err := read(t, sourcetest.Write(t, "messages.html", `<html><div class="message default clearfix" id="message1"><div class="text">hi</div></div></html>`)); err == nil ||
		!strings.Contains(err.Error(), "no dates") || !strings.Contains(usererr.Of(err), "JSON") {
		t.Errorf("error is %v", err)
	}
	if _, err := telegramhtml.Open(t.TempDir(), sourcetest.Reading()); err == nil || !strings.Contains(err.Error(), "no messages.html") {
		t.Errorf("error is %v", err)
	}
}

func TestRead_HoldsFewMessages(t *testing.T) {
	path := sourcetest.Write(t, "messages.html", page("John Smith", sourcetest.Long(func(i int, words string) string {
		return said(i, "John Smith", first, text(words))
	})))
	sourcetest.Flat(t, telegramhtml.Open, path, "Aidan")
}

func FuzzRead(f *testing.F) {
	f.Add(direct)
	f.Add(page("x", said(1, "x", first, text("<div class=message id=message2>")), said(-5, "", "", media("media_contact", "", "", "", ""))))
	f.Add(`<div class="message"><div class=body><div class=from_name>`)
	f.Add(`<div class="message default" id=message1><div class="body"><span class=reactions><span class=reaction><span class=userpics><div class=userpic>`)
	f.Add(strings.Repeat("<div class=message>", 50) + strings.Repeat("<a>", 500))
	path := filepath.Join(f.TempDir(), "messages.html")
	f.Fuzz(func(t *testing.T, content string) {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		read(t, path, "Aidan")
	})
}
