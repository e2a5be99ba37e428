package messages

// formerSteps upgraded a file from version i to i+1, up to the last version that numbered messages in reading order. They
// are unchanged: old files go through them to be converted (see convert.go).
var formerSteps = []string{
	`CREATE TABLE handle (id INTEGER PRIMARY KEY, address TEXT NOT NULL UNIQUE);
CREATE TABLE conversation (id INTEGER PRIMARY KEY, is_group INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL);
CREATE TABLE conversation_member (conversation INTEGER NOT NULL, place INTEGER NOT NULL, handle INTEGER NOT NULL,
  absent INTEGER NOT NULL, PRIMARY KEY (conversation, place)) WITHOUT ROWID;
CREATE TABLE message (
  id INTEGER PRIMARY KEY,
  source_row INTEGER NOT NULL,
  guid NOT NULL,
  part INTEGER NOT NULL,
  date INTEGER NOT NULL,
  sender INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  text TEXT NOT NULL,
  target INTEGER
);
CREATE TABLE attachment (message INTEGER PRIMARY KEY, guid TEXT NOT NULL, transcript TEXT);
CREATE TABLE removal (id INTEGER PRIMARY KEY, source_row INTEGER NOT NULL, guid NOT NULL, date INTEGER NOT NULL,
  sender INTEGER NOT NULL, text TEXT NOT NULL, target INTEGER NOT NULL);
CREATE TABLE attachment_descriptions (attachment_guid TEXT PRIMARY KEY, description TEXT) WITHOUT ROWID;`,
	`CREATE TABLE training_conversations (id INTEGER PRIMARY KEY,
  members TEXT NOT NULL,
  first INTEGER NOT NULL, last INTEGER NOT NULL);
CREATE TABLE training_messages (id INTEGER PRIMARY KEY,
  date INTEGER NOT NULL,
  name TEXT NOT NULL, reply_to TEXT, content_type TEXT NOT NULL, text TEXT NOT NULL);
CREATE TABLE training_windows (id INTEGER PRIMARY KEY,
  conversation INTEGER NOT NULL,
  first INTEGER NOT NULL, last INTEGER NOT NULL,
  targets INTEGER NOT NULL);`,
	`CREATE TABLE source (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE origin (id INTEGER NOT NULL, source INTEGER NOT NULL, PRIMARY KEY (id, source)) WITHOUT ROWID;
INSERT INTO source VALUES (1, '');
INSERT INTO origin VALUES (1, 1);
ALTER TABLE message ADD COLUMN origin INTEGER NOT NULL DEFAULT 1;
ALTER TABLE removal ADD COLUMN origin INTEGER NOT NULL DEFAULT 1;
ALTER TABLE handle ADD COLUMN name TEXT;`,
	`CREATE TABLE event (source INTEGER NOT NULL, guid NOT NULL, source_row INTEGER NOT NULL, date INTEGER NOT NULL,
  chat INTEGER NOT NULL, kind TEXT NOT NULL, actor TEXT NOT NULL, subject TEXT, text TEXT,
  PRIMARY KEY (source, guid)) WITHOUT ROWID;
CREATE TABLE version (source INTEGER NOT NULL, guid NOT NULL, part INTEGER NOT NULL, number INTEGER NOT NULL,
  date INTEGER NOT NULL, text TEXT NOT NULL, PRIMARY KEY (source, guid, part, number)) WITHOUT ROWID;`,
	`CREATE TABLE own_address (address TEXT PRIMARY KEY, place TEXT NOT NULL, messages INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE address_person (address TEXT PRIMARY KEY, person TEXT NOT NULL) WITHOUT ROWID;`,
	`CREATE TABLE attachment_root (id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE);
ALTER TABLE attachment ADD COLUMN root INTEGER;
ALTER TABLE attachment ADD COLUMN path TEXT;
ALTER TABLE attachment_descriptions ADD COLUMN status TEXT;
ALTER TABLE attachment_descriptions ADD COLUMN model TEXT;
ALTER TABLE attachment_descriptions ADD COLUMN content_hash BLOB;
ALTER TABLE attachment_descriptions ADD COLUMN error TEXT;
ALTER TABLE attachment_descriptions ADD COLUMN described_at INTEGER;`,
	`CREATE TABLE care (one INTEGER PRIMARY KEY CHECK (one = 1), secret BLOB NOT NULL, region TEXT NOT NULL, kinds TEXT NOT NULL);
CREATE TABLE forgotten (digest BLOB PRIMARY KEY, person INTEGER NOT NULL) WITHOUT ROWID;`,
	`CREATE TABLE reading (source INTEGER PRIMARY KEY, state BLOB NOT NULL, messages INTEGER NOT NULL);
CREATE TABLE left_out (source_row INTEGER PRIMARY KEY, why INTEGER NOT NULL);
CREATE TABLE waiting (source_row INTEGER NOT NULL, target_guid NOT NULL, PRIMARY KEY (source_row, target_guid)) WITHOUT ROWID;`,
	`CREATE TABLE retracted (guid PRIMARY KEY) WITHOUT ROWID`,
	`DROP TABLE reading; DROP TABLE left_out; DROP TABLE waiting;
CREATE TABLE reading (source INTEGER PRIMARY KEY, state BLOB NOT NULL, messages INTEGER NOT NULL, current INTEGER NOT NULL);
CREATE TABLE left_out (source INTEGER NOT NULL, source_row INTEGER NOT NULL, why INTEGER NOT NULL, messages INTEGER NOT NULL, mark INTEGER NOT NULL,
  PRIMARY KEY (source, source_row)) WITHOUT ROWID;
CREATE TABLE waiting (source INTEGER NOT NULL, source_row INTEGER NOT NULL, target_guid NOT NULL, PRIMARY KEY (source, source_row, target_guid)) WITHOUT ROWID;`,
	`CREATE TABLE collected (key TEXT PRIMARY KEY, summary BLOB NOT NULL, messages INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE collected_source (key TEXT NOT NULL, source INTEGER NOT NULL, PRIMARY KEY (key, source)) WITHOUT ROWID;`,
}
