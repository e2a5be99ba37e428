package sources

// Fate is the outcome for a row, a line or any other unit that a source counts. Each unit has exactly one.
type Fate int

const (
	Messages    Fate = iota // became one message or more
	Continued               // further lines of a message
	Reactions               // reactions to messages
	Removals                // reactions taken back
	LostTarget              // reactions to a missing message, or the removal of one
	GroupEvents             // a rename, a join, a leave, a photo, a location share, …
	Events                  // a member joined, a call, a notice
	Stickers                // placed on a message, or sent as a tapback
	PollVotes
	Unsent // taken back by their sender
	Empty  // neither words nor attachments
	RecentlyDeleted
	Deleted
	Junk
	Scheduled // to be sent later
	NeverSent // drafts, and the owner's own that failed
	NoChat
	Omitted   // placeholders for media that the export leaves out
	Broadcast // posts of channels
	Duplicates
	NoSender    // the sender or the recipient cannot be identified
	UnknownKind // of a kind that this program does not know
	Envelope    // lines of the file format
	Unread      // after damage in the file
	fates
)

var fateWords = [fates]string{
	Messages: "messages", Continued: "further lines of messages", Reactions: "reactions", Removals: "reactions taken back",
	LostTarget: "reactions to absent messages", GroupEvents: "group events", Events: "events", Stickers: "stickers", PollVotes: "poll votes",
	Unsent: "unsent", Empty: "empty", RecentlyDeleted: "recently deleted", Deleted: "deleted", Junk: "junk", Scheduled: "scheduled",
	NeverSent: "never sent", NoChat: "in no chat", Omitted: "media left out of the export", Broadcast: "of channels", Duplicates: "doubled",
	NoSender: "without a sender", UnknownKind: "of an unknown kind", Envelope: "around the messages", Unread: "not read, for the file is damaged",
}

// String returns the fate's name in a summary: "12 recently deleted".
func (f Fate) String() string { return fateWords[f] }

// FateSet is a set of fates.
type FateSet [fates]bool

// FateCounts counts rows by their fate.
type FateCounts [fates]int64

// Sum returns the number of rows counted.
func (c *FateCounts) Sum() (n int64) {
	for _, rows := range c {
		n += rows
	}
	return n
}
