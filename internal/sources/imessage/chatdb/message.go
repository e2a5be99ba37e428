package chatdb

import (
	"time"

	"ventriloquist/internal/sources/imessage/typedstream"
)

// The attributes of a body that Messages sets.
const (
	partAttribute     = "__kIMMessagePartAttributeName"
	transferAttribute = "__kIMFileTransferGUIDAttributeName"
)

// The types of tapbacks: associated_message_type. Taken back is 1000 more.
const (
	Loved = iota + 2000
	Liked
	Disliked
	Laughed
	Emphasized
	Questioned
	Emoji
	StickerTapback

	TakenBack = 1000 // added to a type
	Sticker   = 1000 // a sticker that was placed on a message
)

// Message is a row of message. What is left zero has the value that Messages gives it.
type Message struct {
	GUID   string  // default: made up
	Chats  []int64 // where it stands; Chat is one more
	Chat   int64
	Handle int64 // the sender; of own direct messages the recipient, or 0
	FromMe bool
	Date   time.Time
	// Text makes a body of one part; Body is for everything else. The column text stays NULL, as it does since macOS 13.
	Text string
	Body *typedstream.Body
	// Attachments are joined to the message. Body says where they stand (see Parts).
	Attachments []int64
	// ReplyTo is the GUID of the message that this one answers inline, ReplyPart the part of it.
	ReplyTo   string
	ReplyPart string // default: 0:0:0
	// Tapback is Loved, … on Target ("p:0/GUID"); Emoji goes with the type of that name.
	Tapback int
	Target  string
	Emoji   string
	// Columns set or override columns by name.
	Columns map[string]any
}

// Message adds a message and returns its GUID.
func (w *Writer) Message(m Message) string {
	if m.GUID == "" {
		m.GUID = w.NewGUID()
	}
	columns := map[string]any{"guid": m.GUID, "handle_id": m.Handle, "is_from_me": m.FromMe, "service": "iMessage",
		"date": Nanoseconds(m.Date), "is_finished": 1, "is_sent": m.FromMe, "cache_has_attachments": len(m.Attachments) > 0}
	if body := m.body(); body != nil {
		columns["attributedBody"] = typedstream.Encode(body)
	}
	if m.ReplyTo != "" {
		columns["thread_originator_guid"], columns["thread_originator_part"] = m.ReplyTo, m.ReplyPart
		if m.ReplyPart == "" {
			columns["thread_originator_part"] = "0:0:0"
		}
	}
	if m.Tapback != 0 {
		columns["associated_message_type"], columns["associated_message_guid"] = m.Tapback, m.Target
	}
	if m.Emoji != "" {
		columns["associated_message_emoji"] = m.Emoji
	}
	columns = override(columns, m.Columns)
	id := w.insert("message", columns)
	chats := m.Chats
	if m.Chat != 0 {
		chats = append(chats[:len(chats):len(chats)], m.Chat)
	}
	for _, chat := range chats {
		w.Exec(`INSERT INTO chat_message_join (chat_id, message_id, message_date) VALUES (?, ?, ?)`, chat, id, columns["date"])
	}
	for _, attachment := range m.Attachments {
		w.Exec(`INSERT INTO message_attachment_join VALUES (?, ?)`, id, attachment)
	}
	return m.GUID
}

func (m *Message) body() *typedstream.Body {
	if m.Body != nil || m.Text == "" {
		return m.Body
	}
	return Parts(Part{Text: m.Text})
}

// Part is a part of a body: words, or an attachment by its GUID.
type Part struct {
	Text       string
	Attachment string
	Attributes []typedstream.Attribute // more of them
}

// Parts makes a body of parts, numbered from 0.
func Parts(parts ...Part) *typedstream.Body {
	body := &typedstream.Body{}
	for i, p := range parts {
		attributes := append(p.Attributes[:len(p.Attributes):len(p.Attributes)], typedstream.Attribute{Name: partAttribute,
			Value: typedstream.Value{Kind: typedstream.Int, Int: int64(i)}})
		if p.Attachment != "" {
			p.Text = "\uFFFC"
			attributes = append([]typedstream.Attribute{{Name: transferAttribute,
				Value: typedstream.Value{Kind: typedstream.String, Text: p.Attachment}}}, attributes...)
		}
		body.Text += p.Text
		body.Runs = append(body.Runs, typedstream.Run{Length: typedstream.Length16(p.Text), Attributes: attributes})
	}
	return body
}
