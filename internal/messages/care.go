package messages

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"path"
	"slices"
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

// keeper applies a policy.
type keeper struct {
	policy   *Policy           // nil if nothing is kept out
	standIns map[string]string // by address
}

func newKeeper(p *Policy) keeper { return keeper{p, map[string]string{}} }

// standIn is who was forgotten of an address, "" for everybody else.
func (k *keeper) standIn(address string) string {
	if k.policy == nil || address == Owner {
		return ""
	}
	name, known := k.standIns[address]
	if !known {
		name = k.policy.StandIn(address)
		k.standIns[address] = name
	}
	return name
}

// onlyForgotten tells whether everybody who is there was forgotten.
func (k *keeper) onlyForgotten(members []Member) bool {
	some := false
	for _, m := range members {
		switch {
		case m.Absent || m.Address == Owner:
		case k.standIn(m.Address) == "":
			return false
		default:
			some = true
		}
	}
	return some
}

// redacted is an entry with what is kept of its texts. Where a file has a name of which not all is kept, its place is not
// kept either.
func (k *keeper) redacted(e *Entry) *Entry {
	if k.policy == nil || e.Kind == Reaction {
		return e
	}
	kept := *e
	kept.Text, kept.Transcript = k.policy.Text(e.Text), k.policy.Text(e.Transcript)
	if name := path.Base(e.File.Path); kept.Text != e.Text || k.policy.Text(name) != name {
		kept.File = FilePlace{}
	}
	return &kept
}

// keepEvent redacts an event, and tells whether it is kept: not that of somebody who was forgotten.
func (k *keeper) keepEvent(e *Event) bool {
	if k.policy == nil {
		return true
	}
	e.Text = k.policy.Text(e.Text)
	return k.standIn(e.Actor) == "" && k.standIn(e.Subject) == ""
}

// keepVersion redacts a version.
func (k *keeper) keepVersion(v *Version) {
	if k.policy != nil {
		v.Text = k.policy.Text(v.Text)
	}
}

// forgottenRow is a row that stays out because of somebody who was forgotten.
type forgottenRow struct{ source, row, why, messages, mark int64 }

// isForgotten tells whether an entry is from somebody who was forgotten, or from a conversation with nobody else.
func (w *Writer) isForgotten(e *Entry) bool {
	return w.policy != nil && (w.standIn(e.Sender) != "" || e.Conversation > 0 && w.rosters[e.Conversation-1].forgotten)
}

// forget notes that an entry stays out.
func (w *Writer) forget(e *Entry) {
	f := w.forgottenRows[e.GUID]
	if f == nil {
		f = &forgottenRow{source: e.Source, row: e.Row, why: forgottenWhy(e), mark: markOf(e.Date, e.Sender)}
		w.forgottenRows[e.GUID] = f
	}
	if !e.Removal {
		f.messages++
		w.forgottenMessages++
	}
}

// keepFacts leaves out the events and versions of who was forgotten, and redacts the rest.
func (w *Writer) keepFacts() {
	w.events = slices.DeleteFunc(w.events, func(e Event) bool { return w.standIn(e.Actor) != "" || w.standIn(e.Subject) != "" })
	w.versions = slices.DeleteFunc(w.versions, func(v Version) bool { return w.forgottenRows[v.GUID] != nil })
	for i := range w.events {
		w.keepEvent(&w.events[i])
	}
	for i := range w.versions {
		w.keepVersion(&w.versions[i])
	}
}

// kept is what a row tells with what the policy keeps of it.
func (k *keeper) kept(t *Told) {
	if k.policy == nil {
		return
	}
	if t.Event != nil {
		e := *t.Event
		if t.Event = &e; !k.keepEvent(&e) {
			t.Event = nil
		}
	}
	if len(t.Entries) > 0 && (k.standIn(t.Entries[0].Sender) != "" || k.onlyForgotten(t.Members)) {
		t.forgotten = forgottenWhy(&t.Entries[0])
		if t.forgotten != ForgottenRemoval {
			t.messages = int64(len(t.Entries))
		}
		t.Entries, t.Versions = nil, nil
	}
	t.Members = slices.Clone(t.Members)
	for i := range t.Members {
		t.Members[i].Address = cmp.Or(k.standIn(t.Members[i].Address), t.Members[i].Address)
	}
	t.Entries = slices.Clone(t.Entries)
	for i := range t.Entries {
		t.Entries[i] = *k.redacted(&t.Entries[i])
	}
	t.Versions = slices.Clone(t.Versions)
	for i := range t.Versions {
		k.keepVersion(&t.Versions[i])
	}
}
