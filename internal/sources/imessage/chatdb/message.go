package chatdb

import (
	"time"

	"ventriloquist/internal/sources/imessage/typedstream"
)

// The attributes that Messages sets in a body.
const (
	partAttribute     = "__kIMMessagePartAttributeName"
	transferAttribute = "__kIMFileTransferGUIDAttributeName"
)

// The types of tapbacks: associated_message_type. The removal of a tapback is 1000 more.
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
	Sticker   = 1000 // a sticker placed on a message
)

// Message is a row of message. A zero field gets the value that Messages would write.
type Message struct {
	GUID   string  // default: generated
	Chats  []int64 // the chats that contain it, in addition to Chat
	Chat   int64
	Handle int64 // the sender; for the owner's direct messages the recipient, or 0
	FromMe bool
	Date   time.Time
	// Text makes a body of one part; Body is for everything else. The column text stays NULL, as in macOS 13 and later.
	Text string
	Body *typedstream.Body
	// Attachments are joined to the message. Body determines their positions (see Parts).
	Attachments []int64
	// ReplyTo is the GUID of the message that this one replies to inline; ReplyPart is the part of that message.
	ReplyTo   string
	ReplyPart string // default: 0:0:0
	// Tapback is Loved, … on Target ("p:0/GUID"); Emoji is for the type Emoji.
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

// Part is a part of a body: text, or an attachment by its GUID.
type Part struct {
	Text       string
	Attachment string
	Attributes []typedstream.Attribute // additional attributes
}

// Parts returns a body with these parts, numbered from 0.
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
