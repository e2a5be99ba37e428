package messages

import "fmt"

// Kind is what a message holds; its String is the window's content_type.
type Kind uint8

// The numbers are stored in messages.db: add at the end, never renumber.
const (
	Text Kind = iota
	Reaction
	Image
	Video
	Audio
	Document
	File
	Contact
	Location
)

var kindNames = [...]string{"text", "reaction", "image", "video", "audio", "document", "file", "contact", "location"}

// String returns the content_type of a window's line.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// IsAttachment reports whether a message of this kind stands for an attachment.
func (k Kind) IsAttachment() bool { return k >= Image }

// Owner is the address of the owner of the messages.
const Owner = ""

// Conversation is a set of participants, beside the owner, at some time.
type Conversation struct {
	ID int64
	// Group is whether the source held it as a group. A group may have a single member left.
	Group bool
	// Members are the addresses as the source spells them, each once, without the owner of the source (who may still be
	// among them by an address that only USER_IDENTIFIERS tells). Of several addresses of one person the first counts.
	Members []Member
	// First and Last are the ids of its messages, inclusive. Messages is how many there are: not each id between is one's.
	First, Last int64
	Messages    int64
}

// Member says of an address whether the person who has it took part. That somebody was absent is said for the sake of
// those who are known by several addresses: who joined by one of them was no member before, though messages sent from
// another, or today's list, name that other one.
type Member struct {
	Address string
	Absent  bool
}

// Members are members by these addresses.
func Members(addresses ...string) []Member {
	list := make([]Member, len(addresses))
	for i, address := range addresses {
		list[i].Address = address
	}
	return list
}

// Message is one part of a row of the source.
type Message struct {
	// ID grows in the order of conversation, Date, Row, and place in the row's body.
	ID int64
	// Row is the row id in the source; it breaks ties of Date.
	Row int64
	// GUID is the source's identifier of the row.
	GUID string
	// Part is the number by which replies and reactions name this part of the row.
	Part int
	// Date is when it was first sent: nanoseconds since 1970 UTC.
	Date int64
	// Sender is an address, or Owner.
	Sender string
	Kind   Kind
	// Content is what the message says.
	Content
	// Target is what a reply or reaction answers; nil for other messages, and for a reply whose target is not in the store.
	// A Reaction always has one.
	Target *Target
}

// Content is what a message says, before it is cut into lines.
type Content struct {
	// Text is the words of a text message (may hold several lines, never U+FFFC), "Loved", … or the emoji of a
	// reaction, or the file name of an attachment (may be empty).
	Text string
	// Attachment is the attachment's identifier, the key of attachment_descriptions; empty for text and reactions.
	Attachment string
	// Description is what attachment_descriptions says of it; empty if nothing.
	Description string
	// Transcript is the source's own transcript of a voice message; empty if none.
	Transcript string
}

// Words returns what stands for the message in a window: a description, else a transcript, else the text.
func (c *Content) Words() string {
	switch {
	case c.Description != "":
		return c.Description
	case c.Transcript != "":
		return c.Transcript
	}
	return c.Text
}

// Target is the message that another one answers: the named part, or the first one of a row.
type Target struct {
	ID   int64
	Kind Kind
	Content
}
