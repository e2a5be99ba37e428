package messages

import (
	"cmp"
	"database/sql"
	"math"
	"slices"
)

// roster returns the canonical form of a list of members.
func (t *Tx) roster(members []Member) []memberHandle {
	list := make([]memberHandle, 0, len(members))
	for _, m := range members {
		if m.Address != Owner {
			list = append(list, memberHandle{t.handle(cmp.Or(t.standIn(m.Address), m.Address)), m.Absent})
		}
	}
	return canonicalRoster(list, t.addresses)
}

// Chat returns the file's number for a chat that a source numbers. SetPeriods sets its members.
func (t *Tx) Chat(source, number int64, group bool) (int64, error) {
	key := chatKey{source, number}
	id, known := t.numbered[key]
	if !known {
		var err error
		if id, err = t.newChat(source, sql.NullInt64{Int64: number, Valid: true}, group); err != nil {
			return 0, err
		}
		t.numbered[key] = id
	}
	if c := t.chats[id]; c.group != group {
		c.group = group
		return id, t.exec(`UPDATE chat SET is_group = ? WHERE id = ?`, group, id)
	}
	return id, nil
}

// Conversation returns the file's number for a chat that its source knows by its members, without the owner. A member may
// be named more than once. Order matters only between present and absent members.
func (t *Tx) Conversation(source int64, group bool, members []Member) (int64, error) {
	list := t.roster(members)
	key := rosterOf{source, rosterKey(group, list)}
	if id, known := t.unnumbered[key]; known {
		return id, nil
	}
	id, err := t.newChat(source, sql.NullInt64{}, group)
	if err == nil {
		err = t.writePeriods(t.chats[id], []period{{until: moment{Forever, Forever}, members: list}})
	}
	t.unnumbered[key] = id
	return id, err
}

func (t *Tx) newChat(source int64, number sql.NullInt64, group bool) (int64, error) {
	t.lastChat++
	c := &chat{id: t.lastChat, source: source, number: number, group: group}
	t.chats[c.id] = c
	return c.id, t.exec(`INSERT INTO chat (id, source, number, is_group) VALUES (?, ?, ?, ?)`, c.id, source, number, group)
}

// NameChat records the name that its members gave a group, "" for none.
func (t *Tx) NameChat(chat int64, name string) error {
	c := t.chats[chat]
	if name = t.text(name); c == nil || c.name == name {
		return nil
	}
	c.name = name
	return t.exec(`UPDATE chat SET name = ? WHERE id = ?`, sql.NullString{String: name, Valid: name != ""}, chat)
}

// ChatNumber returns the file's number for a chat that a source numbers; known is false if it has none yet.
func (t *Tx) ChatNumber(source, number int64) (id int64, known bool) {
	id, known = t.numbered[chatKey{source, number}]
	return id, known
}

// LastChange returns the end of the last period but one of a chat; known is false for a chat without periods.
func (t *Tx) LastChange(chat int64) (date, row int64, known bool) {
	c := t.chats[chat]
	if c == nil || len(c.periods) == 0 {
		return 0, 0, false
	}
	if n := len(c.periods); n > 1 {
		return c.periods[n-2].until.date, c.periods[n-2].until.row, true
	}
	return math.MinInt64, math.MinInt64, true
}

// SetPeriods sets who was in a chat when, earliest period first, and reports whether this differs from before.
func (t *Tx) SetPeriods(chat int64, periods []Period) (changed bool, err error) {
	c := t.chats[chat]
	list := make([]period, len(periods))
	for i, p := range periods {
		list[i] = period{until: moment{p.UntilDate, p.UntilRow}, members: t.roster(p.Members)}
	}
	if slices.EqualFunc(c.periods, list, func(a, b period) bool { return a.until == b.until && slices.Equal(a.members, b.members) }) {
		return false, nil
	}
	if len(c.periods) > 0 && t.former[c] == nil {
		t.former[c] = c.periods
	}
	return true, t.wrong(t.writePeriods(c, list))
}

func (t *Tx) writePeriods(c *chat, periods []period) error {
	if len(c.periods) > 0 {
		err := t.exec(`DELETE FROM member WHERE period IN (SELECT id FROM period WHERE chat = ?)`, c.id)
		if err == nil {
			err = t.exec(`DELETE FROM period WHERE chat = ?`, c.id)
		}
		if err != nil {
			return err
		}
	}
	c.periods = periods
	for i := range periods {
		p := &periods[i]
		t.lastPeriod++
		p.id = t.lastPeriod
		if err := t.exec(`INSERT INTO period VALUES (?, ?, ?, ?)`, t.lastPeriod, c.id, p.until.date, p.until.row); err != nil {
			return err
		}
		for place, m := range p.members {
			if err := t.exec(`INSERT INTO member VALUES (?, ?, ?, ?)`, t.lastPeriod, place, m.handle, m.absent); err != nil {
				return err
			}
		}
	}
	return nil
}

// Known calls visit for every row in the ranges of a numbered source, as the file holds it.
func (t *Tx) Known(source int64, ranges []Range, visit func(*OldRow)) error {
	for _, r := range ranges {
		err := t.query(`SELECT id, chat, date, sender, kind, part FROM message WHERE id BETWEEN ? AND ? AND id & 255 = 0`, func(rows *sql.Rows) error {
			var e record
			if err := rows.Scan(&e.id, &e.chat, &e.date, &e.sender, &e.kind, &e.part); err != nil {
				return err
			}
			visit(t.oldRow([]record{e}))
			return nil
		}, rowKey(source, max(r.First, 0)), lastID(rowKey(source, min(r.Last, LastRow))))
		if err != nil {
			return t.wrong(err)
		}
	}
	return nil
}

const unusedChats = `SELECT id FROM chat c WHERE NOT EXISTS (SELECT 1 FROM message m WHERE m.chat = c.id AND m.kind < 9 AND m.state & 3 = 0)
	AND NOT EXISTS (SELECT 1 FROM message m WHERE m.chat = c.id AND NOT (m.kind < 9 AND m.state & 3 = 0))`

// dropUnusedChats deletes the chats that no longer have messages.
const dropUnusedChats = `
DELETE FROM member WHERE period IN (SELECT id FROM period WHERE chat IN (` + unusedChats + `));
DELETE FROM period WHERE chat IN (` + unusedChats + `);
DELETE FROM chat WHERE id IN (` + unusedChats + `)`

func (t *Tx) dropChats() error { return t.exec(dropUnusedChats) }
