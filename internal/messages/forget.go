package messages

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
)

// Erased counts what Forget removed.
type Erased struct {
	Messages      int64 `json:"messages"` // reactions included
	Conversations int64 `json:"conversations"`
	Attachments   int64 `json:"attachments"`
	Groups        int64 `json:"groups"` // conversations of others in which a stand-in remains
}

// The steps of forgetting the people in the temporary table gone, which holds their handles. The temporary table doomed
// collects the messages to delete; it already holds those of conversations with no one else. A numbered row leaves the same
// stub that a collect would leave (see forgottenRecord), so that the next collect goes on from here.
const (
	gatherDoomed = `
INSERT OR IGNORE INTO doomed SELECT m.id, m.guid FROM message m WHERE m.kind < 10 AND m.sender IN (SELECT handle FROM gone);
CREATE TEMP TABLE stub AS SELECT m.id & ~255 AS key, m.guid, CASE m.kind WHEN 9 THEN -4 WHEN 1 THEN -3 ELSE -2 END AS why,
  iif(m.kind = 9, NULL, count(*)) AS messages, min(m.id) FROM doomed d JOIN message m ON m.id = d.id WHERE m.id < 1 << 62 GROUP BY m.id & ~255`

	// Reactions of others to the doomed messages.
	gatherReactions = `
INSERT OR IGNORE INTO doomed SELECT m.id, m.guid FROM message m WHERE m.kind IN (1, 9) AND m.quote IN (SELECT id FROM doomed)`

	eraseFacts = `
DELETE FROM version WHERE guid IN (SELECT guid FROM doomed);
DELETE FROM event WHERE guid IN (SELECT guid FROM doomed) OR actor IN (SELECT address FROM gone) OR subject IN (SELECT address FROM gone);
DELETE FROM address_person WHERE address IN (SELECT address FROM gone) OR person IN (SELECT address FROM gone);
DELETE FROM own_address WHERE address IN (SELECT address FROM gone);
DELETE FROM attachment_descriptions WHERE attachment_guid IN (SELECT guid FROM attachment WHERE message IN (SELECT id FROM doomed))
  AND attachment_guid NOT IN (SELECT guid FROM attachment WHERE message NOT IN (SELECT id FROM doomed));
DELETE FROM unresolved WHERE message IN (SELECT id FROM doomed)`

	eraseAttachments = `DELETE FROM attachment WHERE message IN (SELECT id FROM doomed)`
	eraseQuotes      = `
UPDATE message SET quote = NULL WHERE target IS NOT NULL AND quote IN (SELECT id FROM doomed)`
	countDoomed = `SELECT count(*) FROM doomed d JOIN message m ON m.id = d.id WHERE m.kind < 9 AND m.state & 3 = 0`

	// A numbered row that reacts to a doomed message stays as one whose target is lost.
	loseReactions = `
UPDATE message SET state = state | 1 WHERE id < 1 << 62 AND id IN (SELECT id FROM doomed) AND id & ~255 NOT IN (SELECT key FROM stub);
DELETE FROM doomed WHERE id < 1 << 62 AND id & ~255 NOT IN (SELECT key FROM stub)`

	eraseMessages = `
DELETE FROM message WHERE id IN (SELECT id FROM doomed);
INSERT INTO message (id, chat, date, sender, kind, state, guid, part, text, target_part) SELECT key, 0, 0, 0, 10, 0, guid, why, '', messages FROM stub;
INSERT OR REPLACE INTO unresolved SELECT DISTINCT m.id & ~255, d.guid FROM doomed d JOIN message m ON m.target = d.id WHERE d.id >= 1 << 62`

	renameGone = `
UPDATE handle SET name = NULL, address = (SELECT g.stand_in || iif(g.handle = (SELECT min(handle) FROM gone h WHERE h.stand_in = g.stand_in AND h.handle > 0), '', ' (' || g.handle || ')')
  FROM gone g WHERE g.handle = handle.id) WHERE id IN (SELECT handle FROM gone);
UPDATE message SET sender = (SELECT min(h.handle) FROM gone g JOIN gone h ON h.stand_in = g.stand_in AND h.handle > 0 WHERE g.handle = message.sender)
  WHERE kind = 10 AND sender IN (SELECT handle FROM gone);
UPDATE member SET handle = (SELECT min(h.handle) FROM gone g JOIN gone h ON h.stand_in = g.stand_in AND h.handle > 0 WHERE g.handle = member.handle)
  WHERE handle IN (SELECT handle FROM gone)`

	eraseSources = `
DELETE FROM attachment_root WHERE id NOT IN (SELECT root FROM attachment WHERE root IS NOT NULL);
DELETE FROM source WHERE id NOT IN (SELECT source FROM chat UNION SELECT source FROM event UNION SELECT source FROM version)
  AND NOT EXISTS (SELECT 1 FROM message m WHERE m.id BETWEEN (source.id - 1) << 44 AND (source.id << 44) - 1);
DELETE FROM source_state WHERE source NOT IN (SELECT id FROM source);
UPDATE source_state SET lost_reactions = NULL, lost_removals = NULL`
)

// Forget removes everything from and about the people for whom standIn returns a stand-in: their messages, all messages of
// conversations with no one else, reactions to deleted messages, attachments and their descriptions, versions and events.
// In groups of others a stand-in remains, so that these groups do not look like other groups. Text, which knows the
// addresses too, redacts the rest. The settings are stored. All of this is one transaction.
func (db *DB) Forget(ctx context.Context, settings *PrivacySettings, standIn func(address string) string, text func(string) string) (Erased, error) {
	var erased Erased
	err := db.erase(ctx, text, func(tx *sql.Tx) error {
		if err := savePrivacySettings(ctx, tx, settings); err != nil {
			return err
		}
		gone, err := gatherGone(ctx, tx, standIn)
		if err != nil {
			return err
		}
		if err := eraseGone(ctx, tx, gone, &erased); err != nil {
			return err
		}
		return redactTables(ctx, tx)
	})
	return erased, err
}

// errCounted ends a transaction that is only made to count.
var errCounted = errors.New("counted")

// WouldForget counts what Forget removes, and changes nothing.
func (db *DB) WouldForget(ctx context.Context, standIn func(address string) string) (Erased, error) {
	var erased Erased
	conn, err := db.sql.Conn(ctx) // of the temporary tables
	if err != nil {
		return erased, explain(db.path, err)
	}
	defer conn.Close()
	err = inTransaction(ctx, conn, func(tx *sql.Tx) error {
		gone, err := gatherGone(ctx, tx, standIn)
		if err != nil {
			return err
		}
		if err := eraseGone(ctx, tx, gone, &erased); err != nil {
			return err
		}
		return errCounted
	})
	if errors.Is(err, errCounted) {
		return erased, nil
	}
	return erased, explain(db.path, err)
}

// gatherGone fills the temporary tables with what will be deleted, and returns the handles of the people to forget.
func gatherGone(ctx context.Context, tx *sql.Tx, standIn func(string) string) (map[int64]bool, error) {
	_, err := tx.ExecContext(ctx, `CREATE TEMP TABLE gone (handle INTEGER, address TEXT, stand_in TEXT);
		CREATE TEMP TABLE doomed (id INTEGER PRIMARY KEY, guid);
		CREATE TEMP TABLE known AS SELECT id, address FROM handle
		UNION SELECT -1, actor FROM event UNION SELECT -1, subject FROM event WHERE subject IS NOT NULL
		UNION SELECT -1, address FROM address_person UNION SELECT -1, person FROM address_person UNION SELECT -1, address FROM own_address`) // -1 is no handle
	if err != nil {
		return nil, err
	}
	type row struct {
		handle  int64
		address string
	}
	var list []row
	err = each(ctx, tx, `SELECT id, address FROM known WHERE address <> ''`, func(rows *sql.Rows) error {
		var r row
		err := rows.Scan(&r.handle, &r.address)
		list = append(list, r)
		return err
	})
	if err != nil {
		return nil, err
	}
	gone := make(map[int64]bool)
	for _, r := range list {
		name := standIn(r.address)
		if name == "" {
			continue
		}
		if r.handle > 0 {
			gone[r.handle] = true
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO gone VALUES (?, ?, ?)`, r.handle, r.address, name); err != nil {
			return nil, err
		}
	}
	return gone, gatherChats(ctx, tx, gone)
}

// gatherChats adds the messages of periods in which every participant is to be forgotten.
func gatherChats(ctx context.Context, tx *sql.Tx, gone map[int64]bool) error {
	chats, err := readChats(ctx, tx)
	if err != nil {
		return err
	}
	for _, c := range chats {
		if !slices.ContainsFunc(c.periods, func(p period) bool { return onlyGone(p.members, gone) }) {
			continue
		}
		type message struct {
			id   int64
			guid any
		}
		var doomed []message
		err := each(ctx, tx, `SELECT id, date, line, guid FROM message WHERE chat = ? AND kind < 10`, func(rows *sql.Rows) error {
			var m message
			var date int64
			var line *int64
			if err := rows.Scan(&m.id, &date, &line, &m.guid); err != nil {
				return err
			}
			if p := c.at(moment{date, rowOf(m.id, line)}); p != nil && onlyGone(p.members, gone) {
				doomed = append(doomed, m)
			}
			return nil
		}, c.id)
		for _, m := range doomed {
			if err == nil {
				_, err = tx.ExecContext(ctx, `INSERT OR IGNORE INTO doomed VALUES (?, ?)`, m.id, m.guid)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// onlyGone reports whether every participant is to be forgotten.
func onlyGone(members []memberHandle, gone map[int64]bool) bool {
	some := false
	for _, m := range members {
		if !m.absent && !gone[m.handle] {
			return false
		}
		some = some || !m.absent
	}
	return some
}

// eraseGone runs the steps.
func eraseGone(ctx context.Context, tx *sql.Tx, gone map[int64]bool, erased *Erased) (err error) {
	run := func(statement string) (changed int64) {
		if err != nil {
			return 0
		}
		var result sql.Result
		if result, err = tx.ExecContext(ctx, statement); err == nil {
			changed, err = result.RowsAffected()
		}
		return changed
	}
	count := func(query string) (n int64) {
		if err == nil {
			n, err = integer(ctx, tx, query)
		}
		return n
	}
	run(gatherDoomed)
	run(gatherReactions)
	before, _, failure := rostersOf(ctx, tx, nil)
	err = errors.Join(err, failure)
	run(eraseFacts)
	erased.Attachments = run(eraseAttachments)
	erased.Messages = count(countDoomed)
	run(eraseQuotes)
	run(loseReactions)
	run(eraseMessages)
	after, groups, failure := rostersOf(ctx, tx, gone)
	err = errors.Join(err, failure)
	erased.Conversations, erased.Groups = before-after, groups
	run(renameGone)
	err = errors.Join(err, sortRosters(ctx, tx, gone))
	run(dropUnusedChats)
	run(eraseSources)
	run(`DROP TABLE gone; DROP TABLE doomed; DROP TABLE stub; DROP TABLE known`)
	return err
}

// sortRosters brings the rosters with renamed members into their canonical form.
func sortRosters(ctx context.Context, tx *sql.Tx, gone map[int64]bool) error {
	chats, err := readChats(ctx, tx)
	if err != nil {
		return err
	}
	addresses, err := readAddresses(ctx, tx)
	if err != nil {
		return err
	}
	for _, c := range chats {
		for _, p := range c.periods {
			if !slices.ContainsFunc(p.members, func(m memberHandle) bool { return gone[m.handle] }) {
				continue
			}
			sorted := canonicalRoster(slices.Clone(p.members), addresses)
			if slices.Equal(sorted, p.members) {
				continue
			}
			if _, err := tx.ExecContext(ctx, `DELETE FROM member WHERE period = ?`, p.id); err != nil {
				return err
			}
			for place, m := range sorted {
				if _, err := tx.ExecContext(ctx, `INSERT INTO member VALUES (?, ?, ?, ?)`, p.id, place, m.handle, m.absent); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// rostersOf counts the conversations that have messages, and how many of them have a member in gone.
func rostersOf(ctx context.Context, tx *sql.Tx, gone map[int64]bool) (all, with int64, err error) {
	chats, err := readChats(ctx, tx)
	if err != nil {
		return 0, 0, err
	}
	seen := make(map[string]bool)
	for _, c := range chats {
		err := eachPopulated(ctx, tx, c, false, func(p *period, _ int64) {
			key := rosterKey(c.group, p.members)
			if seen[key] {
				return
			}
			seen[key] = true
			if slices.ContainsFunc(p.members, func(m memberHandle) bool { return gone[m.handle] }) {
				with++
			}
		})
		if err != nil {
			return 0, 0, err
		}
	}
	return int64(len(seen)), with, nil
}

// ForgottenName returns the stand-in for the nth forgotten person.
func ForgottenName(n int64) string { return fmt.Sprintf("forgotten %d", n) }
