package imessage

import "ventriloquist/internal/messages"

// Fate is what became of a row. A row has exactly one.
type Fate int

// The fates, as a summary lists them.
const (
	Message    Fate = iota // one message or more
	Tapback                // a reaction
	Removal                // a reaction taken back
	LostTarget             // a reaction, or the taking back of one, to what is not there
	Event                  // a rename, a join, a leave, a photo, a location share, …
	Sticker                // placed on a message, or as a tapback
	PollVote
	Unsent
	Empty     // neither words nor attachments
	Deleted   // recently
	Spam      // junk
	Scheduled // not sent yet
	Failed    // own, never sent
	NoChat
	NoSender // received from nobody that can be told
	Foreign  // an association of a kind unknown to this program
	Unread   // behind damage of the file
	fates
)

var fateWords = [fates]string{"messages", "reactions", "reactions taken back", "reactions to absent messages", "group events",
	"stickers", "poll votes", "unsent", "empty", "recently deleted", "junk", "scheduled", "never sent", "in no chat",
	"without a sender", "of an unknown kind", "not read, for the file is damaged"}

// String says it in a summary: "12 recently deleted".
func (f Fate) String() string { return fateWords[f] }

// exclude tells whether the columns alone keep a row out, or make it a reaction; Message means that its body decides. The
// first that fits counts.
func (r *row) exclude(d *directory, c *chat, include *Include) Fate {
	switch {
	case c == nil && d.deleted[r.id]:
		return Deleted
	case c == nil:
		return NoChat
	case r.itemType != itemMessage:
		return Event
	case r.spam && !include[Spam]:
		return Spam
	case r.scheduled && !include[Scheduled]:
		return Scheduled
	case r.failed && !include[Failed]:
		return Failed
	case r.tapback < firstAssociated:
		return Message
	case r.tapback == stickerPlaced, r.tapback == stickerTapback, r.tapback == stickerTapback+takenBack:
		return Sticker
	case r.tapback >= firstTapback && r.tapback <= emojiTapback:
		return Tapback
	case r.tapback >= firstTapback+takenBack && r.tapback <= emojiTapback+takenBack:
		return Removal
	case r.tapback == pollVote:
		return PollVote
	}
	return Foreign
}

// sender returns who wrote a row, and whether that can be told: the address of the handle, store.Owner for the owner, and
// in a direct chat its other member where the handle is missing.
func (r *row) sender(d *directory, c *chat) (address string, known bool) {
	if address = r.address(d); r.fromMe || address != "" {
		return address, true
	}
	if !c.group && len(c.members) == 1 {
		return c.members[0].address, true
	}
	return "", false
}

// address is that of the handle of a row that is not the owner's, "" if it has none.
func (r *row) address(d *directory) string {
	if r.fromMe {
		return messages.Owner
	}
	return d.handles[r.handle].address
}
