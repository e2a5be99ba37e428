package main

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	_ "github.com/mattn/go-sqlite3" // the driver

	"ventriloquist/internal/sources/signal/signaltest"
	"ventriloquist/internal/sources/sqlcipher/sqlciphertest"
	"ventriloquist/internal/sources/whatsappdb/whatsappdbtest"
)

// folders are the histories that are databases, or folders of several files.
var folders = []history{
	{"whatsapp-db", "msgstore.db", writeWhatsApp},
	{"signal", "signal", writeSignal},
	{"slack", "slack", writeSlack},
	{"google-chat", "takeout", writeGoogleChat},
}

// writeWhatsApp writes the database of WhatsApp on Android.
func writeWhatsApp(path string) error {
	return writeDatabase(path, nil, whatsappdbtest.Android+`INSERT INTO jid (_id, user, server, raw_string) VALUES (1, '15550000001', 's.whatsapp.net', '15550000001@s.whatsapp.net');
		INSERT INTO chat (_id, jid_row_id) VALUES (1, 1);`,
		`INSERT INTO message (chat_row_id, from_me, key_id, timestamp, message_type, text_data) VALUES (1, ?, ?, ?, 0, ?)`,
		func(i int, at time.Time, mine bool, text string) []any {
			return []any{mine, fmt.Sprintf("3EB0%016X", i), at.UnixMilli(), text}
		})
}

// writeSignal writes the folder of Signal Desktop, whose database is encrypted.
func writeSignal(path string) error {
	plain, database := filepath.Join(path, "plain.db"), filepath.Join(path, "sql", "db.sqlite")
	config := `{"key": "` + hex.EncodeToString(sqlciphertest.Key) + `"}`
	if err := writeFiles(path, map[string]string{"config.json": config, "sql/db.sqlite": ""}); err != nil {
		return err
	}
	err := writeDatabase(plain, sqlciphertest.Reserve, signaltest.Latest+`INSERT INTO items VALUES ('uuid_id', '{"id":"uuid_id","value":"aaaa-0.2"}');
		INSERT INTO conversations (id, type, e164, serviceId, profileFullName, json) VALUES ('c-john', 'private', '+15550000001', 'aaaa-1', 'John', '{"id":"c-john","profileName":"John"}');`,
		`INSERT INTO messages (id, conversationId, type, sent_at, received_at_ms, sourceServiceId, body, json) VALUES (?, 'c-john', ?, ?, ?, ?, ?, ?)`,
		func(i int, at time.Time, mine bool, text string) []any {
			id, kind, sender := fmt.Sprintf("4e1ab31c-0000-4000-8000-%012x", i), choose(mine, "outgoing", "incoming"), choose(mine, "aaaa-0", "aaaa-1")
			json := fmt.Sprintf(`{"id":%q,"conversationId":"c-john","type":%q,"sent_at":%d,"timestamp":%d,"body":%q,"attachments":[],"bodyRanges":[],"schemaVersion":14,"readStatus":0,"seenStatus":2}`,
				id, kind, at.UnixMilli(), at.UnixMilli(), text)
			return []any{id, kind, at.UnixMilli(), at.UnixMilli() + 500, sender, text, json}
		})
	if err != nil {
		return err
	}
	content, err := os.ReadFile(plain)
	if err != nil {
		return err
	}
	return errors.Join(os.WriteFile(database, sqlciphertest.Encrypt(content), 0o600), os.Remove(plain))
}

// writeDatabase writes a database with these tables, and a row for each message. prepare, if not nil, changes the empty database.
func writeDatabase(path string, prepare func(context.Context, *sql.DB) error, tables, insert string, row func(i int, at time.Time, mine bool, text string) []any) (err error) {
	if err := os.RemoveAll(path); err != nil {
		return err
	}
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	if prepare != nil {
		if err := prepare(context.Background(), db); err != nil {
			return err
		}
	}
	if _, err := db.Exec(tables); err != nil {
		return err
	}
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	statement, err := tx.Prepare(insert)
	if err != nil {
		return errors.Join(err, tx.Rollback())
	}
	err = eachMessage(func(i int, at time.Time, mine bool, text string) error {
		_, err := statement.Exec(row(i, at, mine, text)...)
		return err
	})
	if err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// writeSlack writes an export of a workspace.
func writeSlack(path string) error {
	err := writeFiles(path, map[string]string{
		"users.json":    `[{"id": "U1", "name": "me", "profile": {"real_name": "Me"}}, {"id": "U2", "name": "john", "profile": {"real_name": "John"}}]`,
		"channels.json": `[]`,
		"dms.json":      `[{"id": "D1", "created": 1, "members": ["U1", "U2"]}]`,
	})
	if err != nil {
		return err
	}
	return writeExport(filepath.Join(path, "D1", "2020-09-13.json"), "[\n", "    {\"type\": \"message\", \"subtype\": \"channel_join\", \"user\": \"U2\", \"ts\": \"1500000000.000100\"}\n]\n", func(_ int, at time.Time, mine bool, text string) string {
		return fmt.Sprintf("    {\n        \"user\": %q,\n        \"type\": \"message\",\n        \"ts\": \"%d.000100\",\n        \"client_msg_id\": \"x\",\n        \"text\": %q,\n        \"team\": \"T1\",\n        \"blocks\": [{\"type\": \"rich_text\", \"block_id\": \"b\", \"elements\": [{\"type\": \"rich_text_section\", \"elements\": [{\"type\": \"text\", \"text\": %q}]}]}]\n    },\n",
			choose(mine, "U1", "U2"), at.Unix(), text, text)
	})
}

// writeGoogleChat writes a Google Takeout.
func writeGoogleChat(path string) error {
	me, john := `{"name": "Me", "email": "me@example.org", "user_type": "Human"}`, `{"name": "John", "email": "john@example.org", "user_type": "Human"}`
	err := writeFiles(path, map[string]string{
		"Google Chat/Users/User 100/user_info.json": `{"user": ` + me + `}`,
		"Google Chat/Groups/DM a/group_info.json":   `{"members": [` + me + `, ` + john + `]}`,
	})
	if err != nil {
		return err
	}
	return writeExport(filepath.Join(path, "Google Chat", "Groups", "DM a", "messages.json"), "{\n  \"messages\": [\n", "    {\"message_state\": \"DELETED\", \"creator\": "+john+", \"created_date\": \"Sunday, September 13, 2020 at 12:26:40 PM UTC\", \"message_id\": \"a/d/d\"}\n  ]\n}\n", func(i int, at time.Time, mine bool, text string) string {
		return fmt.Sprintf("    {\n      \"creator\": %s,\n      \"created_date\": %q,\n      \"text\": %q,\n      \"topic_id\": \"t%d\",\n      \"message_id\": \"a/t%d/t%d\"\n    },\n",
			choose(mine, me, john), at.Format("Monday, January 2, 2006 at 3:04:05 PM UTC"), text, i, i, i)
	})
}

// writeFiles writes files into a folder.
func writeFiles(folder string, files map[string]string) error {
	for name, content := range files {
		path := filepath.Join(folder, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o600)); err != nil {
			return err
		}
	}
	return nil
}
