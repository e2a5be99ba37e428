package googlevoice

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/htmlstream"
	"ventriloquist/internal/sources/mediatype"
)

// emitter passes the messages to the sink.
type emitter struct {
	reader  *Reader
	sink    sources.Sink
	numbers map[string]string // by name, for people in some page; "" for a name that has several
	names   map[string]string // by number
	chats   map[string]*sources.Chat
	seen    sources.Seen
	total   int64
	done    int64
}

// me is what Google Voice calls the owner.
const me = "Me"

// person returns the number and the name in an element, and whether it is the owner.
func person(n *htmlstream.Node) (number, name string, own bool) {
	tel := n.First(func(e *htmlstream.Node) bool { return e.Tag == "a" && e.Is("tel") })
	number = strings.TrimPrefix(tel.Attr("href"), "tel:")
	fn := n.Find("fn")
	name = strings.TrimSpace(fn.Words())
	return number, name, name == me && (fn == nil || fn.Tag == "abbr" || number == "")
}

// survey reads who takes part in a page.
func (e *emitter) survey(ctx context.Context, p *page) error {
	return e.reader.each(ctx, p, func(n *htmlstream.Node) error {
		if n.Is("participants") {
			p.group = true
			for _, cite := range n.Children {
				if cite.Tag == "cite" {
					e.meet(p, cite)
				}
			}
			return nil
		}
		e.total++
		e.meet(p, n)
		return nil
	}, func(string, int64) {})
}

func (e *emitter) meet(p *page, n *htmlstream.Node) {
	number, name, own := person(n)
	if own || number+name == "" || e.reader.reading.Sender(cmp.Or(number, name)) == messages.Owner {
		return
	}
	if number != "" && name != "" && name != number {
		if known, twice := e.numbers[name]; twice && known != number {
			e.numbers[name] = ""
		} else {
			e.numbers[name] = number
		}
		e.names[number] = name
	}
	if address := cmp.Or(number, name); !slices.Contains(p.people, address) {
		p.people = append(p.people, address)
	}
}

// people finds the chats: pages of the same people are one.
func (e *emitter) people() {
	for _, p := range e.reader.pages {
		if len(p.people) == 0 && p.title != "" { // only the owner wrote
			p.people = []string{cmp.Or(e.numbers[p.title], p.title)}
		}
		slices.Sort(p.people)
		forms := make([]string, len(p.people))
		for i, address := range p.people {
			forms[i] = e.reader.reading.Address(address)
		}
		slices.Sort(forms)
		key := strings.Join(forms, " ")
		if p.group {
			key = "group " + key
		}
		c := e.chats[key]
		if c == nil {
			c = &sources.Chat{Source: "google voice " + key, Extent: messages.Span, Group: p.group || len(p.people) > 1, Members: p.people}
			e.chats[key] = c
		}
		p.Chat = c
		for _, address := range p.people {
			if name := e.names[address]; name != "" {
				e.sink.Name(address, name)
			}
		}
	}
}

// page passes the messages of a page to the sink.
func (e *emitter) page(ctx context.Context, p *page) error {
	return e.reader.each(ctx, p, func(n *htmlstream.Node) error {
		if n.Is("participants") {
			return nil
		}
		if e.done++; e.done%1024 == 0 {
			e.sink.Progress(e.done, e.total)
		}
		return e.message(p, n)
	}, func(what string, units int64) {
		e.done += units
		e.sink.Unreadable(what, units)
	})
}

// began is the year when Google Voice's predecessor began.
const began = 2005

// parseTime parses a time such as "2024-03-15T20:02:03.000-05:00". There may be none.
func parseTime(text string) (at time.Time, err error) {
	if sources.IsNoTime(text) {
		return at, nil
	}
	if at, err = time.Parse(time.RFC3339Nano, text); err != nil {
		return at, fmt.Errorf("%.40q is no time such as \"2024-03-15T20:02:03.000-05:00\"", text)
	}
	return at, sources.CheckDate(at, "Google Voice", began)
}

func (e *emitter) message(p *page, n *htmlstream.Node) error {
	stamp := n.Find("dt")
	if n.Is("haudio") {
		stamp = n.Find("published")
	}
	at, err := parseTime(stamp.Attr("title"))
	if err != nil {
		e.sink.Unreadable(fmt.Sprintf("%s:%d: %v", e.reader.At(p.name), n.Line, err), 1)
		return nil
	}
	number, name, own := person(n)
	sender := e.reader.reading.Sender(cmp.Or(number, name))
	if own || sender == messages.Owner {
		sender = messages.Owner
		if number != "" {
			e.sink.Own(number)
		}
	}
	m := sources.Message{Chat: p.Chat, Row: e.done, Time: at, Sender: sender}
	if n.Is("haudio") {
		m.Parts = e.voicemail(p, n)
		if len(m.Parts) == 0 { // a call
			e.sink.Count(sources.Events, 1)
			return nil
		}
	} else {
		m.Parts = e.parts(p, n)
	}
	var words []string
	for _, part := range m.Parts {
		words = append(words, part.Text+part.Transcript)
	}
	m.GUID = p.keys.GUID(p.Chat.Source, sender, at, strings.Join(words, "\n"))
	for i := range m.Parts {
		if m.Parts[i].Kind.IsAttachment() {
			m.Parts[i].Attachment = fmt.Sprintf("%s/%d", m.GUID, i)
		}
	}
	switch {
	case number+name == "":
		e.sink.Count(sources.NoSender, 1)
	case len(m.Parts) == 0:
		e.sink.Count(sources.Empty, 1)
	case !e.seen.IsNew(m.GUID):
		e.sink.Count(sources.Duplicates, 1)
	default:
		return e.sink.Message(&m)
	}
	return nil
}

// parts returns the content of a message: its files, then its words.
func (e *emitter) parts(p *page, n *htmlstream.Node) (parts []sources.Part) {
	for _, child := range n.Children {
		file := child.First(func(e *htmlstream.Node) bool { return e.Attr("src") != "" || e.Tag == "a" && e.Attr("href") != "" })
		if child.Tag == "div" && file != nil {
			parts = append(parts, e.file(p, file))
		}
	}
	q := n.First(func(e *htmlstream.Node) bool { return e.Tag == "q" })
	text := strings.TrimSpace(q.Words())
	if len(parts) > 0 && (text == "MMS Sent" || text == "MMS Received") {
		text = ""
	}
	if text != "" {
		parts = append(parts, sources.Part{Text: text})
	}
	return parts
}

// kinds are the kinds of files by the class or the tag of their element.
var kinds = map[string]messages.Kind{"img": messages.Image, "video": messages.Video, "audio": messages.Audio, "vcard": messages.Contact}

// file returns an attachment. A page names it without the ending that its file has.
func (e *emitter) file(p *page, n *htmlstream.Node) sources.Part {
	named := cmp.Or(n.Attr("src"), n.Attr("href"))
	part := sources.Part{Kind: mediatype.Of("", "", named), Text: path.Base(named)}
	whole := path.Join(path.Dir(p.name), named)
	if found, is := e.reader.Beginning(whole + "."); is && !e.reader.Has(whole) {
		whole = found
	}
	if e.reader.Has(whole) {
		part.Kind, part.Text, part.File = mediatype.Of("", "", whole), path.Base(whole), e.reader.Place(whole)
	}
	if kind, known := kinds[cmp.Or(n.Attr("class"), n.Tag)]; known && part.Kind == messages.File {
		part.Kind = kind
	}
	return part
}

// voicemail returns what was said to the answering machine; nothing for a call.
func (e *emitter) voicemail(p *page, n *htmlstream.Node) []sources.Part {
	audio := n.First(func(e *htmlstream.Node) bool { return e.Tag == "audio" })
	said := strings.TrimSpace(n.Find("full-text").Words())
	if audio == nil && said == "" {
		return nil
	}
	part := e.file(p, audio)
	part.Kind, part.Transcript = messages.Audio, said
	return []sources.Part{part}
}
