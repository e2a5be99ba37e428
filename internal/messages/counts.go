package messages

import "context"

// Counts is the number of rows of each kind in a database.
type Counts struct {
	Messages  int
	Described int // attachments that have a description
}

// Counts counts the rows of the database.
func (db *DB) Counts(ctx context.Context) (c Counts, err error) {
	const query = `SELECT (SELECT count(*) FROM message m WHERE ` + isShown + `), (SELECT count(*) FROM attachment_descriptions WHERE description <> '')`
	if err := db.sql.QueryRowContext(ctx, query).Scan(&c.Messages, &c.Described); err != nil {
		return c, explain(db.path, err)
	}
	return c, nil
}
