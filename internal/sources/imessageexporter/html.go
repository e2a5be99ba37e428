package imessageexporter

import (
	"fmt"
	"io"
	"path"
	"strings"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources/htmlstream"
	"ventriloquist/internal/sources/mediatype"
)

// readPage passes the messages and notices of a page to visit.
func readPage(in io.Reader, where string, visit func(m *entry) error, damaged func(what string, units int64)) error {
	var failed error // of visit
	below := false   // the element before holds an answer
	err := htmlstream.Read(in, largestMessage, htmlstream.Handler{
		Wants: func(n *htmlstream.Node) bool {
			wanted := n.Tag == "div" && (n.Is("message") && !below || n.Is("announcement"))
			below = n.Tag == "div" && n.Is("reply")
			return wanted
		},
		Visit: func(n *htmlstream.Node) error {
			m := parsePage(n)
			failed = visit(&m)
			return failed
		},
		Damaged: func(n *htmlstream.Node, err error) {
			damaged(fmt.Sprintf("%s:%d: a message: %v", where, n.Line, err), 1)
		},
	})
	if failed != nil {
		return failed
	}
	if err != nil {
		damaged(fmt.Sprintf("%s: %v", where, err), 0)
	}
	return nil
}

// parsePage takes a message or a notice apart.
func parsePage(n *htmlstream.Node) (m entry) {
	m.line = n.Line
	if n.Is("announcement") {
		m.notice, m.date = true, pageTime(n.Find("timestamp"))
		return m
	}
	box := n.Child("sent")
	if m.sent = box != nil; !m.sent {
		box = n.Child("received")
	}
	stamp := box.Find("timestamp")
	m.date = pageTime(stamp)
	link := stamp.First(func(e *htmlstream.Node) bool { return e.Tag == "a" })
	if _, guid, found := strings.Cut(link.Attr("href"), "message-guid="); found {
		m.guid = guid
	}
	m.from = strings.TrimSpace(box.Find("sender").Words())
	if box == nil {
		return m
	}
	for _, child := range box.Children {
		m.take(child)
	}
	return m
}

// pageTime returns the time of a message without what follows it.
func pageTime(n *htmlstream.Node) string {
	text, _, _ := strings.Cut(strings.TrimSpace(n.Words()), "\n")
	if date, _, is := cutTime(text); is {
		return date
	}
	return text
}

// take takes a part of the box that shows a message.
func (m *entry) take(n *htmlstream.Node) {
	switch {
	case n.Is("deleted"):
		m.deleted = true
	case n.Is("shareplay"), n.Is("shared_location"):
		m.notice = true
	case n.Is("reply_context"):
		m.answers = true
	case n.Is("message_part"):
		for _, child := range n.Children {
			m.takePart(child)
		}
	case n.Is("tapbacks"), n.Is("reactions"):
		m.takeReactions(n)
	case n.Is("replies"):
		for _, reply := range n.Elements("reply") {
			if message := reply.Child("message"); message != nil {
				m.answered = append(m.answered, parsePage(message))
			}
		}
	case n.Tag == "p" || n.Tag == "":
		if subject := strings.TrimSpace(n.Find("subject").Words()); subject != "" {
			m.pieces = append(m.pieces, piece{text: subject})
		}
	default: // in a damaged page, what follows may be inside of what is before it
		for _, child := range n.Children {
			if child.Tag == "div" || child.Tag == "span" {
				m.take(child)
			}
		}
	}
}

// takePart takes the content of a part of a message.
func (m *entry) takePart(n *htmlstream.Node) {
	switch {
	case n.Is("bubble"):
		m.takeBubble(n)
	case n.Is("translated"), n.Is("translation"):
		if original := n.Find("original"); original != nil {
			m.takeBubble(original)
		}
	case n.Is("edited"):
		m.takeVersions(n)
	case n.Is("unsent"):
		m.unsent = true
	case n.Is("attachment"), n.Is("sticker"):
		m.takeFile(n)
	case n.Is("attachment_error"):
		text := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(n.Words()), "Unable to locate attachment:"))
		p := piece{kind: mediatype.Of("", "", text), path: text}
		if text == "Attachment does not exist!" || text == "Attachment missing!" || text == "" {
			p = piece{kind: messages.File, missing: true}
		}
		m.pieces = append(m.pieces, p)
	case n.Is("app"):
		m.takeApp(n)
	case n.Is("replies"), n.Is("tapbacks"), n.Is("reactions"):
		m.take(n)
	case n.Tag == "img" || n.Tag == "video" || n.Tag == "audio": // pages of early versions
		m.takeFile(&htmlstream.Node{Tag: "div", Children: []*htmlstream.Node{n}})
	}
}

// takeBubble takes the words of a bubble, and the stickers among them.
func (m *entry) takeBubble(n *htmlstream.Node) {
	if text := strings.Trim(n.Words(), "\n"); strings.TrimSpace(text) != "" {
		m.pieces = append(m.pieces, piece{text: text})
	}
	for _, child := range n.Children {
		if child.Tag == "img" {
			m.pieces = append(m.pieces, piece{kind: messages.Image, path: child.Attr("src")})
		}
	}
}

// takeVersions takes the versions of an edited text: a row of a table has how much later it was written, and the text.
func (m *entry) takeVersions(n *htmlstream.Node) {
	var list []version
	var rows func(n *htmlstream.Node)
	rows = func(n *htmlstream.Node) {
		for _, child := range n.Children {
			if child.Tag != "tr" {
				rows(child)
				continue
			}
			v := version{later: strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(child.Find("timestamp").Words()), "Edited "), " later")}
			cells := child.Children
			for len(cells) > 0 && cells[len(cells)-1].Tag == "" {
				cells = cells[:len(cells)-1]
			}
			if len(cells) > 0 {
				v.text = strings.Trim(cells[len(cells)-1].Words(), "\n")
			}
			list = append(list, v)
		}
	}
	if rows(n); len(list) > 0 {
		list[0].date = m.date
		m.pieces = append(m.pieces, piece{text: list[len(list)-1].text, versions: list})
	}
}

// takeFile takes an attachment.
func (m *entry) takeFile(n *htmlstream.Node) {
	file := n.First(func(e *htmlstream.Node) bool { return e.Attr("src") != "" || e.Tag == "a" && e.Attr("href") != "" })
	p := piece{path: file.Attr("src"), transcript: strings.TrimPrefix(strings.TrimSpace(n.Find("transcription").Words()), transcript)}
	if p.path == "" {
		p.path = file.Attr("href")
	}
	if prompt, found := strings.CutPrefix(strings.TrimSpace(n.Find("genmoji_prompt").Words()), "Genmoji prompt:"); found {
		p.transcript = strings.TrimSpace(prompt)
	}
	switch p.kind = mediatype.Of("", "", path.Base(p.path)); {
	case p.path == "" && strings.TrimSpace(n.Words()) == "":
		p = piece{kind: messages.File, missing: true}
	case p.path == "":
		p.path = strings.TrimSpace(n.Words())
		p.kind = mediatype.Of("", "", path.Base(p.path))
	case n.Is("sticker"):
		p.kind = messages.Image
	case p.kind == messages.File:
		p.kind = map[string]messages.Kind{"img": messages.Image, "source": messages.Video, "video": messages.Video, "audio": messages.Audio}[file.Tag]
		if p.kind == messages.Text {
			p.kind = messages.File
		}
	}
	m.pieces = append(m.pieces, p)
}

// takeApp takes what an app shows: of a link, its address.
func (m *entry) takeApp(n *htmlstream.Node) {
	link := n.First(func(e *htmlstream.Node) bool { return e.Tag == "a" && strings.Contains(e.Attr("href"), "://") })
	text := link.Attr("href")
	if text == "" {
		var all []string
		collect(n, &all)
		text = strings.Join(all, "\n")
	}
	if text != "" {
		m.pieces = append(m.pieces, piece{text: text})
	}
}

// collect adds the texts below an element, each once.
func collect(n *htmlstream.Node, all *[]string) {
	if text := strings.TrimSpace(n.Text); n.Tag == "" && text != "" {
		*all = append(*all, text)
	}
	for _, child := range n.Children {
		collect(child, all)
	}
}

func (m *entry) takeReactions(n *htmlstream.Node) {
	for _, child := range n.Children {
		if child.Tag == "" || child.Tag == "hr" || child.Tag == "p" && child.Find("reaction") == nil {
			continue
		}
		text := strings.TrimSpace(child.Words())
		if r, is := parseReaction(text); is {
			m.reactions = append(m.reactions, r)
		} else if by, found := strings.CutPrefix(strings.TrimSpace(strings.ReplaceAll(child.Find("sticker_tapback").Words(), "\u00a0", " ")), "by "); found {
			m.reactions = append(m.reactions, reaction{by: by})
		}
	}
}
