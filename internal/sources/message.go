package sources

import (
	"context"
	"strings"
	"time"

	"ventriloquist/internal/messages"
)

// Chat is a chat in the source.
type Chat struct {
	// Source is the name in messages.db for where the chat comes from. It is the same at every collect.
	Source string
	Extent messages.Extent
	Group  bool
	Name   string // of a group, "" if it has none
	// Members are the addresses of the participants. The owner may be among them, as messages.Owner or by an address.
	Members []string
	// Absent are those of Members that were absent (see messages.Member).
	Absent []string
	// Periods, if not nil, are who was in a group when, instead of Members. Number is then the source's number of the chat.
	Periods []messages.Period
	Number  int64
}

// Message is one message of a chat, or a reaction to one.
type Message struct {
	Chat   *Chat
	GUID   string // the same whenever it is read
	Row    int64  // its place in the source, which breaks ties of Time
	Time   time.Time
	Sender string // an address, or messages.Owner
	// Parts are its content, in order. A message without parts has no content.
	Parts []Part
	// Partial reports whether the export leaves some of it out: the content from an earlier export stays.
	Partial bool
	// Derived reports whether another program made it from a source that may be collected, too: that source's copy is shown instead.
	Derived bool
	// ReplyTo is the GUID of the message it answers or reacts to, "" for none.
	ReplyTo string
	// Versions are the texts of an edited message, the current one last.
	Versions []messages.Version
	// Retracted reports whether it was unsent: no source's copy is shown.
	Retracted bool
}

// Part becomes a message of its own in the store.
type Part struct {
	Kind       messages.Kind
	Text       string // words, a reaction, or the name of a file
	Attachment string // the identifier of an attachment
	// File is the place of its file: Root is the folder or the archive of the export, Path the name within it.
	File       messages.FilePlace
	Transcript string // the source's own transcript
}

// PollText returns the words of a poll: its question and its choices, a line each.
func PollText(question string, choices []string) string {
	var lines []string
	for _, line := range append([]string{question}, choices...) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

// IsReaction reports whether the message is a reaction.
func (m *Message) IsReaction() bool { return len(m.Parts) == 1 && m.Parts[0].Kind == messages.Reaction }

// Sink receives the content of a source.
type Sink interface {
	// Message takes a message or a reaction, and counts it. The caller may overwrite the message afterwards.
	Message(m *Message) error
	// Seen takes a message whose content the export omits entirely. It is not counted.
	Seen(m *Message) error
	// Err returns the first error of Message or Seen, such as a full disk. It is not damage of the export, and nothing is kept after it.
	Err() error
	// Count counts lines that are not messages.
	Count(f Fate, n int64)
	// Name takes the source's name for the person at an address.
	Name(address, name string)
	// Same takes two addresses of one person, according to the source.
	Same(address, other string)
	// Unreadable takes what of a damaged export cannot be read, and counts the units that it holds. The rest is kept.
	Unreadable(what string, units int64)
	// Own takes an address that a message attributes to the owner.
	Own(address string)
	// Note takes a note for the user: a decision about the source as a whole.
	Note(format string, args ...any)
	// Collected returns the names of the sources collected before that begin with prefix.
	Collected(prefix string) []string
	// Holds reports which messages, by their identifiers, were collected from a source before.
	Holds(source string, guids []string) ([]bool, error)
	// HoldsTexts returns how many of some texts were collected from a source before.
	HoldsTexts(source string, texts map[string]bool) (int, error)
	// Called returns the addresses that have a name, of the members of a source collected before.
	Called(source, name string) ([]string, error)
	// Progress takes how much was read, and the total.
	Progress(done, total int64)
}

// IsDamage reports whether an error of reading is of the export itself: not of the sink, and not that ctx ended.
func IsDamage(ctx context.Context, sink Sink, err error) bool {
	return err != nil && ctx.Err() == nil && sink.Err() == nil
}

// Reader reads one export. A format's Open returns it.
type Reader interface {
	// Path is the export's path, for messages to the user.
	Path() string
	// Unit is the unit that Read counts: "lines".
	Unit() string
	// Read passes everything to the sink, and returns the number of units.
	Read(ctx context.Context, sink Sink) (total int64, err error)
	// Close frees the resources that Open took.
	Close() error
}
