package imessage

// Fate is what became of a row.
type Fate int

// The order is that of the questions asked: a row has the first fate that fits.
const (
	Deleted   Fate = iota // recently deleted
	NoChat                // in no chat
	Event                 // a rename, a join, a leave, a photo, a location share, …
	Spam                  // junk
	Scheduled             // not sent yet
	Failed                // own, never sent
	Sticker               // placed on a message, or as a tapback
	PollVote
	Foreign    // an association of a kind unknown to this program
	NoSender   // received from nobody that can be told
	Tapback    // a reaction
	Removal    // a reaction taken back
	LostTarget // a reaction, or one taken back, to what is not there
	Unsent
	Empty   // neither words nor attachments
	Message // one message or more
	fates
)

var fateWords = [fates]string{"recently deleted", "in no chat", "group events", "junk", "scheduled", "not sent", "stickers",
	"poll votes", "of an unknown kind", "without a sender", "reactions", "reactions taken back", "reactions to absent messages",
	"unsent", "empty", "messages"}

// String says it in a summary: "12 recently deleted".
func (f Fate) String() string { return fateWords[f] }

// exclude tells whether the columns alone keep a row out, or make it a reaction; Message means that its body decides.
func (r *row) exclude(d *directory, c *chat) Fate {
	switch {
	case c == nil && d.deleted[r.id]:
		return Deleted
	case c == nil:
		return NoChat
	case r.itemType != itemMessage:
		return Event
	case r.spam:
		return Spam
	case r.scheduled:
		return Scheduled
	case r.failed:
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
	if r.fromMe {
		return "", true
	}
	if p := d.handles[r.handle]; p.address != "" {
		return p.address, true
	}
	if !c.group && len(c.members) == 1 {
		return c.members[0].address, true
	}
	return "", false
}
