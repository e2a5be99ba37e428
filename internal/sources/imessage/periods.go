package imessage

import (
	"context"
	"errors"
	"slices"
	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
)

// fillPeriods tells the store who was in which chat when, where that may have changed.
func (c *collector) fillPeriods(ctx context.Context, tx *messages.Tx) error {
	stale, err := c.staleGroups(ctx, tx)
	switch {
	case err != nil:
	case c.old != nil && len(stale) > 0:
		err = c.readErasOf(ctx, stale)
	default:
		err = c.source.readEras(ctx, c.directory, stale, nil)
	}
	if err := c.survive("who was in which group", err); err != nil {
		return err
	}
	changed := make(map[int64]bool)
	for _, chat := range stale {
		if _, known := tx.ChatNumber(c.number, chat.id); !known && chat.number == 0 {
			continue // nothing was ever said in it
		}
		if chat.stored, err = tx.Chat(c.number, chat.id, chat.group); err != nil {
			return err
		}
		if changed[chat.id], err = tx.SetPeriods(chat.stored, chat.periods()); err != nil {
			return err
		}
	}
	if c.old == nil || !tx.KeepsOut() {
		return nil
	}
	return c.suspectRowsOf(changed)
}

// staleGroups are the groups of which it must be worked out anew who was in them when: all of which nothing is known, those
// whose members are others today, and those of which a row has come, gone or changed that may tell something.
func (c *collector) staleGroups(ctx context.Context, tx *messages.Tx) ([]*chat, error) {
	stale := make(map[*chat]bool)
	if c.old == nil {
		for _, chat := range c.directory.chats {
			stale[chat] = true
		}
		return chatsOf(stale), nil
	}
	for id := range differing(c.old.Chats, c.directory.chatSums()) {
		if chat := c.directory.chats[id]; chat != nil {
			stale[chat] = true
		}
	}
	was := make(map[int64]*messages.OldRow)
	err := tx.Known(c.number, storeRanges(c.suspects), func(o *messages.OldRow) { was[o.Row] = o })
	if err != nil {
		return nil, err
	}
	byStore := make(map[int64]*chat) // by the number in the store
	for _, chat := range c.directory.chats {
		id, known := tx.ChatNumber(c.number, chat.id)
		if !known {
			stale[chat] = true
			continue
		}
		byStore[id] = chat
		if date, row, known := tx.LastChange(id); known {
			chat.lastChange = moment{date, row}
		} else {
			stale[chat] = true
		}
	}
	note := func(chat *chat, at moment, sender string) {
		if chat != nil && chat.group && !stale[chat] && !chat.isQuiet(at, sender, c.directory) {
			stale[chat] = true
		}
	}
	forget := func(old *messages.OldRow) {
		if old == nil {
			return
		}
		chat := byStore[old.Chat]
		if chat != nil && chat.group && old.LeftOut && sources.Fate(old.Why) == sources.GroupEvents {
			stale[chat] = true
		}
		note(chat, moment{old.Date, old.Row}, old.Sender)
	}
	changed := differing(c.old.Handles, c.directory.handleSums())
	err = c.source.eachHead(ctx, c.suspects, func(h head) {
		chat, sender := c.directory.chatOf(h.id), ""
		if !h.fromMe {
			sender = c.directory.handles[h.handle].address
		}
		old := was[h.id]
		delete(was, h.id)
		told := h.tellsMembers() || changed[h.handle]
		if old != nil && byStore[old.Chat] == chat && old.Date == h.date && old.Sender == sender && !told {
			return
		}
		forget(old)
		if chat != nil && chat.group && told {
			stale[chat] = true
			return
		}
		note(chat, moment{h.date, h.id}, sender)
	})
	for _, old := range was {
		forget(old)
	}
	return chatsOf(stale), err
}

// isQuiet reports whether a row of a group at a moment says nothing of who was in it: a member of today sent it, after the
// last change.
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

func chatsOf(set map[*chat]bool) []*chat {
	list := make([]*chat, 0, len(set))
	for c := range set {
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b *chat) int { return int(a.id - b.id) })
	return list
}

// readErasOf works out the eras of some chats.
func (c *collector) readErasOf(ctx context.Context, stale []*chat) error {
	set := make(map[int64]bool, len(stale))
	for _, chat := range stale {
		set[chat.id] = true
	}
	rows, wanted, err := c.rowsOf(set)
	if err != nil {
		return err
	}
	if err := c.directory.placeMessages(&c.joins, func(m int64) bool { return wanted[m] }, c.options.Include[sources.RecentlyDeleted]); err != nil {
		return err
	}
	return c.source.readEras(ctx, c.directory, stale, asJSON(rows))
}

// rowsOf are the messages that are linked to some chats.
func (c *collector) rowsOf(chats_ map[int64]bool) (rows []int64, set map[int64]bool, err error) {
	set = make(map[int64]bool)
	note := func(j join) {
		if chats_[j.other] && !set[j.message] {
			set[j.message] = true
			rows = append(rows, j.message)
		}
	}
	err = errors.Join(c.joins[chats].each(note), c.joins[recoverables].each(note))
	return rows, set, err
}

// suspectRowsOf has the rows of chats read in which others were than was known: somebody may have been forgotten who was
// alone with the owner.
func (c *collector) suspectRowsOf(changed map[int64]bool) error {
	for id, is := range changed {
		if !is {
			delete(changed, id)
		}
	}
	rows, _, err := c.rowsOf(changed)
	if err != nil {
		return err
	}
	rows = slices.DeleteFunc(rows, func(row int64) bool { return inRanges(c.suspects, row) })
	wanted := make(map[int64]bool, len(rows))
	for _, row := range rows {
		wanted[row] = true
	}
	c.damaged = slices.DeleteFunc(c.damaged, func(row int64) bool { return wanted[row] })
	c.suspect(rows)
	return nil
}
