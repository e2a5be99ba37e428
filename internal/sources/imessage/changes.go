package imessage

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"slices"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/imessage/sqlitepages"
)

// everything is all rows of a table; those of messages have no other numbers.
var everything = sqlitepages.Range{First: 0, Last: messages.LastRow}

// findSuspects finds the messages of which anything may have changed since the last collect: all of them, where that left
// nothing that says so.
func (c *collector) findSuspects(ctx context.Context) error {
	old := c.old
	if old == nil {
		c.suspects = []sqlitepages.Range{everything}
		return c.readJoins(ctx)
	}
	changed := make(map[string][]sqlitepages.Range)
	for i, table := range surveyed {
		before, _, err := sqlitepages.ParseLeaves(old.Leaves[i])
		if err != nil {
			return err
		}
		changed[table] = sqlitepages.Changed(before, c.leaves[table])
	}
	changed[joinTables[recoverables].name] = []sqlitepages.Range{allJoins}
	var rows []int64
	for i, table := range joinTables {
		renewed, messages, err := c.joins[i].renew(ctx, c.source, table, changed[table.name])
		if err != nil {
			return err
		}
		c.joins[i] = renewed
		rows = append(rows, messages...)
	}
	for _, find := range []func(context.Context) ([]int64, error){
		func(ctx context.Context) ([]int64, error) { return c.carriers(changed["attachment"]) }, c.ofChangedHandles, c.ofOtherChoice} {
		more, err := find(ctx)
		if err != nil {
			return err
		}
		rows = append(rows, more...)
	}
	c.suspects = changed["message"]
	c.suspect(rows)
	return nil
}

// suspect adds rows to those that may have changed.
func (c *collector) suspect(rows []int64) {
	for _, row := range rows {
		c.suspects = append(c.suspects, sqlitepages.Range{First: row, Last: row})
	}
	c.suspects = sqlitepages.Union(c.suspects)
}

// carriers are the messages with an attachment whose row may have changed.
func (c *collector) carriers(files []sqlitepages.Range) (rows []int64, err error) {
	if len(files) == 0 {
		return nil, nil
	}
	err = c.joins[attachments].each(func(j join) {
		if inRanges(files, j.other) {
			rows = append(rows, j.message)
		}
	})
	return rows, err
}

// ofChangedHandles are the rows by or about somebody of whose handle something has changed.
func (c *collector) ofChangedHandles(ctx context.Context) (rows []int64, err error) {
	changed := make([]int64, 0)
	for id := range differing(c.old.Handles, c.directory.handleSums()) {
		if _, known := c.old.Handles[id]; known {
			changed = append(changed, id)
		}
	}
	if len(changed) == 0 {
		return nil, nil
	}
	query := "SELECT ROWID FROM message WHERE handle_id" + numbersIn
	args := []driver.Value{asJSON(changed)}
	if c.source.has("message", "other_handle") {
		query += " OR other_handle" + numbersIn
		args = append(args, args[0])
	}
	err = c.source.each(ctx, query, func(r record) error {
		rows = append(rows, r.int(0))
		return nil
	}, args...)
	return rows, err
}

// ofOtherChoice are the rows that are in or out by another choice of the user than at the last collect.
func (c *collector) ofOtherChoice(ctx context.Context) (rows []int64, err error) {
	if c.old.Include == c.options.Include {
		return nil, nil
	}
	if c.old.Include[sources.RecentlyDeleted] != c.options.Include[sources.RecentlyDeleted] {
		if err := c.joins[recoverables].each(func(j join) { rows = append(rows, j.message) }); err != nil {
			return nil, err
		}
	}
	s := c.source
	err = s.each(ctx, "SELECT ROWID FROM message WHERE "+s.integer("message", "is_spam")+" <> 0 OR "+s.integer("message", "schedule_type")+
		" <> 0 OR "+s.integer("message", "error")+" <> 0", func(r record) error {
		rows = append(rows, r.int(0))
		return nil
	})
	return rows, err
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

func storeRanges(ranges []sqlitepages.Range) []messages.Range {
	list := make([]messages.Range, len(ranges))
	for i, r := range ranges {
		list[i] = messages.Range(r)
	}
	return list
}

// numbersIn is what a query is given to look up many rows at once.
const numbersIn = ` IN (SELECT value FROM json_each(?))`

func asJSON(list any) driver.Value {
	data, err := json.Marshal(list)
	if err != nil {
		return "[]"
	}
	return string(data)
}
