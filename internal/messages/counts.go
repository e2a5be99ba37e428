package messages

import "context"

// Outcome counts what is in the file after a collect.
type Outcome struct {
	Messages      int64 // messages that are shown, of all sources
	Conversations int64
	// LostReactions and LostRemovals count rows of the collected sources whose target is missing.
	LostReactions, LostRemovals int64
	// Gone is how many rows no source has any longer. Kept reports whether they were kept.
	Gone int64
	Kept bool
	// Forgotten is how many messages stayed out because their sender was forgotten.
	Forgotten int64
	// Moved is how many unchanged rows now belong to another conversation because the participants changed.
	Moved int64
}

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
