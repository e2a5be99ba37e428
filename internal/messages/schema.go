package messages

import (
	"context"
	"database/sql"
	"strings"
)

// applicationID marks a file as a messages.db ("vqct" in SQLite's header).
const applicationID = 0x76716374

// base is the version of the schema in tables. Files of earlier versions have another layout and are converted, see
// convert.go.
const base = 12

// upgrades are the changes to the schema since base: SQL that takes a file from one version to the next. A new file gets
// tables and then all upgrades, so that it never differs from an upgraded one. Append to this list, and never change what
// was released. SQLite's user_version is the version of a file.
var upgrades = []string{
	// The rows of a source whose target was missing after its last collect. NULL after people were forgotten.
	`ALTER TABLE source_state ADD COLUMN lost_reactions INTEGER; ALTER TABLE source_state ADD COLUMN lost_removals INTEGER`,
	// Files outside of messages.db that commands wrote from it: window files and statistics pages.
	`CREATE TABLE output (path TEXT PRIMARY KEY) WITHOUT ROWID`,
	// The name that its members gave a group.
	`ALTER TABLE chat ADD COLUMN name TEXT`,
	// Windows by runs of targets: a million windows take a million rows. The view has the columns of the table that it replaces.
	`CREATE TABLE training_run (id INTEGER PRIMARY KEY,
  conversation INTEGER NOT NULL,
  first INTEGER NOT NULL, last INTEGER NOT NULL, -- messages that are targets, without a gap
  stride INTEGER NOT NULL, -- targets of a window; the last window of a run may have fewer
  size INTEGER NOT NULL); -- most messages of a window
INSERT INTO training_run SELECT id, conversation, last - targets + 1, last, targets, last - first + 1 FROM training_windows;
DROP TABLE training_windows;
CREATE VIEW training_windows AS
  WITH RECURSIVE w(run, conversation, target, last, end, stride, size) AS (
    SELECT id, conversation, first, min(first + stride - 1, last), last, stride, size FROM training_run
    UNION ALL SELECT run, conversation, last + 1, min(last + stride, end), end, stride, size FROM w WHERE last < end)
  SELECT row_number() OVER (ORDER BY run, w.last) AS id, conversation, max(c.first, w.last - size + 1) AS first, w.last AS last,
    w.last - target + 1 AS targets FROM w JOIN training_conversations c ON c.id = w.conversation`,
	// The version of the rules that the texts were last redacted by.
	`ALTER TABLE care ADD COLUMN rules INTEGER NOT NULL DEFAULT 0`,
	// The flags of the last run of a command, for the menu.
	`CREATE TABLE last_run (command TEXT PRIMARY KEY, flags TEXT NOT NULL, -- a JSON array
  at INTEGER NOT NULL) WITHOUT ROWID`,
	// The windows that are held out for evaluation. NULL in windows that an earlier version made: the last two of each conversation.
	`ALTER TABLE training_run ADD COLUMN held_out INTEGER;
DROP VIEW training_windows;
CREATE VIEW training_windows AS
  WITH RECURSIVE w(run, conversation, target, last, end, stride, size, held_out) AS (
    SELECT id, conversation, first, min(first + stride - 1, last), last, stride, size, held_out FROM training_run
    UNION ALL SELECT run, conversation, last + 1, min(last + stride, end), end, stride, size, held_out FROM w WHERE last < end)
  SELECT row_number() OVER (ORDER BY run, w.last) AS id, conversation, max(c.first, w.last - size + 1) AS first, w.last AS last,
    w.last - target + 1 AS targets, held_out FROM w JOIN training_conversations c ON c.id = w.conversation`,
	// How many tokens of memories each window is to have.
	`ALTER TABLE training_run ADD COLUMN memory INTEGER NOT NULL DEFAULT 0`,
}

// version returns the version of the schema after all upgrades.
func version() int { return base + len(upgrades) }

// tables is the schema in version base; upgrades has the changes since. Identifiers of rows are 16 bytes where they are
// UUIDs (see packGUID), else text. A sender of 0 is the owner. A row of a source is one row of message for each of its
// parts, whose ids follow each other (see keys.go); a row that became no message is one row of the kind leftOut.
const tables = `
CREATE TABLE source (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
  collected INTEGER NOT NULL); -- number of the last collect that read something of it
CREATE TABLE source_state (source INTEGER PRIMARY KEY, state BLOB NOT NULL); -- what the source's package wants to know next time

CREATE TABLE handle (id INTEGER PRIMARY KEY, address TEXT NOT NULL UNIQUE,
  name TEXT); -- what a source calls the person, if not by the address

CREATE TABLE chat (id INTEGER PRIMARY KEY, source INTEGER NOT NULL,
  number INTEGER, -- the source's own, NULL for a chat that is known by its members
  is_group INTEGER NOT NULL);
CREATE TABLE period (id INTEGER PRIMARY KEY, chat INTEGER NOT NULL, -- a time with the same members
  until_date INTEGER NOT NULL, until_row INTEGER NOT NULL); -- of the last row that belongs to it
CREATE TABLE member (period INTEGER NOT NULL, place INTEGER NOT NULL, handle INTEGER NOT NULL, absent INTEGER NOT NULL,
  PRIMARY KEY (period, place)) WITHOUT ROWID;

CREATE TABLE message (
  id INTEGER PRIMARY KEY,    -- source, row and part
  chat INTEGER NOT NULL,     -- 0 for none
  date INTEGER NOT NULL,     -- nanoseconds since 1970 UTC
  sender INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  state INTEGER NOT NULL,    -- bits: see the constants of this name
  guid NOT NULL,
  part INTEGER NOT NULL,     -- by which replies name it; of a row that was left out: why
  text TEXT NOT NULL,
  target INTEGER,            -- first id of the row that is answered, in the same source
  target_part INTEGER,       -- the part that is answered; of a row that was left out: how many messages were forgotten
  quote INTEGER,             -- id of the message that is quoted: derived from target
  line INTEGER               -- of an export: number of the collect << 24 and line, see keys.go; NULL where rows are numbered
);
CREATE TABLE unresolved (message INTEGER PRIMARY KEY, guid NOT NULL); -- rows whose target is not in their source
CREATE TABLE attachment (message INTEGER PRIMARY KEY, guid TEXT NOT NULL, transcript TEXT, root INTEGER,
  path TEXT); -- ends in / where the last element is the message's text
CREATE TABLE attachment_root (id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE);
CREATE TABLE attachment_descriptions (attachment_guid TEXT PRIMARY KEY, description TEXT,
  status TEXT, -- NULL if another program described it
  model TEXT,
  content_hash BLOB, -- SHA-256 of the file
  error TEXT,
  described_at INTEGER -- seconds since 1970 UTC
) WITHOUT ROWID;

CREATE TABLE event (source INTEGER NOT NULL, guid NOT NULL, source_row INTEGER NOT NULL, date INTEGER NOT NULL,
  chat INTEGER NOT NULL, kind TEXT NOT NULL, actor TEXT NOT NULL, subject TEXT, text TEXT,
  PRIMARY KEY (source, guid)) WITHOUT ROWID;
CREATE TABLE version (source INTEGER NOT NULL, guid NOT NULL, part INTEGER NOT NULL, number INTEGER NOT NULL,
  date INTEGER NOT NULL, text TEXT NOT NULL, PRIMARY KEY (source, guid, part, number)) WITHOUT ROWID;
CREATE TABLE retracted (guid PRIMARY KEY) WITHOUT ROWID; -- unsent messages: an old backup still has them

CREATE TABLE own_address (address TEXT PRIMARY KEY, place TEXT NOT NULL, messages INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE address_person (address TEXT PRIMARY KEY, person TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE care (one INTEGER PRIMARY KEY CHECK (one = 1), secret BLOB NOT NULL, region TEXT NOT NULL, kinds TEXT NOT NULL);
CREATE TABLE forgotten (digest BLOB PRIMARY KEY, person INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE collected (key TEXT PRIMARY KEY, summary BLOB NOT NULL) WITHOUT ROWID; -- exports as they were collected
CREATE TABLE collected_source (key TEXT NOT NULL, source INTEGER NOT NULL, PRIMARY KEY (key, source)) WITHOUT ROWID;

CREATE TABLE training_conversations (id INTEGER PRIMARY KEY,
  members TEXT NOT NULL, -- JSON array of names, sorted
  first INTEGER NOT NULL, last INTEGER NOT NULL);
CREATE TABLE training_messages (id INTEGER PRIMARY KEY,
  date INTEGER NOT NULL, -- nanoseconds since 1970 UTC
  name TEXT NOT NULL, reply_to TEXT, content_type TEXT NOT NULL, text TEXT NOT NULL);
CREATE TABLE training_windows (id INTEGER PRIMARY KEY,
  conversation INTEGER NOT NULL,
  first INTEGER NOT NULL, last INTEGER NOT NULL, -- messages
  targets INTEGER NOT NULL); -- how many of the last messages are targets
`

// The kinds of rows that are never shown. They follow the kinds of messages.
const (
	removalKind = 9  // a reaction was taken back
	leftOut     = 10 // the row became no message
)

// The bits of message.state.
const (
	lost       = 1  // derived: a reaction, or a removal of one, whose target is not there
	superseded = 2  // derived: another source has a better copy, or knows that the message was unsent
	shortened  = 4  // other parts of the row were unsent
	kept       = 8  // the source no longer has the row
	partial    = 16 // the export left something out, or is derived from another source
	lastCopy   = 32 // the source no longer has the row, but another one has an older copy
	edited     = 64 // there are versions of it

	derived = lost | superseded
)

// isShown is the condition that a row of message m is a message to read.
const isShown = `m.kind < 9 AND m.state & 3 = 0`

// indexes are rebuilt after many rows were added at once, which is faster than maintaining them. The index orders the
// messages in a chat up to about a second (1 << 30 nanoseconds), which takes half the bytes of a whole date.
var indexes = []struct {
	name, definition string
	all              bool // most rows are in it
}{
	{"message_order", `message(chat, date >> 30) WHERE kind < 9 AND state & 3 = 0`, true},
	{"message_rest", `message(chat, kind) WHERE NOT (kind < 9 AND state & 3 = 0)`, false},
	{"message_target", `message(target) WHERE target IS NOT NULL`, false},
	{"message_removal", `message(quote) WHERE kind = 9 AND state & 3 = 0`, false},
	{"message_lost", `message(kind) WHERE state & 1 = 1`, false},
	{"message_kept", `message(chat) WHERE state & 40 <> 0`, false},
	{"message_forgotten", `message(target_part) WHERE kind = 10 AND target_part > 0`, false},
	{"unresolved_guid", `unresolved(guid)`, false},
}

// guidIndex exists once there is a second source: it finds the copies of a message.
const guidIndex = `CREATE INDEX IF NOT EXISTS message_guid ON message(guid)`

// createTables creates the missing tables in version base, and upgrades them.
func createTables(ctx context.Context, tx *sql.Tx) error {
	if _, err := tx.ExecContext(ctx, strings.ReplaceAll(tables, "CREATE TABLE ", "CREATE TABLE IF NOT EXISTS ")); err != nil {
		return err
	}
	return upgrade(ctx, tx, base)
}

// upgrade takes tables from the version found to the newest one.
func upgrade(ctx context.Context, tx *sql.Tx, found int) error {
	var err error
	for _, step := range upgrades[found-base:] {
		if err == nil {
			_, err = tx.ExecContext(ctx, step)
		}
	}
	for _, index := range indexes {
		if err == nil {
			_, err = tx.ExecContext(ctx, `CREATE INDEX IF NOT EXISTS `+index.name+` ON `+index.definition)
		}
	}
	return err
}
