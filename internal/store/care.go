package store

import (
	"context"
	"database/sql"
	"errors"
	"path"
)

// careTables keep what is to stay out of the file whatever its sources hold. Of who was forgotten only digests are kept.
const careTables = `
CREATE TABLE care (one INTEGER PRIMARY KEY CHECK (one = 1), secret BLOB NOT NULL, region TEXT NOT NULL, kinds TEXT NOT NULL);
CREATE TABLE forgotten (digest BLOB PRIMARY KEY, person INTEGER NOT NULL) WITHOUT ROWID;
`

// Care is what the owner asked to keep out of the file.
type Care struct {
	Secret []byte // of stand-ins and digests
	Region string // of telephone numbers without a country code
	Kinds  string // of values that are redacted, separated by commas; empty for none
	// Forgotten are the people who were forgotten, numbered from 1, by the digests of their addresses.
	Forgotten map[string]int64
}

// Care returns what was asked for, nil if nothing ever was.
func (db *DB) Care(ctx context.Context) (*Care, error) {
	c := &Care{Forgotten: map[string]int64{}}
	err := db.sql.QueryRowContext(ctx, `SELECT secret, region, kinds FROM care`).Scan(&c.Secret, &c.Region, &c.Kinds)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, explain(db.path, err)
	}
	err = db.each(ctx, `SELECT digest, person FROM forgotten`, func(rows *sql.Rows) error {
		var digest []byte
		var person int64
		err := rows.Scan(&digest, &person)
		c.Forgotten[string(digest)] = person
		return err
	})
	return c, err
}

// saveCare writes what is asked for.
func saveCare(ctx context.Context, tx *sql.Tx, c *Care) error {
	_, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO care VALUES (1, ?, ?, ?)`, c.Secret, c.Region, c.Kinds)
	for digest, person := range c.Forgotten {
		if err == nil {
			_, err = tx.ExecContext(ctx, `INSERT OR IGNORE INTO forgotten VALUES (?, ?)`, []byte(digest), person)
		}
	}
	return err
}

// Policy keeps things out of what is written.
type Policy struct {
	// Text is what is kept of a text.
	Text func(string) string
	// StandIn is what the person of an address is called who was forgotten; "" for everybody else.
	StandIn func(address string) string
}

// SetPolicy is for the Care of the file: Replace refuses to write without it where there is any.
func (db *DB) SetPolicy(p *Policy) { db.policy = p }

// checkPolicy is whether the policy that the file asks for is set.
func (db *DB) checkPolicy(ctx context.Context) error {
	var asked bool
	if err := db.sql.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM care)`).Scan(&asked); err != nil {
		return err
	}
	if asked && db.policy == nil {
		return errors.New("it keeps redacted or forgotten things out, and is written without knowing which")
	}
	return nil
}

// standIn is who was forgotten of an address, "" for everybody else.
func (w *Writer) standIn(address string) string {
	if w.policy == nil || address == Owner {
		return ""
	}
	name, known := w.standIns[address]
	if !known {
		name = w.policy.StandIn(address)
		w.standIns[address] = name
	}
	return name
}

// onlyForgotten tells whether everybody who is there was forgotten.
func (w *Writer) onlyForgotten(members []Member) bool {
	some := false
	for _, m := range members {
		switch {
		case m.Absent || m.Address == Owner:
		case w.standIn(m.Address) == "":
			return false
		default:
			some = true
		}
	}
	return some
}

// isForgotten tells whether an entry is from somebody who was forgotten, or from a conversation with nobody else.
func (w *Writer) isForgotten(e *Entry) bool {
	return w.policy != nil && (w.standIn(e.Sender) != "" || e.Conversation > 0 && w.rosters[e.Conversation-1].forgotten)
}

// forget notes that an entry stays out.
func (w *Writer) forget(e *Entry) {
	if !e.Removal {
		w.forgottenMessages++
	}
	w.forgottenRows[e.GUID] = struct{}{}
}

// redacted is an entry with what is kept of its texts. Where a file has a name of which not all is kept, its place is not
// kept either.
func (w *Writer) redacted(e *Entry) *Entry {
	if w.policy == nil || e.Kind == Reaction {
		return e
	}
	kept := *e
	kept.Text, kept.Transcript = w.policy.Text(e.Text), w.policy.Text(e.Transcript)
	if name := path.Base(e.File.Path); kept.Text != e.Text || w.policy.Text(name) != name {
		kept.File = FilePlace{}
	}
	return &kept
}

// keepFacts leaves out the events and versions of who was forgotten, and redacts the rest.
func (w *Writer) keepFacts() {
	if w.policy == nil {
		return
	}
	events := w.events[:0]
	for _, e := range w.events {
		if w.standIn(e.Actor) == "" && w.standIn(e.Subject) == "" {
			e.Text = w.policy.Text(e.Text)
			events = append(events, e)
		}
	}
	w.events = events
	versions := w.versions[:0]
	for _, v := range w.versions {
		if _, gone := w.forgottenRows[v.GUID]; !gone {
			v.Text = w.policy.Text(v.Text)
			versions = append(versions, v)
		}
	}
	w.versions = versions
}
