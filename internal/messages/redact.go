package messages

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/mattn/go-sqlite3"

	"ventriloquist/internal/usererr"
)

// redactedColumns are the texts in the file that people wrote, said or saw, and the rows in which they count.
var redactedColumns = []struct{ table, column, rows string }{
	{"message", "text", "kind NOT IN (1, 9, 10)"},
	{"attachment", "transcript", "transcript IS NOT NULL"},
	{"attachment_descriptions", "description", "description IS NOT NULL"},
	{"version", "text", "true"},
	{"event", "text", "text IS NOT NULL"},
	{"chat", "name", "name IS NOT NULL"},
}

// EachText calls visit for all texts that Redact changes.
func (db *DB) EachText(ctx context.Context, visit func(string)) error {
	for _, c := range redactedColumns {
		err := db.each(ctx, fmt.Sprintf(`SELECT %s FROM %s WHERE %s`, c.column, c.table, c.rows), func(rows *sql.Rows) error {
			var text string
			if err := rows.Scan(&text); err != nil {
				return err
			}
			visit(text)
			return ctx.Err()
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Redact replaces every text by the part that text keeps, and stores the settings, in one transaction. It empties the
// training tables, which hold the original texts. Nothing of the old texts stays in the free pages of the file.
func (db *DB) Redact(ctx context.Context, settings *PrivacySettings, text func(string) string) error {
	return db.erase(ctx, text, func(tx *sql.Tx) error {
		if err := savePrivacySettings(ctx, tx, settings); err != nil {
			return err
		}
		return redactTables(ctx, tx)
	})
}

// RedactDescriptions redacts the descriptions added to attachments since.
func (db *DB) RedactDescriptions(ctx context.Context, text func(string) string) error {
	conn, err := db.sql.Conn(ctx)
	if err != nil {
		return explain(db.path, err)
	}
	defer conn.Close()
	if err = register(conn, text); err == nil {
		_, err = conn.ExecContext(ctx, `UPDATE attachment_descriptions SET description = redact(description)
			WHERE description IS NOT NULL AND redact(description) <> description`)
	}
	if err != nil {
		return explain(db.path, err)
	}
	return nil
}

// register registers text as the SQL function redact of a connection.
func register(conn *sql.Conn, text func(string) string) error {
	return conn.Raw(func(driver any) error { return driver.(*sqlite3.SQLiteConn).RegisterFunc("redact", text, true) })
}

// fileName is the last element of attachment.path: what remains without the part up to the last slash.
const fileName = `replace(path, rtrim(path, replace(path, '/', '')), '')`

// redactTables uses the SQL function redact. It drops the place of a file whose name changes.
func redactTables(ctx context.Context, tx *sql.Tx) error {
	steps := []string{fmt.Sprintf(`UPDATE attachment SET root = NULL, path = NULL WHERE path IS NOT NULL AND (redact(%s) <> %[1]s OR
		message IN (SELECT id FROM message WHERE kind BETWEEN 2 AND 8 AND redact(text) <> text))`, fileName)}
	for _, c := range redactedColumns {
		steps = append(steps, fmt.Sprintf(`UPDATE %s SET %s = redact(%[2]s) WHERE %s AND redact(%[2]s) <> %[2]s`, c.table, c.column, c.rows))
	}
	for _, step := range steps {
		if _, err := tx.ExecContext(ctx, step); err != nil {
			return err
		}
	}
	return nil
}

// erase makes a change and leaves nothing of the removed data in the file. The SQL function redact is text, and the
// training tables are empty.
func (db *DB) erase(ctx context.Context, text func(string) string, change func(*sql.Tx) error) error {
	conn, err := db.sql.Conn(ctx) // the settings and the function belong to one connection
	if err != nil {
		return explain(db.path, err)
	}
	defer conn.Close()
	if err = register(conn, text); err == nil {
		db.sql.SetMaxIdleConns(0) // others of this process would keep a write-ahead log in use
		_, err = conn.ExecContext(ctx, `PRAGMA journal_mode = DELETE; PRAGMA secure_delete = ON`)
	}
	if IsBusy(err) {
		// The folder is locked: no vqctl writes. Old pages would stay for those who read.
		return usererr.With(fmt.Errorf("%s: another program has it open, so nothing was changed", db.path), "stop training, chat and other programs that read the file, and run the command again")
	}
	if err == nil {
		err = inTransaction(ctx, conn, func(tx *sql.Tx) error {
			if err := change(tx); err != nil {
				return err
			}
			_, err := tx.ExecContext(ctx, `DELETE FROM training_run; DELETE FROM training_messages; DELETE FROM training_conversations;`+forgetSummaries)
			return err
		})
	}
	if err == nil {
		_, err = conn.ExecContext(ctx, `VACUUM`)
	}
	if err != nil {
		return explain(db.path, err)
	}
	return nil
}
