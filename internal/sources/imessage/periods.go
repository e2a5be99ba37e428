package imessage

import (
	"context"
	"errors"
	"slices"
	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
)

// fillPeriods stores the membership periods of the chats where they may have changed.
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
			continue // it has no messages
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

// staleGroups returns the groups whose membership must be determined again: new ones, ones whose current members have
// changed, and ones with an added, changed or removed row that may affect it.
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
	byStore := make(map[int64]*chat) // by number in the store
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

func chatsOf(set map[*chat]bool) []*chat {
	list := make([]*chat, 0, len(set))
	for c := range set {
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b *chat) int { return int(a.id - b.id) })
	return list
}

// readErasOf determines the eras of the given chats.
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

// rowsOf returns the messages that are linked to the given chats.
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

// suspectRowsOf marks the rows of chats whose known members have changed: someone who was alone with the owner may have
// been forgotten.
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
