package sources

import (
	"context"
	"time"

	"ventriloquist/internal/messages"
)

// Chat is a chat of the source.
type Chat struct {
	// Source is by what name the store knows where the chat comes from. It is the same each time that it is collected.
	Source string
	Extent messages.Extent
	Group  bool
	// Members are the addresses of those who take part. The owner may be among them, as store.Owner or by an address.
	Members []string
}

// Message is one message of a chat, or a reaction to one.
type Message struct {
	Chat   *Chat
	GUID   string // the same whenever it is read
	Row    int64  // its place in the source, which breaks ties of Time
	Time   time.Time
	Sender string // an address, or store.Owner
	// Parts are what it says, in order; none is nothing.
	Parts []Part
	// Partial is whether the export leaves something of it out: what an earlier one said of it stays.
	Partial bool
	// ReplyTo is the GUID of what it answers or reacts to, "" if nothing.
	ReplyTo string
}

// Part is what becomes a message of its own in the store.
type Part struct {
	Kind       messages.Kind
	Text       string // words, a reaction, or the name of a file
	Attachment string // the identifier of an attachment
	// File is where its file lies: Root the folder or the archive of the export, Path the name within it.
	File       messages.FilePlace
	Transcript string // the source's own words for it
}

// IsReaction reports whether the message is a reaction.
func (m *Message) IsReaction() bool { return len(m.Parts) == 1 && m.Parts[0].Kind == messages.Reaction }

// Sink takes what a source holds.
type Sink interface {
	// Message takes a message or a reaction; it is counted by itself. The message may be overwritten afterwards.
	Message(m *Message) error
	// Seen takes a message of which the export omits everything. It is not counted.
	Seen(m *Message) error
	// Count counts lines that are not messages.
	Count(f Fate, n int64)
	// Name takes the name that the source has for the person of an address.
	Name(address, name string)
	// Own takes an address that a message calls the owner's.
	Own(address string)
	// Note is for the user: what was decided about the source as a whole.
	Note(format string, args ...any)
	// Progress takes how much was read, of how much.
	Progress(done, total int64)
}

// Reader reads one export: what a format's Open returns.
type Reader interface {
	// Path is the export, for messages to the user.
	Path() string
	// Unit is what is counted: "lines".
	Unit() string
	// Read hands all to the sink, and returns how many units there are.
	Read(ctx context.Context, sink Sink) (total int64, err error)
	// Close frees what Open took.
	Close() error
}
