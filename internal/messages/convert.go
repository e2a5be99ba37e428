package messages

import (
	"context"
	"database/sql"
	"strings"
)

// Former files hold messages in reading order, each once however many sources have it, and conversations instead of chats.
// The conversion keeps everything under the identifiers of rows, as if the sources no longer had it. The next collect of a
// source takes its rows over.

const renameFormer = `
ALTER TABLE source RENAME TO former_source; ALTER TABLE message RENAME TO former_message; ALTER TABLE attachment RENAME TO former_attachment;
DROP TABLE reading; DROP TABLE left_out; DROP TABLE waiting; DROP TABLE collected; DROP TABLE collected_source`

const copyFormer = `INSERT INTO source (id, name, collected) SELECT id, name, 0 FROM former_source`

// formerRows are messages and removals of reactions with their conversation and their target. The parts of a row are
// together.
const formerRows = `
SELECT m.id, c.id, m.date, m.sender, m.kind, m.guid, m.part, m.text, m.source_row, t.guid, t.part, o.source, 0
  FROM former_message m JOIN conversation c ON m.id BETWEEN c.first AND c.last JOIN origin o ON o.id = m.origin LEFT JOIN former_message t ON t.id = m.target
UNION ALL SELECT 0, c.id, r.date, r.sender, 9, r.guid, 0, r.text, r.source_row, t.guid, t.part, o.source, r.id
  FROM removal r JOIN former_message t ON t.id = r.target JOIN conversation c ON t.id BETWEEN c.first AND c.last JOIN origin o ON o.id = r.origin
ORDER BY 12, 1, 13`

const dropFormer = `DROP TABLE former_source; DROP TABLE former_message; DROP TABLE former_attachment; DROP TABLE conversation;
DROP TABLE conversation_member; DROP TABLE removal; DROP TABLE origin`

// convertFormer converts a file of a former version.
func convertFormer(ctx context.Context, conn *sql.Conn, tx *sql.Tx, path string, found int) error {
	for _, step := range formerSteps[found:] {
		if _, err := tx.ExecContext(ctx, step); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, renameFormer); err != nil {
		return err
	}
	if err := createTables(ctx, tx); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, copyFormer); err != nil {
		return err
	}
	t := newTx(ctx, conn, tx, path, nil, false)
	defer t.close()
	if err := t.begin(); err != nil {
		return err
	}
	c := converter{Tx: t, chats: map[[2]int64]int64{}}
	for _, step := range []func() error{c.readRosters, c.copyRows, t.flush, t.createIndexes, c.touchAll, t.settleUnresolved, t.settleCopies, t.settleQuotes} {
		if err := step(); err != nil {
			return err
		}
	}
	_, err := tx.ExecContext(ctx, dropFormer)
	return err
}

// converter copies the rows of a former file.
type converter struct {
	*Tx
	rosters map[int64]*formerRoster
	chats   map[[2]int64]int64 // by conversation and source
}

type formerRoster struct {
	group   bool
	members []Member
}

func (c *converter) readRosters() error {
	c.rosters = make(map[int64]*formerRoster)
	return c.each(`SELECT c.id, c.is_group, m.handle, m.absent FROM conversation c LEFT JOIN conversation_member m ON m.conversation = c.id
		ORDER BY c.id, m.place`, func(rows *sql.Rows) error {
		var id int64
		var group bool
		var member sql.NullInt64
		var absent sql.NullBool
		if err := rows.Scan(&id, &group, &member, &absent); err != nil {
			return err
		}
		if c.rosters[id] == nil {
			c.rosters[id] = &formerRoster{group: group}
		}
		if !member.Valid {
			return nil
		}
		address, err := c.address(member.Int64)
		c.rosters[id].members = append(c.rosters[id].members, Member{address, absent.Bool})
		return err
	})
}

// copyRows copies messages and removals, for each source that has them.
func (c *converter) copyRows() error {
	var last record
	lastSource := int64(0)
	return c.each(formerRows, func(rows *sql.Rows) error {
		var former, conversation, row, source, removal int64
		var guid, target any
		var targetPart sql.NullInt64
		var e record
		if err := rows.Scan(&former, &conversation, &e.date, &e.sender, &e.kind, &guid, &e.part, &e.text, &row, &target, &targetPart, &source, &removal); err != nil {
			return err
		}
		var err error
		if e.guid, err = unpackGUID(guid); err != nil {
			return err
		}
		e.id = guidKey(source, e.guid)
		if source == lastSource && keyOf(last.id) == e.id {
			e.id = min(last.id+1, lastID(e.id))
		}
		last, lastSource = e, source
		if e.line = optional(lineOf(0, row)); c.isNumbered(source) {
			e.state = kept
		}
		if e.chat, err = c.chatOf(conversation, source); err != nil {
			return err
		}
		if target != nil {
			answered, err := unpackGUID(target)
			if err != nil {
				return err
			}
			e.target, e.targetPart = optional(guidKey(source, answered)), targetPart
			if err := c.run(`INSERT OR REPLACE INTO unresolved VALUES (?, ?)`, keyOf(e.id), packGUID(answered)); err != nil {
				return err
			}
		}
		err = c.run(`INSERT OR IGNORE INTO message (id, chat, date, sender, kind, state, guid, part, text, target, target_part, line)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, e.id, e.chat, e.date, e.sender, e.kind, e.state,
			packGUID(e.guid), e.part, e.text, value(e.target), value(e.targetPart), e.line.Int64)
		if err == nil && former > 0 {
			err = c.run(`INSERT OR IGNORE INTO attachment (`+attachmentColumns+`) SELECT ?, guid, transcript, root, path FROM former_attachment WHERE message = ?`, e.id, former)
		}
		return err
	})
}

// isNumbered reports whether the rows of a source have numbers: those of Apple's database, which was the only source
// before sources had names.
func (c *converter) isNumbered(source int64) bool {
	name := c.sources[source].name
	return name == unnamedSource || strings.HasPrefix(name, "imessage ")
}

func (c *converter) chatOf(conversation, source int64) (int64, error) {
	key := [2]int64{conversation, source}
	if id, known := c.chats[key]; known {
		return id, nil
	}
	r := c.rosters[conversation]
	id, err := c.Conversation(source, r.group, r.members)
	c.chats[key] = id
	return id, err
}

// touchAll marks everything that depends on other rows to be derived again.
func (c *converter) touchAll() error {
	c.bulk = true
	return c.exec(`INSERT OR IGNORE INTO touched_guid SELECT guid FROM message`)
}
