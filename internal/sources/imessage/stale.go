package imessage

import (
	"slices"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/imessage/sqlitepages"
)

// staleness determines the chats whose membership must be determined again, by comparing the rows that may have changed
// with what the store holds of them.
type staleness struct {
	directory *directory
	handles   map[int64]bool // the handles that have changed
	stale     map[*chat]bool
	byStore   map[int64]*chat            // by number in the store
	stored    map[int64]*messages.OldRow // the rows of the store that were not compared yet, by row ID
}

// addChanged adds the chats whose current members differ from those of the last collect.
func (s *staleness) addChanged(old *state) {
	s.handles = differing(old.Handles, s.directory.handleSums())
	for id := range differing(old.Chats, s.directory.chatSums()) {
		if chat := s.directory.chats[id]; chat != nil {
			s.stale[chat] = true
		}
	}
}

// addUnknown adds the chats whose membership the store does not know, and notes what it knows about the others.
func (s *staleness) addUnknown(tx *messages.Tx, source int64) {
	s.byStore = make(map[int64]*chat)
	for _, chat := range s.directory.chats {
		id, known := tx.ChatNumber(source, chat.id)
		if !known {
			s.stale[chat] = true
			continue
		}
		s.byStore[id] = chat
		if date, row, known := tx.LastChange(id); known {
			chat.lastChange = moment{date, row}
		} else {
			s.stale[chat] = true
		}
	}
}

// readStored reads what the store holds of the rows in the given ranges.
func (s *staleness) readStored(tx *messages.Tx, source int64, ranges []sqlitepages.Range) error {
	s.stored = make(map[int64]*messages.OldRow)
	return tx.Known(source, storeRanges(ranges), func(o *messages.OldRow) { s.stored[o.Row] = o })
}

// keep removes the rows of a range from those to compare: they stay as they are stored.
func (s *staleness) keep(r sqlitepages.Range) {
	for row := range s.stored {
		if r.First <= row && row <= r.Last {
			delete(s.stored, row)
		}
	}
}

// compare adds the chats that a row may affect, as it is and as it was.
func (s *staleness) compare(h *head) {
	chat, sender := s.directory.chatOf(h.id), ""
	if !h.fromMe {
		sender = s.directory.handles[h.handle].address
	}
	old := s.stored[h.id]
	delete(s.stored, h.id)
	told := h.tellsMembers() || s.handles[h.handle]
	if old != nil && s.byStore[old.Chat] == chat && old.Date == h.date && old.Sender == sender && !told {
		return
	}
	if old != nil {
		s.addFormer(old)
	}
	if chat != nil && chat.group && told {
		s.stale[chat] = true
		return
	}
	s.addUnlessQuiet(chat, moment{h.date, h.id}, sender)
}

// addFormer adds the chat that a row affected before it was changed or removed.
func (s *staleness) addFormer(old *messages.OldRow) {
	chat := s.byStore[old.Chat]
	if chat != nil && chat.group && old.LeftOut && sources.Fate(old.Why) == sources.GroupEvents {
		s.stale[chat] = true
	}
	s.addUnlessQuiet(chat, moment{old.Date, old.Row}, old.Sender)
}

// addUnlessQuiet adds a group unless a row at that moment has no effect on its membership.
func (s *staleness) addUnlessQuiet(chat *chat, at moment, sender string) {
	if chat != nil && chat.group && !s.stale[chat] && !chat.isQuiet(at, sender, s.directory) {
		s.stale[chat] = true
	}
}

// chats returns the stale chats in the order of their IDs.
func (s *staleness) chats() []*chat {
	list := make([]*chat, 0, len(s.stale))
	for c := range s.stale {
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b *chat) int { return int(a.id - b.id) })
	return list
}

// isQuiet reports whether a row of a group at a moment has no effect on its membership: a current member sent it after
// the last change.
func (c *chat) isQuiet(at moment, sender string, d *directory) bool {
	if !c.lastChange.before(at) {
		return false
	}
	if sender == "" {
		return true
	}
	key := d.keyOf(sender)
	return slices.ContainsFunc(c.members, func(p person) bool { return p.key == key })
}
