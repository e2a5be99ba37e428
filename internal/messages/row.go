package messages

// WholeMessage as a TargetPart refers to the row as a whole: its first message.
const WholeMessage = -1

// Owner is the address of the owner of the messages.
const Owner = ""

// Range is the rows from First to Last, inclusive.
type Range struct{ First, Last int64 }

// Row is a row of a source, as the source states it.
type Row struct {
	Source int64 // from Tx.Source
	Chat   int64 // from Tx.Chat or Tx.Conversation; 0 for none
	Row    int64 // its number; in an export the line, which breaks ties of Date
	GUID   string
	Date   int64 // nanoseconds since 1970 UTC
	Sender string
	// Parts are its messages, in body order. If it became no message, Parts is empty and LeftOut says why.
	Parts   []Part
	LeftOut int
	// TargetGUID and TargetPart identify the target of a reply or a reaction. If the row has no such part, its first
	// message is meant, unless the row lost parts. TargetRow is the row with that identifier, where a numbered source has
	// it.
	TargetGUID string
	TargetPart int
	TargetRow  int64
	// Removal makes it the removal of a reaction instead of a message. The text of its part is the reaction, or empty if
	// all that is known is that it was some emoji.
	Removal   bool
	Shortened bool // other parts were unsent
	Retracted bool // the message was unsent: no source's copy is shown
	// Partial reports whether an export leaves something out: what the file holds of the row stays.
	Partial bool
	// Derived reports whether another program made it from a source that may be collected, too: of copies, that source's is shown.
	Derived  bool
	Event    *Event
	Versions []Version
}

// Part is one message of a row.
type Part struct {
	Number     int // the number that replies and reactions use for it
	Kind       Kind
	Text       string // words, "Loved" or an emoji of a reaction, the name of an attachment's file
	Attachment string
	Transcript string
	File       FilePlace // of an attachment
}

// Change is what Put did.
type Change struct {
	Old     *OldRow // nil if the row is new
	Changed bool    // the row differs from before
	// Forgotten reports whether it stayed out because its sender was forgotten.
	Forgotten bool
}

// OldRow is what the file held of a row.
type OldRow struct {
	Chat    int64
	Date    int64
	Row     int64
	Sender  string
	Removal bool
	Kind    Kind // of its first message
	LeftOut bool
	Why     int
}

// Event is something that happened to a chat and is not a message, such as a join or a rename. It has the GUID and the row
// number of the row that states it.
type Event struct {
	Date    int64  // nanoseconds since 1970 UTC
	Chat    int64  // the source's number of the chat
	Kind    string // "added", "renamed", …
	Actor   string // who did it: an address, or Owner
	Subject string // to whom, "" for no one
	Text    string // the new name
}

// Version is an earlier text of a part of an edited message. The last version is the current text.
type Version struct {
	Part   int
	Number int   // from 0, the oldest
	Date   int64 // nanoseconds since 1970 UTC
	Text   string
}
