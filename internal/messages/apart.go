package messages

import (
	"database/sql"
	"encoding/json"
)

// listOf is a list for a query to look values up in, by json_each.
func listOf(values []int64) string {
	data, err := json.Marshal(values)
	if err != nil {
		return "[]"
	}
	return string(data)
}

// What other sources know of the identifiers in the temporary table asked: messages, takings back, and that one was unsent.
const (
	createAsked = `DROP TABLE IF EXISTS temp.asked; CREATE TEMP TABLE asked (guid PRIMARY KEY, message INTEGER) WITHOUT ROWID`
	knownApart  = `SELECT EXISTS (SELECT 1 FROM message WHERE origin NOT IN (SELECT id FROM origin WHERE source = ?1) AND guid IN (SELECT guid FROM asked))
  OR EXISTS (SELECT 1 FROM removal WHERE origin NOT IN (SELECT id FROM origin WHERE source = ?1) AND guid IN (SELECT guid FROM asked))
  OR EXISTS (SELECT 1 FROM retracted WHERE guid IN (SELECT guid FROM asked WHERE message))`
)

// keepApart refuses changes of messages that other sources have as well, or know something of: which copy counts, and
// what is left when one goes, is told when all of the source is collected.
func (a *Amendment) keepApart() error {
	if a.alone || len(a.changes) == 0 {
		return nil
	}
	if _, err := a.tx.ExecContext(a.ctx, createAsked); err != nil {
		return err
	}
	for i := range a.changes {
		if err := a.ask(&a.changes[i]); err != nil {
			return err
		}
	}
	var known bool
	err := a.tx.QueryRowContext(a.ctx, knownApart, a.number).Scan(&known)
	if err == nil && known {
		return ErrRewrite
	}
	return err
}

// ask notes the identifiers of which other sources must not know: that of a change, and those that it answers in vain.
func (a *Amendment) ask(c *Change) error {
	if c.Old != nil && c.Old.shared {
		return ErrRewrite
	}
	if c.New == nil {
		return nil
	}
	const add = `INSERT INTO asked VALUES (?1, ?2) ON CONFLICT DO UPDATE SET message = message OR ?2`
	if _, err := a.tx.ExecContext(a.ctx, add, packGUID(c.New.GUID), len(c.New.Entries) > 0); err != nil {
		return err
	}
	for k := range c.New.Entries {
		e := &c.New.Entries[k]
		if e.TargetGUID == "" {
			continue
		}
		if target, _ := a.answered(e); target != nil {
			continue
		}
		if _, err := a.tx.ExecContext(a.ctx, add, packGUID(e.TargetGUID), false); err != nil {
			return err
		}
	}
	return nil
}

// outdateOthers notes for other sources that what they wait for may have come.
func (a *Amendment) outdateOthers() error {
	if a.alone {
		return nil
	}
	came := make(map[string]bool)
	for i := range a.changes {
		if c := &a.changes[i]; c.New != nil {
			came[c.New.GUID] = true
		}
	}
	var outdated []int64
	err := a.each(`SELECT source, target_guid FROM waiting WHERE source <> ?`, func(rows *sql.Rows) error {
		var source int64
		var stored any
		if err := rows.Scan(&source, &stored); err != nil {
			return err
		}
		guid, err := unpackGUID(stored)
		if came[guid] {
			outdated = append(outdated, source)
		}
		return err
	}, a.number)
	if err == nil && len(outdated) > 0 {
		_, err = a.tx.ExecContext(a.ctx, `UPDATE reading SET current = 0 WHERE source IN (SELECT value FROM json_each(?))`, listOf(outdated))
	}
	return err
}
