package telegramhtml

import (
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/htmlstream"
	"ventriloquist/internal/sources/mediatype"
)

// message is a message of a page.
type message struct {
	id        string
	service   bool
	from      string // "" if it is joined to the message before
	joined    bool
	date      string
	body      *htmlstream.Node // what holds its content
	replyTo   string
	call      bool
	reactions []reaction
}

// reaction is the emoji that somebody chose.
type reaction struct{ emoji, by string }

// read takes a message apart.
func read(n *htmlstream.Node) (m message) {
	m.id = strings.TrimPrefix(n.Attr("id"), "message")
	m.service, m.joined = n.Is("service"), n.Is("joined")
	m.body = n.Child("body")
	if m.service {
		return m
	}
	m.date = strings.TrimSpace(m.body.Child("date").Attr("title"))
	m.from = senderName(m.body.Child("from_name"))
	for _, r := range m.body.Child("reactions").Elements("reaction") {
		emoji := ""
		if face := r.Child("emoji"); face.First(func(e *htmlstream.Node) bool { return e.Tag == "a" }) == nil { // a link shows an emoji of a set
			emoji = strings.TrimSpace(face.Words())
		}
		for _, by := range r.Child("userpics").Elements("userpic") {
			m.reactions = append(m.reactions, reaction{emoji, strings.TrimSpace(by.Child("initials").Attr("title"))})
		}
	}
	if forwarded := m.body.Child("forwarded", "body"); forwarded != nil {
		m.body = forwarded
	}
	if reply := m.body.Child("reply_to"); reply != nil {
		link := reply.First(func(e *htmlstream.Node) bool { return e.Tag == "a" })
		m.replyTo = digits(link.Attr("href"), "go_to_message")
		if m.replyTo == "" {
			m.replyTo = digits(link.Attr("onclick"), "GoToMessage(")
		}
	}
	m.call = m.body.Find("media_call") != nil
	return m
}

// senderName returns a name without the bot that a message was sent by.
func senderName(n *htmlstream.Node) string {
	name := strings.TrimSpace(n.Words())
	if at := strings.LastIndex(name, " via @"); at >= 0 {
		name = strings.TrimSpace(name[:at])
	}
	return name
}

// digits returns the digits behind a mark, "" without any.
func digits(text, mark string) string {
	_, rest, found := strings.Cut(text, mark)
	if !found {
		return ""
	}
	end := 0
	for end < len(rest) && rest[end] >= '0' && rest[end] <= '9' {
		end++
	}
	return rest[:end]
}

// isDate reports whether a service message is the date that precedes the messages of a day, or says that there are none: Telegram
// numbers them downward from -1.
func (m *message) isDate() bool { return m.service && strings.HasPrefix(m.id, "-") }

// released is the year when Telegram began.
const released = 2013

// time returns when a message was sent, and whether its zone had to be assumed.
func (m *message) time(zone *time.Location) (at time.Time, assumed bool, err error) {
	const form = "02.01.2006 15:04:05"
	if sources.IsNoTime(m.date) {
		return at, false, nil
	}
	if len(m.date) < len(form) {
		return at, false, fmt.Errorf("%.40q is no date such as \"15.03.2024 20:02:03 UTC+01:00\"", m.date)
	}
	if name := strings.TrimSpace(m.date[len(form):]); name != "" {
		offset, err := time.Parse("-07:00", strings.TrimPrefix(strings.TrimPrefix(name, "UTC"), "GMT"))
		switch {
		case name == "UTC" || name == "GMT":
			zone = time.UTC
		case err != nil:
			return at, false, fmt.Errorf("%.40q has no zone such as UTC+01:00", m.date)
		default:
			_, seconds := offset.Zone()
			zone = time.FixedZone("", seconds)
		}
	} else {
		assumed = true
	}
	at, err = time.ParseInLocation(form, m.date[:len(form)], zone)
	if err != nil {
		return at, assumed, fmt.Errorf("%.40q is no date such as \"15.03.2024 20:02:03 UTC+01:00\"", m.date)
	}
	return at, assumed, sources.CheckDate(at, "Telegram", released)
}

// words returns the text of an element: the line breaks of the file around it do not count.
func words(n *htmlstream.Node) string { return strings.TrimSpace(n.Words()) }

// parts returns the content of a message: its file or other attachment, then its words. Omitted reports whether there is a file that
// the export does not hold or name.
func (m *message) parts(guid string, place func(href string) messages.FilePlace) (parts []sources.Part, omitted bool) {
	if media := m.body.Child("media_wrap"); media != nil {
		p, some := content(media)
		if href := link(media); href != "" && p.Kind.IsAttachment() && p.Kind != messages.Contact && p.Kind != messages.Location {
			p.File = place(href)
			if p.Text == "" {
				p.Text = path.Base(href)
			}
			if p.Kind == messages.File {
				p.Kind = mediatype.Of("", "", p.Text)
			}
		}
		if p.Kind.IsAttachment() {
			p.Attachment = guid
		}
		if omitted = some && p.Text == "" && p.Transcript == ""; some && !omitted {
			parts = append(parts, p)
		}
	}
	if text := words(m.body.Child("text")); text != "" {
		parts = append(parts, sources.Part{Text: text})
	}
	return parts, omitted
}

// link returns the path of the file that a media element links to, "" for none.
func link(media *htmlstream.Node) string {
	a := media.First(func(e *htmlstream.Node) bool { return e.Tag == "a" })
	if href := a.Attr("href"); !strings.Contains(href, "://") {
		return href
	}
	return ""
}

// content returns what a media element shows.
func content(media *htmlstream.Node) (p sources.Part, some bool) {
	if poll := media.Child("media_poll"); poll != nil {
		var answers []string
		for _, answer := range poll.Elements("answer") {
			if details := answer.Child("details"); details != nil { // how many chose it
				details.Children = nil
			}
			answers = append(answers, strings.TrimPrefix(words(answer), "- "))
		}
		return sources.Part{Text: sources.PollText(words(poll.Child("question")), answers)}, true
	}
	for _, c := range media.Children {
		switch {
		case c.Is("photo_wrap"), c.Is("sticker_wrap"):
			return sources.Part{Kind: messages.Image}, true
		case c.Is("animated_wrap"), c.Is("video_file_wrap"):
			return sources.Part{Kind: messages.Video}, true
		case c.Is("media"):
			return generic(c), true
		}
	}
	return p, false
}

// generic returns what a media element of Telegram's general form shows: a title, a description and a status.
func generic(media *htmlstream.Node) sources.Part {
	title, description, status := words(media.Find("title")), words(media.Find("description")), words(media.Find("status"))
	switch {
	case media.Is("media_photo"):
		p := sources.Part{Kind: messages.Image}
		if title == "Sticker" { // its status is its emoji, perhaps before its size
			p.Transcript, _, _ = strings.Cut(status, ", ")
			if strings.ContainsAny(p.Transcript, "0123456789") {
				p.Transcript = ""
			}
		}
		return p
	case media.Is("media_video"):
		return sources.Part{Kind: messages.Video}
	case media.Is("media_voice_message"):
		return sources.Part{Kind: messages.Audio}
	case media.Is("media_audio_file"):
		p := sources.Part{Kind: messages.Audio}
		if media.Tag != "a" && title != "Audio file" {
			p.Text = title
		}
		return p
	case media.Is("media_contact"):
		return sources.Part{Kind: messages.Contact, Text: strings.TrimSpace(title + " " + strings.TrimSuffix(status, " - vCard"))}
	case media.Is("media_venue"):
		return sources.Part{Kind: messages.Location, Text: strings.TrimSuffix(title+", "+description, ", ")}
	case media.Is("media_location"), media.Is("media_live_location"):
		return sources.Part{Kind: messages.Location, Text: coordinates(status)}
	case media.Is("media_file"):
		p := sources.Part{Kind: mediatype.Of("", "", title), Text: title}
		if title == "File" { // it has no name of its own
			p = sources.Part{Kind: messages.File}
		}
		return p
	}
	return sources.Part{Text: title}
}

// coordinates returns latitude and longitude in the form that the export in JSON has here.
func coordinates(status string) string {
	latitude, longitude, _ := strings.Cut(status, ", ")
	x, xErr := strconv.ParseFloat(latitude, 64)
	y, yErr := strconv.ParseFloat(longitude, 64)
	if xErr != nil || yErr != nil {
		return status
	}
	return fmt.Sprintf("%.6f, %.6f", x, y)
}

// place returns the place of a file that a page links to. A link out of the export leads nowhere.
func (r *Reader) place(page, href string) messages.FilePlace {
	return r.Place(path.Join(path.Dir(page), href))
}
