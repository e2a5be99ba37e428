// Package signaltest writes the folder of Signal Desktop, for tests.
//
// In: statements of a test. Out: a folder with an encrypted database that has Signal's tables. It must not know how they are read.
package signaltest

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"

	"ventriloquist/internal/sources/sqlcipher/sqlciphertest"
)

// Latest is the part of the tables that is read, as Signal of 2025 creates them.
const Latest = `
CREATE TABLE items (id STRING PRIMARY KEY ASC, json TEXT);
CREATE TABLE conversations (id STRING PRIMARY KEY ASC, json TEXT, active_at INTEGER, type STRING, members TEXT, name TEXT, profileName TEXT, profileFamilyName TEXT, profileFullName TEXT,
  e164 TEXT, serviceId TEXT, groupId TEXT, profileLastFetchedAt INTEGER, expireTimerVersion INTEGER NOT NULL DEFAULT 1);
CREATE TABLE messages (rowid INTEGER PRIMARY KEY ASC, id STRING UNIQUE, json TEXT, readStatus INTEGER, expires_at INTEGER, sent_at INTEGER, schemaVersion INTEGER, conversationId STRING,
  received_at INTEGER, hasAttachments INTEGER, hasFileAttachments INTEGER, hasVisualMediaAttachments INTEGER, expireTimer INTEGER, expirationStartTimestamp INTEGER, type STRING, body TEXT,
  isErased INTEGER, isViewOnce INTEGER, sourceServiceId TEXT, serverGuid STRING NULL, sourceDevice INTEGER, storyId STRING, isStory INTEGER GENERATED ALWAYS AS (type IS 'story'),
  seenStatus NUMBER DEFAULT 0, timestamp INTEGER, received_at_ms INTEGER, unidentifiedDeliveryReceived INTEGER, serverTimestamp INTEGER, source TEXT);
CREATE TABLE edited_messages (messageId STRING REFERENCES messages(id) ON DELETE CASCADE, sentAt INTEGER, readStatus INTEGER, conversationId STRING);
CREATE TABLE message_attachments (messageId TEXT NOT NULL REFERENCES messages(id) ON DELETE CASCADE, editHistoryIndex INTEGER NOT NULL, attachmentType TEXT NOT NULL,
  orderInMessage INTEGER NOT NULL, conversationId TEXT NOT NULL, sentAt INTEGER NOT NULL, clientUuid TEXT, size INTEGER NOT NULL, contentType TEXT NOT NULL, path TEXT, plaintextHash TEXT,
  localKey TEXT, caption TEXT, fileName TEXT, version INTEGER, PRIMARY KEY (messageId, editHistoryIndex, attachmentType, orderInMessage)) STRICT;
`

// Of2022 has senders by the columns sourceUuid and source, and attachments in the JSON.
const Of2022 = `
CREATE TABLE items (id STRING PRIMARY KEY ASC, json TEXT);
CREATE TABLE conversations (id STRING PRIMARY KEY ASC, json TEXT, active_at INTEGER, type STRING, members TEXT, name TEXT, profileName TEXT, profileFamilyName TEXT, profileFullName TEXT,
  e164 TEXT, uuid TEXT, groupId TEXT, profileLastFetchedAt INTEGER);
CREATE TABLE messages (rowid INTEGER PRIMARY KEY ASC, id STRING UNIQUE, json TEXT, readStatus INTEGER, expires_at INTEGER, sent_at INTEGER, schemaVersion INTEGER, conversationId STRING,
  received_at INTEGER, source STRING, hasAttachments INTEGER, type STRING, body TEXT, sourceUuid STRING, serverGuid STRING, sourceDevice INTEGER, storyId STRING);
`

// Of2020 knows people by their numbers alone, whose plus sign its columns lose.
const Of2020 = `
CREATE TABLE items (id STRING PRIMARY KEY ASC, json TEXT);
CREATE TABLE conversations (id STRING PRIMARY KEY ASC, json TEXT, active_at INTEGER, type STRING, members TEXT, name TEXT, profileName TEXT, profileFamilyName TEXT, profileFullName TEXT);
CREATE TABLE messages (id STRING PRIMARY KEY ASC, json TEXT, unread INTEGER, expires_at INTEGER, sent_at INTEGER, schemaVersion INTEGER, conversationId STRING, received_at INTEGER,
  source STRING, sourceDevice STRING, hasAttachments INTEGER, type STRING, body TEXT);
`

// Write writes Signal's folder with these tables and rows; changes, if not empty, go into the -wal file. The key is in config.json.
func Write(t testing.TB, tables, rows, changes string) (folder string) {
	t.Helper()
	folder = filepath.Join(t.TempDir(), "Signal")
	if err := os.MkdirAll(filepath.Join(folder, "sql"), 0o700); err != nil {
		t.Fatal(err)
	}
	sqlciphertest.Write(t, filepath.Join(folder, "sql", "db.sqlite"), tables+rows, changes)
	Config(t, folder, `{"key": "`+hex.EncodeToString(sqlciphertest.Key)+`", "mediaPermissions": true}`)
	return folder
}

// Config writes the config.json of a folder.
func Config(t testing.TB, folder, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, "config.json"), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
