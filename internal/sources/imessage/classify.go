package imessage

import (
	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
)

// exclude is the fate of a row by its columns alone; Messages means that its body decides. The first case that fits counts.
func (r *row) exclude(d *directory, c *chat, include *sources.FateSet) sources.Fate {
	switch {
	case c == nil && d.deleted[r.id]:
		return sources.RecentlyDeleted
	case c == nil:
		return sources.NoChat
	case r.itemType != itemMessage:
		return sources.GroupEvents
	case r.spam && !include[sources.Junk]:
		return sources.Junk
	case r.scheduled && !include[sources.Scheduled]:
		return sources.Scheduled
	case r.failed && !include[sources.NeverSent]:
		return sources.NeverSent
	case r.tapback < firstAssociated:
		return sources.Messages
	case r.tapback == stickerPlaced, r.tapback == stickerTapback, r.tapback == stickerTapback+takenBack:
		return sources.Stickers
	case r.tapback >= firstTapback && r.tapback <= emojiTapback:
		return sources.Reactions
	case r.tapback >= firstTapback+takenBack && r.tapback <= emojiTapback+takenBack:
		return sources.Removals
	case r.tapback == pollVote:
		return sources.PollVotes
	}
	return sources.UnknownKind
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
