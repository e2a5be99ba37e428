package messages

import (
	"context"
	"database/sql"
	"slices"
)

// count fills in the current contents of the file.
func (t *Tx) count(o *Outcome) (err error) {
	opened := t.openedList()
	if o.Messages, o.Conversations, err = countShown(t.ctx, t.sql); err != nil {
		return err
	}
	if o.Moved, err = t.countMoved(); err != nil {
		return err
	}
	if o.Gone, err = t.countGone(); err != nil {
		return err
	}
	for _, source := range opened {
		if err := o.countLost(t.ctx, t.sql, t.sources[source], t.collect); err != nil {
			return err
		}
	}
	o.Forgotten, err = forgottenOf(t.ctx, t.sql, opened)
	o.Forgotten += t.forgotten
	return err
}

// countLost adds the rows of a source whose target is missing; of an export, those that a collect put.
func (o *Outcome) countLost(ctx context.Context, q querier, source *origin, collect int64) error {
	for kind, n := range map[int]*int64{int(Reaction): &o.LostReactions, removalKind: &o.LostRemovals} {
		lost, err := integer(ctx, q, `SELECT count(*) FROM message m WHERE kind = ?1 AND state & 1 = 1 AND state & 8 = 0 AND `+source.isOf(), kind, source.id, collect)
		if err != nil {
			return err
		}
		*n += lost
	}
	return nil
}

// countGone counts the rows that no source has any longer, including kept ones.
func (t *Tx) countGone() (n int64, err error) {
	if t.keepGone || t.incomplete {
		for _, source := range t.openedList() {
			some, err := t.integer(countKept, source)
			if err != nil {
				return 0, err
			}
			n += some
		}
		return n, nil
	}
	for guid := range t.gone {
		if !t.put[guid] {
			n++
		}
	}
	if n == 0 || !t.several {
		return n, nil
	}
	held := make(map[uint64]bool)
	err = t.each(`SELECT g.guid FROM touched_guid g WHERE EXISTS (SELECT 1 FROM message m WHERE m.guid = g.guid AND m.kind < 9)`, func(rows *sql.Rows) error {
		var stored any
		if err := rows.Scan(&stored); err != nil {
			return err
		}
		guid, err := unpackGUID(stored)
		if sum := sumOf(guid); t.gone[sum] && !t.put[sum] && !held[sum] {
			held[sum] = true
			n--
		}
		return err
	})
	return n, err
}

// countKept counts the kept rows of a source that no source has any longer.
const countKept = `SELECT count(*) FROM chat c JOIN message m ON m.chat = c.id
	WHERE c.source = ? AND m.state & 40 <> 0 AND m.state & 8 = 8 AND m.state & 2 = 0 AND m.id & 255 = 0 AND m.kind < 9`

// countMoved counts unchanged rows whose members at the time differ from before.
func (t *Tx) countMoved() (moved int64, err error) {
	for c, before := range t.former {
		n, err := t.countMovedIn(c, before)
		if err != nil {
			return 0, err
		}
		moved += n
	}
	return moved, nil
}

func (t *Tx) countMovedIn(c *chat, before []period) (moved int64, err error) {
	old := chat{periods: before}
	last := int64(-1)
	err = t.each(`SELECT id, date, line FROM message m WHERE chat = ? AND `+isShown+` ORDER BY id`, func(rows *sql.Rows) error {
		var id, date int64
		var line *int64
		if err := rows.Scan(&id, &date, &line); err != nil {
			return err
		}
		if key := keyOf(id); key != last && !t.changed[key] {
			last = key
			at := moment{date, rowOf(id, line)}
			if was, is := old.at(at), c.at(at); was == nil || is == nil || !slices.Equal(was.members, is.members) {
				moved++
			}
		}
		return nil
	}, c.id)
	return moved, err
}

// forgottenOf counts the messages of numbered rows that stayed out.
func forgottenOf(ctx context.Context, q querier, sources []int64) (n int64, err error) {
	for _, source := range sources {
		some, err := integer(ctx, q, `SELECT coalesce(sum(target_part), 0) FROM message INDEXED BY message_forgotten WHERE kind = 10 AND target_part > 0 AND id BETWEEN ? AND ?`,
			rowKey(source, 0), lastID(rowKey(source, LastRow)))
		if err != nil {
			return 0, err
		}
		n += some
	}
	return n, nil
}

// countShown counts the messages and the sets of members that have some.
func countShown(ctx context.Context, q querier) (shown, sets int64, err error) {
	if shown, err = integer(ctx, q, `SELECT count(*) FROM message m WHERE `+isShown); err != nil {
		return 0, 0, err
	}
	chats, err := readChats(ctx, q)
	if err != nil {
		return 0, 0, err
	}
	seen := make(map[string]bool)
	for _, c := range chats {
		err := eachPopulated(ctx, q, c, false, func(p *period, _ int64) {
			var present []memberHandle
			for _, m := range p.members {
				if !m.absent {
					present = append(present, m)
				}
			}
			sortHandles(present)
			seen[rosterKey(c.group, present)] = true
		})
		if err != nil {
			return 0, 0, err
		}
	}
	return shown, int64(len(seen)), nil
}
