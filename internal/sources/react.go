package sources

import (
	"time"

	"ventriloquist/internal/messages"
)

// Reaction is a reaction that an export lists with its message.
type Reaction struct {
	GUID   string
	Sender string
	Known  bool // the sender is known, and a person
	Emoji  string
	Time   time.Time // zero if the export does not say it: that of the message
}

// React passes a reaction to a message on, and counts one that is not kept; without a message it has lost its target.
func React(sink Sink, seen *Seen, to *Message, r Reaction) error {
	switch {
	case to == nil:
		sink.Count(LostTarget, 1)
		return nil
	case r.Emoji == "" || !r.Known:
		sink.Count(UnknownKind, 1)
		return nil
	case !seen.IsNew(r.GUID):
		sink.Count(Duplicates, 1)
		return nil
	}
	if r.Time.IsZero() {
		r.Time = to.Time
	}
	return sink.Message(&Message{Chat: to.Chat, GUID: r.GUID, Row: to.Row, Time: r.Time, Sender: r.Sender, ReplyTo: to.GUID,
		Parts: []Part{{Kind: messages.Reaction, Text: r.Emoji}}})
}

// NoteReplaced notes how many messages have bytes that are no characters.
func NoteReplaced(sink Sink, n int) {
	if n > 0 {
		sink.Note("%d messages have bytes that are no characters; these became U+FFFD", n)
	}
}
