package messages

// WholeMessage as a TargetPart names a row as such: its first message.
const WholeMessage = -1

// Row is a row of a source, as the source tells it.
type Row struct {
	Source int64 // from Tx.Source
	Chat   int64 // from Tx.Chat or Tx.Conversation; 0 for none
	Row    int64 // its number; in an export the line, which breaks ties of Date
	GUID   string
	Date   int64 // nanoseconds since 1970 UTC
	Sender string
	// Parts are its messages, in the order of its body; none if it became no message, and then LeftOut is why.
	Parts   []Part
	LeftOut int
	// TargetGUID and TargetPart name what a reply or a reaction answers. Where the row has no such part its first message
	// is meant, unless the row lost parts. TargetRow is the row of that identifier, where a numbered source has it.
	TargetGUID string
	TargetPart int
	TargetRow  int64
	// Removal makes it the removal of a reaction instead of a message; the text of its part is the reaction, or empty if
	// only known to be some emoji.
	Removal   bool
	Shortened bool // other parts were unsent
	Retracted bool // the message was unsent: no source's copy is shown
	// Partial is whether an export leaves something out: what the file holds of the row stays.
	Partial  bool
	Event    *Event
	Versions []Version
}

// Part is one message of a row.
type Part struct {
	Number     int // by which replies and reactions name it
	Kind       Kind
	Text       string // words, "Loved" or an emoji of a reaction, the name of an attachment's file
	Attachment string
	Transcript string
	File       FilePlace // of an attachment
}

// Change is what Put did.
type Change struct {
	Old     *OldRow // nil if the row is new
	Changed bool    // the row is not as it was
	// Forgotten is whether it stayed out because somebody was forgotten.
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

// Event is something that happened to a chat and is no message: who joined, what it was called. The GUID and row of the
// row that told it are its own.
type Event struct {
	Date    int64  // nanoseconds since 1970 UTC
	Chat    int64  // the source's number of the chat
	Kind    string // "added", "renamed", …
	Actor   string // who did it: an address, or Owner
	Subject string // to whom, "" for nobody
	Text    string // the new name
}

// Version is the text of a part of an edited message as it once was; the last version is what the message says.
type Version struct {
	Part   int
	Number int   // from 0, the oldest
	Date   int64 // nanoseconds since 1970 UTC
	Text   string
}
