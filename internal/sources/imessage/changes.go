package imessage

import (
	"context"
	"database/sql/driver"
	"math"

	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/imessage/sqlitepages"
)

// findSuspects finds the messages that may have changed since the last collect. Without a usable state from that collect,
// it returns all messages.
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
	for table := range c.source.withoutRowID {
		changed[table] = []sqlitepages.Range{allJoins}
	}
	var rows []int64
	for i := range joinTables {
		messages, err := c.renewJoins(ctx, i, changed[joinTables[i].name])
		if err != nil {
			return err
		}
		rows = append(rows, messages...)
	}
	files, err := c.carriers(changed["attachment"])
	if err != nil {
		return err
	}
	rows = append(rows, files...)
	rows = append(rows, old.Undated...)
	for _, find := range []func(context.Context) ([]int64, error){c.ofChangedHandles, c.ofOtherChoice, c.ofNewRules} {
		more, err := find(ctx)
		if isDamage(err) {
			c.missedRows, err = true, nil
		}
		if err != nil {
			return err
		}
		rows = append(rows, more...)
	}
	c.suspects = changed["message"]
	c.suspect(rows)
	return nil
}

// carriers returns the messages with an attachment whose row may have changed.
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

// ofChangedHandles returns the rows that refer to a changed handle, as sender or otherwise.
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

// ofOtherChoice returns the rows that the user's options include or exclude differently than in the last collect.
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

// ofNewRules returns the rows that are read by rules which the last collect did not know.
func (c *collector) ofNewRules(ctx context.Context) (rows []int64, err error) {
	for _, rule := range rules[c.old.Rules:] {
		err := c.source.each(ctx, "SELECT ROWID FROM message WHERE "+rule.rows(c.source), func(r record) error {
			rows = append(rows, r.int(0))
			return nil
		})
		if err != nil {
			return rows, err
		}
	}
	return rows, nil
}

// readJoins reads the join tables completely.
func (c *collector) readJoins(ctx context.Context) error {
	for i, table := range joinTables {
		err := c.source.eachJoin(ctx, table, allJoins, c.joins[i].add)
		if isDamage(err) {
			c.unread[table.name] = []sqlitepages.Range{{First: c.joins[i].last.row + 1, Last: math.MaxInt64}}
		}
		if err := c.survive(table.name, err); err != nil {
			return err
		}
	}
	return nil
}

// renewJoins reads the joins in the ranges of a table again and returns the messages whose joins have changed. Where the
// file is damaged, the joins stay as they were.
func (c *collector) renewJoins(ctx context.Context, table int, ranges []sqlitepages.Range) ([]int64, error) {
	t := joinTables[table]
	var read []sqlitepages.Range
	var is []join
	for _, r := range ranges {
		n := len(is)
		err := c.source.eachJoin(ctx, t, r, func(j join) { is = append(is, j) })
		if isDamage(err) {
			is = is[:n]
			c.unread[t.name] = append(c.unread[t.name], r)
		} else {
			read = append(read, r)
		}
		if err := c.survive(t.name, err); err != nil {
			return nil, err
		}
	}
	if len(read) == 0 {
		return nil, nil
	}
	renewed, changed, err := c.joins[table].renew(read, is)
	c.joins[table] = renewed
	return changed, err
}
