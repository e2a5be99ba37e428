package messages

import (
	"context"
	"database/sql"
	"fmt"
)

// Erased counts what Forget took out.
type Erased struct {
	Messages      int64 `json:"messages"` // reactions included
	Conversations int64 `json:"conversations"`
	Attachments   int64 `json:"attachments"`
	Groups        int64 `json:"groups"` // conversations of others in which a stand-in is left
}

// The steps of forgetting the people in the temporary table gone, which holds their handles: what goes is gathered in
// the temporary table doomed.
const (
	gatherDoomed = `
INSERT INTO doomed SELECT m.id, m.guid FROM message m WHERE m.sender IN (SELECT handle FROM gone);
INSERT OR IGNORE INTO doomed SELECT m.id, m.guid FROM conversation c JOIN message m ON m.id BETWEEN c.first AND c.last
  WHERE EXISTS (SELECT 1 FROM conversation_member p WHERE p.conversation = c.id AND NOT p.absent)
  AND NOT EXISTS (SELECT 1 FROM conversation_member p WHERE p.conversation = c.id AND NOT p.absent AND p.handle NOT IN (SELECT handle FROM gone));
INSERT OR IGNORE INTO doomed SELECT m.id, m.guid FROM message m WHERE m.kind = 1 AND m.target IN (SELECT id FROM doomed)`

	eraseFacts = `
DELETE FROM version WHERE guid IN (SELECT guid FROM doomed);
DELETE FROM event WHERE guid IN (SELECT guid FROM doomed) OR actor IN (SELECT address FROM gone) OR subject IN (SELECT address FROM gone);
DELETE FROM address_person WHERE address IN (SELECT address FROM gone);
DELETE FROM own_address WHERE address IN (SELECT address FROM gone);
DELETE FROM removal WHERE sender IN (SELECT handle FROM gone) OR target IN (SELECT id FROM doomed);
DELETE FROM attachment_descriptions WHERE attachment_guid IN (SELECT guid FROM attachment WHERE message IN (SELECT id FROM doomed))
  AND attachment_guid NOT IN (SELECT guid FROM attachment WHERE message NOT IN (SELECT id FROM doomed))`

	eraseAttachments = `DELETE FROM attachment WHERE message IN (SELECT id FROM doomed)`
	eraseTargets     = `UPDATE message SET target = NULL WHERE target IN (SELECT id FROM doomed)`
	eraseMessages    = `DELETE FROM message WHERE id IN (SELECT id FROM doomed)`

	eraseMembers       = `DELETE FROM conversation_member WHERE conversation IN (SELECT id FROM conversation c WHERE NOT EXISTS (SELECT 1 FROM message m WHERE m.id BETWEEN c.first AND c.last))`
	eraseConversations = `DELETE FROM conversation AS c WHERE NOT EXISTS (SELECT 1 FROM message m WHERE m.id BETWEEN c.first AND c.last)`
	shrinkAndRename    = `
UPDATE conversation AS c SET first = (SELECT min(id) FROM message m WHERE m.id BETWEEN c.first AND c.last),
  last = (SELECT max(id) FROM message m WHERE m.id BETWEEN c.first AND c.last);
UPDATE handle SET name = NULL, address = (SELECT g.stand_in || iif(g.handle = (SELECT min(handle) FROM gone h WHERE h.stand_in = g.stand_in AND h.handle > 0), '', ' (' || g.handle || ')')
  FROM gone g WHERE g.handle = handle.id) WHERE id IN (SELECT handle FROM gone);
UPDATE conversation_member SET handle = (SELECT min(h.handle) FROM gone g JOIN gone h ON h.stand_in = g.stand_in AND h.handle > 0 WHERE g.handle = conversation_member.handle)
  WHERE handle IN (SELECT handle FROM gone)`
	eraseSources = `
DELETE FROM attachment_root WHERE id NOT IN (SELECT root FROM attachment WHERE root IS NOT NULL);
DELETE FROM origin WHERE id NOT IN (SELECT origin FROM message UNION SELECT origin FROM removal);
DELETE FROM source WHERE id NOT IN (SELECT source FROM origin UNION SELECT source FROM event UNION SELECT source FROM version)`
	countGroups = `SELECT count(DISTINCT conversation) FROM conversation_member WHERE handle IN (SELECT handle FROM gone)`
)

// Forget takes out what is from and about the people of whom standIn tells a stand-in: their messages, all messages of
// conversations with nobody else, reactions to what goes, attachments and their descriptions, versions and events. In
// groups of others a stand-in is left, so that these do not look like other groups. The rest is redacted by text, which
// knows the addresses too, and care is remembered: all in one transaction.
func (db *DB) Forget(ctx context.Context, care *Care, standIn func(address string) string, text func(string) string) (Erased, error) {
	var erased Erased
	err := db.erase(ctx, text, func(tx *sql.Tx) error {
		if err := saveCare(ctx, tx, care); err != nil {
			return err
		}
		if err := gatherGone(ctx, tx, standIn); err != nil {
			return err
		}
		if err := eraseGone(ctx, tx, &erased); err != nil {
			return err
		}
		return redactTables(ctx, tx)
	})
	return erased, err
}

// gatherGone fills the temporary tables of what goes.
func gatherGone(ctx context.Context, tx *sql.Tx, standIn func(string) string) error {
	_, err := tx.ExecContext(ctx, `CREATE TEMP TABLE gone (handle INTEGER, address TEXT, stand_in TEXT);
		CREATE TEMP TABLE doomed (id INTEGER PRIMARY KEY, guid);
		CREATE TEMP TABLE known AS SELECT id, address FROM handle
		UNION SELECT -1, actor FROM event UNION SELECT -1, subject FROM event WHERE subject IS NOT NULL
		UNION SELECT -1, address FROM address_person UNION SELECT -1, address FROM own_address`) // -1 is no handle
	if err != nil {
		return err
	}
	type row struct {
		handle  int64
		address string
	}
	var list []row
	rows, err := tx.QueryContext(ctx, `SELECT id, address FROM known WHERE address <> ''`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var r row
		if err := rows.Scan(&r.handle, &r.address); err != nil {
			return err
		}
		list = append(list, r)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, r := range list {
		if name := standIn(r.address); name != "" {
			if _, err := tx.ExecContext(ctx, `INSERT INTO gone VALUES (?, ?, ?)`, r.handle, r.address, name); err != nil {
				return err
			}
		}
	}
	return nil
}

// eraseGone carries the steps out.
func eraseGone(ctx context.Context, tx *sql.Tx, erased *Erased) error {
	for _, step := range []struct {
		sql     string
		changed *int64
	}{
		{gatherDoomed, nil},
		{eraseFacts, nil},
		{eraseAttachments, &erased.Attachments},
		{eraseTargets, nil},
		{eraseMessages, &erased.Messages},
		{eraseMembers, nil},
		{eraseConversations, &erased.Conversations},
		{shrinkAndRename, nil},
		{eraseSources, nil},
	} {
		result, err := tx.ExecContext(ctx, step.sql)
		if err != nil {
			return err
		}
		if step.changed != nil {
			if *step.changed, err = result.RowsAffected(); err != nil {
				return err
			}
		}
	}
	if err := tx.QueryRowContext(ctx, countGroups).Scan(&erased.Groups); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `DROP TABLE gone; DROP TABLE doomed; DROP TABLE known`)
	return err
}

// ForgottenName is the stand-in of the nth person who was forgotten.
func ForgottenName(n int64) string { return fmt.Sprintf("forgotten %d", n) }
