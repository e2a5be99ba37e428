package imessage

import (
	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
)

// exclude returns the fate of a row by its columns alone; Messages means that its body decides. The first matching case
// counts.
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
	case r.copied, r.tapback == messageChanged && r.target != "":
		return sources.Duplicates
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

// sender returns the author of a row and whether the author is known: the address of the handle, messages.Owner for the
// owner, or, in a direct chat without a handle, the other member.
func (r *row) sender(d *directory, c *chat) (address string, known bool) {
	if address = r.address(d); r.fromMe || address != "" {
		return address, true
	}
	if !c.group && len(c.members) == 1 {
		return c.members[0].address, true
	}
	return "", false
}

// address returns the address of the handle of a row that the owner did not send, or "" if it has none.
func (r *row) address(d *directory) string {
	if r.fromMe {
		return messages.Owner
	}
	return d.handles[r.handle].address
}
