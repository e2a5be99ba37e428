package messages

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"ventriloquist/internal/usererr"
)

// migrate brings the schema of a file up to date, in one transaction. It creates the schema in a new file.
func (db *DB) migrate(ctx context.Context) error {
	found, err := db.foundVersion(ctx)
	if err != nil {
		return err
	}
	if found == version() {
		return nil
	}
	conn, err := db.sql.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	return inTransaction(ctx, conn, func(tx *sql.Tx) error {
		var err error
		switch {
		case found == 0:
			err = createTables(ctx, tx)
		case found < base:
			err = convertFormer(ctx, conn, tx, db.path, found)
		default:
			err = upgrade(ctx, tx, found)
		}
		if err == nil {
			_, err = tx.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", applicationID, version()))
		}
		return err
	})
}

// foundVersion returns the version of the file's schema, 0 for a new file, or an error if this program cannot read it.
func (db *DB) foundVersion(ctx context.Context) (int, error) {
	var found, application, tables int
	row := db.sql.QueryRowContext(ctx, `SELECT (SELECT user_version FROM pragma_user_version),
		(SELECT application_id FROM pragma_application_id), (SELECT count(*) FROM sqlite_master)`)
	if err := row.Scan(&found, &application, &tables); err != nil {
		return 0, err
	}
	if tables > 0 && application != applicationID {
		return 0, usererr.With(errors.New("it is a database of another program"), "name another folder with %v", usererr.Option("data_dir"))
	}
	if found > version() {
		return 0, usererr.With(fmt.Errorf("it has version %d, this program knows %d", found, version()), "use a newer vqctl")
	}
	return found, nil
}
