package messages

import (
	"context"
	"database/sql"
	"errors"
	"path"
)

// PrivacySettings are what the owner wants kept out of the file.
type PrivacySettings struct {
	Secret []byte // key for stand-ins and digests
	Region string // of telephone numbers without a country code
	Kinds  string // of values that are redacted, separated by commas; empty for none
	// Forgotten are the forgotten people, numbered from 1, by the digests of their addresses.
	Forgotten map[string]int64
}

// PrivacySettings returns the stored settings, nil if there never were any.
func (db *DB) PrivacySettings(ctx context.Context) (*PrivacySettings, error) {
	p := &PrivacySettings{Forgotten: map[string]int64{}}
	err := db.sql.QueryRowContext(ctx, `SELECT secret, region, kinds FROM care`).Scan(&p.Secret, &p.Region, &p.Kinds)
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
		p.Forgotten[string(digest)] = person
		return err
	})
	return p, err
}

// savePrivacySettings stores the settings.
func savePrivacySettings(ctx context.Context, tx *sql.Tx, p *PrivacySettings) error {
	_, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO care VALUES (1, ?, ?, ?)`, p.Secret, p.Region, p.Kinds)
	for digest, person := range p.Forgotten {
		if err == nil {
			_, err = tx.ExecContext(ctx, `INSERT OR IGNORE INTO forgotten VALUES (?, ?)`, []byte(digest), person)
		}
	}
	return err
}

// Policy decides what is kept out of the file.
type Policy struct {
	// Text returns the part of a text that is kept.
	Text func(string) string
	// StandIn returns the stand-in for a forgotten person's address, "" for any other address.
	StandIn func(address string) string
}

// SetPolicy sets the policy that the file's PrivacySettings ask for. Collect refuses to write without one where there are any.
func (db *DB) SetPolicy(p *Policy) { db.policy = p }

// checkPolicy reports an error unless the policy that the file asks for is set.
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

// policyFilter applies a policy.
type policyFilter struct {
	policy   *Policy           // nil if nothing is kept out
	standIns map[string]string // by address
}

func newPolicyFilter(p *Policy) policyFilter { return policyFilter{p, map[string]string{}} }

// standIn returns the stand-in for a forgotten person's address, "" for any other address.
func (f *policyFilter) standIn(address string) string {
	if f.policy == nil || address == Owner {
		return ""
	}
	name, known := f.standIns[address]
	if !known {
		name = f.policy.StandIn(address)
		f.standIns[address] = name
	}
	return name
}

// text returns the part of a text that is kept.
func (f *policyFilter) text(s string) string {
	if f.policy == nil {
		return s
	}
	return f.policy.Text(s)
}

// redacted returns a part with its texts redacted. If a file's name is redacted, its place is dropped too.
func (f *policyFilter) redacted(p *Part) *Part {
	if f.policy == nil || p.Kind == Reaction {
		return p
	}
	redacted := *p
	redacted.Text, redacted.Transcript = f.text(p.Text), f.text(p.Transcript)
	if name := path.Base(p.File.Path); redacted.Text != p.Text || f.text(name) != name {
		redacted.File = FilePlace{}
	}
	return &redacted
}

// keepEvent redacts an event, and reports whether to keep it: an event of a forgotten person is dropped.
func (f *policyFilter) keepEvent(e *Event) bool {
	e.Text = f.text(e.Text)
	return f.standIn(e.Actor) == "" && f.standIn(e.Subject) == ""
}

// KeepsOut reports whether a policy keeps anything out.
func (t *Tx) KeepsOut() bool { return t.policy != nil }
