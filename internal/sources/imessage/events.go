package imessage

import (
	"fmt"

	"ventriloquist/internal/messages"
)

// The values of item_type for changes to a conversation, in addition to the ones in members.go.
const (
	itemRenamed   = 2
	itemLocation  = 4
	itemAudioKept = 5
	itemSharePlay = 6

	actionPhotoSet     = 1
	actionPhotoRemoved = 2
)

// event returns the change to the conversation that a row records. For a kind that this program does not know, it keeps
// the numbers.
func (r *row) event(d *directory, c *chat) (e messages.Event, known bool) {
	e = messages.Event{Date: r.date, Chat: c.id}
	e.Actor, _ = r.sender(d, c)
	known = true
	switch {
	case r.itemType == itemMember && r.action == actionAdded:
		e.Kind, e.Subject = "added", d.handles[r.other].address
	case r.itemType == itemMember && r.action == actionRemoved:
		e.Kind, e.Subject = "removed", d.handles[r.other].address
	case r.itemType == itemRenamed:
		e.Kind, e.Text = "renamed", r.title
	case r.itemType == itemLeft && r.action == actionLeft:
		e.Kind = "left"
	case r.itemType == itemLeft && r.action == actionPhotoSet:
		e.Kind = "photo set"
	case r.itemType == itemLeft && r.action == actionPhotoRemoved:
		e.Kind = "photo removed"
	case r.itemType == itemLocation && r.share == 0:
		e.Kind = "location shared"
	case r.itemType == itemLocation:
		e.Kind = "location no longer shared"
	case r.itemType == itemAudioKept:
		e.Kind = "audio kept"
	case r.itemType == itemSharePlay:
		e.Kind = "SharePlay"
	default:
		e.Kind, known = fmt.Sprintf("item_type %d, group_action_type %d", r.itemType, r.action), false
	}
	return e, known
}

// foreign keeps the numbers of an association that this program does not know.
func (r *row) foreign(d *directory, c *chat) messages.Event {
	e := messages.Event{Date: r.date, Chat: c.id, Kind: fmt.Sprintf("associated_message_type %d", r.tapback), Text: r.target}
	e.Actor, _ = r.sender(d, c)
	return e
}
