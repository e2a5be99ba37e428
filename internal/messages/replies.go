package messages

import (
	"database/sql"
	"fmt"
)

// noteTarget records a row whose target is not in its source, as far as the source knows.
func (t *Tx) noteTarget(key int64, r *Row, new []record) error {
	if len(new) == 0 || !new[0].target.Valid || new[0].target.Int64&isHashed == 0 {
		return nil
	}
	t.waiting[r.TargetGUID] = true
	return t.run(`INSERT OR REPLACE INTO unresolved VALUES (?, ?)`, key, packGUID(r.TargetGUID))
}

func (t *Tx) readWaiting() error {
	t.waiting = make(map[string]bool)
	return t.each(`SELECT guid FROM unresolved`, func(rows *sql.Rows) error {
		var stored any
		if err := rows.Scan(&stored); err != nil {
			return err
		}
		guid, err := unpackGUID(stored)
		t.waiting[guid] = true
		return err
	})
}

// arrive makes rows point at a target row that was not in the source before.
func (t *Tx) arrive(o *origin, key int64, guid string) error {
	if o.extent != Numbered || !t.waiting[guid] {
		return nil
	}
	t.ahead.forget()
	return t.run(`UPDATE message SET target = ? WHERE target = ?`, key, guidKey(o.id, guid))
}

// leave makes rows whose target row is no longer in the source point at its identifier.
func (t *Tx) leave(o *origin, key int64, guid string) error {
	if err := t.flush(); err != nil {
		return err
	}
	s, err := t.prepared(`INSERT OR REPLACE INTO unresolved SELECT DISTINCT id & ~255, ? FROM message WHERE target = ?`)
	if err != nil {
		return err
	}
	result, err := s.Exec(packGUID(guid), key)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return err
	}
	t.waiting[guid] = true
	t.ahead.forget()
	hashed := guidKey(o.id, guid)
	if err := t.run(`UPDATE message SET target = ? WHERE target = ?`, hashed, key); err != nil {
		return err
	}
	return t.run(`INSERT OR IGNORE INTO touched VALUES (?)`, hashed)
}

// settleUnresolved removes the rows whose target is in their source after all.
func (t *Tx) settleUnresolved() error {
	return t.exec(`DELETE FROM unresolved WHERE message IN (SELECT u.message FROM unresolved u LEFT JOIN message m ON m.id = u.message
		WHERE m.target IS NULL OR EXISTS (SELECT 1 FROM message t WHERE t.id = m.target))`)
}

// answers picks, among the messages t of a row, the one that message m answers: the named part, else the first, unless the
// row lost parts. Reactions are not answered.
const answers = `t.kind NOT IN (1, 9, 10) AND t.state & 2 = 0 AND (t.part = m.target_part OR m.target_part < 0 OR t.state & 4 = 0)
	ORDER BY t.part <> m.target_part, t.id & 255, t.id LIMIT 1`

// quoteOf is the id of the message that m quotes: in the row of its source or, with several sources, in any copy.
func quoteOf(several bool) string {
	inSource := `(SELECT t.id FROM message t WHERE t.id BETWEEN m.target AND m.target + 255 AND ` + answers + `)`
	if !several {
		return inSource
	}
	return `coalesce(` + inSource + `, (SELECT t.id FROM message t WHERE t.guid = coalesce(
		(SELECT u.guid FROM unresolved u WHERE u.message = m.id & ~255), (SELECT k.guid FROM message k WHERE k.id = m.target)) AND ` + answers + `))`
}

// settleQuotes derives again the quotes of rows that were put, and of rows that answer them. A reaction to a missing
// message is lost.
func (t *Tx) settleQuotes() error {
	from := `message m WHERE m.target IS NOT NULL`
	if !t.bulk {
		if t.several {
			if err := t.touchCopies(); err != nil {
				return err
			}
		}
		from = `(SELECT m.id AS this FROM touched k CROSS JOIN message m ON m.id BETWEEN k.key AND k.key + 255 WHERE +m.target IS NOT NULL
			UNION SELECT m.id FROM touched k CROSS JOIN message m INDEXED BY message_target ON m.target = k.key) CROSS JOIN message m ON m.id = this`
	}
	type settled struct {
		id, state int64
		quote     sql.NullInt64
	}
	var changes []settled
	err := t.each(fmt.Sprintf(`SELECT m.id, m.kind, m.state, m.quote, %s FROM %s`, quoteOf(t.several), from), func(rows *sql.Rows) error {
		var s settled
		var kind, state int64
		var quote sql.NullInt64
		if err := rows.Scan(&s.id, &kind, &state, &quote, &s.quote); err != nil {
			return err
		}
		if s.state = state &^ lost; !s.quote.Valid && (kind == int64(Reaction) || kind == removalKind) {
			s.state |= lost
		}
		if s.state != state || s.quote != quote {
			changes = append(changes, s)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, s := range changes {
		if err := t.run(`UPDATE message SET quote = ?, state = ? WHERE id = ?`, value(s.quote), s.state, s.id); err != nil {
			return err
		}
	}
	return nil
}

// touchCopies adds the copies of the touched rows, and the rows that wait for them.
func (t *Tx) touchCopies() error {
	for _, step := range []string{
		`INSERT OR IGNORE INTO touched SELECT m.id & ~255 FROM touched_guid g CROSS JOIN message m INDEXED BY message_guid ON m.guid = g.guid`,
		`INSERT OR IGNORE INTO touched SELECT u.message FROM touched_guid g CROSS JOIN unresolved u ON u.guid = g.guid`,
	} {
		if err := t.exec(step); err != nil {
			return err
		}
	}
	return nil
}
