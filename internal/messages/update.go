package messages

import (
	"context"
	"database/sql"
)

// Update runs change in one transaction of conn, which is kept only if change returns nil. The reader reads what the file held
// before, for people as identity defines them (see [DB.Reader]); it may be used while another goroutine writes.
func (db *DB) Update(ctx context.Context, identity func(address string) string, change func(conn *sql.Conn, reader *Reader) error) error {
	conn, err := db.sql.Conn(ctx)
	if err != nil {
		return explain(db.path, err)
	}
	defer giveBack(conn)
	if err := db.share(ctx, conn); err != nil {
		return explain(db.path, err)
	}
	reads := conn
	if db.shared { // else a reader would keep the writer from the file
		if reads, err = db.sql.Conn(ctx); err != nil { // before there is a transaction: the settings of a new file write to it
			return explain(db.path, err)
		}
		defer giveBack(reads)
	}
	tx, err := begin(ctx, conn)
	if err != nil {
		return explain(db.path, err)
	}
	defer tx.Rollback()
	if _, err := conn.ExecContext(ctx, takeLock); err != nil {
		return explain(db.path, err)
	}
	reader, err := db.reader(ctx, reads, identity)
	if err != nil {
		return err
	}
	if err := change(conn, reader); err != nil {
		return err
	}
	if err = ctx.Err(); err == nil {
		err = tx.Commit()
	}
	if err == nil {
		err = db.settle(ctx, conn)
	}
	if err != nil {
		return explain(db.path, err)
	}
	return nil
}

// giveBack ends the use of a connection, with the memory that it took.
func giveBack(conn *sql.Conn) {
	_, _ = conn.ExecContext(context.Background(), `PRAGMA mmap_size = 0; PRAGMA shrink_memory`) // memory is all that is lost
	conn.Close()
}
