package imessage

import (
	"context"
	"errors"
	"slices"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/imessage/sqlitepages"
)

// fillPeriods stores the membership periods of the chats where they may have changed.
func (c *collector) fillPeriods(ctx context.Context, tx *messages.Tx) error {
	stale, err := c.staleChats(ctx, tx)
	if err != nil {
		return err
	}
	if c.old != nil && len(stale) > 0 {
		err = c.readErasOf(ctx, stale)
	} else {
		err = c.source.readEras(ctx, c.directory, stale, nil, c.messageLeaves)
	}
	if isDamage(err) {
		c.unsettle(stale)
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
		if _, _, known := tx.LastChange(chat.stored); known && c.unsettled[chat.id] {
			continue // what is known of it is better than what is left of it
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

// nameGroups stores the names of the groups that have messages.
func (c *collector) nameGroups(tx *messages.Tx) error {
	for _, chat := range c.directory.chats {
		stored, known := tx.ChatNumber(c.number, chat.id)
		if !known || !chat.group {
			continue
		}
		if err := tx.NameChat(stored, chat.title); err != nil {
			return err
		}
	}
	return nil
}

// unsettle makes the next collect determine the membership of groups again.
func (c *collector) unsettle(chats []*chat) {
	for _, chat := range chats {
		if chat.group {
			c.unsettled[chat.id] = true
		}
	}
}

// staleChats returns the chats whose membership must be determined again: new ones, ones whose current members have
// changed, and groups with an added, changed or removed row that may affect it.
func (c *collector) staleChats(ctx context.Context, tx *messages.Tx) ([]*chat, error) {
	s := &staleness{directory: c.directory, stale: make(map[*chat]bool)}
	if c.old == nil || c.rulesOfGroups() {
		for _, chat := range c.directory.chats {
			s.stale[chat] = true
		}
		return s.chats(), nil
	}
	s.addChanged(c.old)
	s.addUnknown(tx, c.number)
	if err := s.readStored(tx, c.number, c.suspects); err != nil {
		return nil, err
	}
	for _, r := range c.suspects {
		last := r.First - 1
		err := c.source.eachHead(ctx, r, func(h head) {
			last = h.id
			s.compare(&h)
		})
		if isDamage(err) { // the rest of the range stays as it is stored
			s.keep(sqlitepages.Range{First: last + 1, Last: r.Last})
		} else if err != nil {
			return nil, err
		}
	}
	for _, old := range s.stored {
		s.addFormer(old)
	}
	return s.chats(), nil
}

// rulesOfGroups reports whether the last collect did not know all rules about the membership of groups.
func (c *collector) rulesOfGroups() bool {
	return slices.ContainsFunc(rules[c.old.Rules:], func(r rule) bool { return r.groups })
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
	return c.source.readEras(ctx, c.directory, stale, asJSON(rows), c.messageLeaves)
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
	c.undated = slices.DeleteFunc(c.undated, func(row int64) bool { return wanted[row] })
	c.suspect(rows)
	return nil
}
