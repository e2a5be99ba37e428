package messages

import (
	"context"
	"database/sql"
	"errors"
)

// PrivacySettings are what the owner wants kept out of the file.
type PrivacySettings struct {
	Secret []byte // key for stand-ins and digests
	Region string // of telephone numbers without a country code
	Kinds  string // of values that are redacted, separated by commas; empty for none
	// Forgotten are the forgotten people, numbered from 1, by the digests of their addresses.
	Forgotten map[string]int64
	// Rules is the version of the rules that all texts went through.
	Rules int
}

// PrivacySettings returns the stored settings, nil if there never were any.
func (db *DB) PrivacySettings(ctx context.Context) (*PrivacySettings, error) {
	p := &PrivacySettings{Forgotten: map[string]int64{}}
	err := db.sql.QueryRowContext(ctx, `SELECT secret, region, kinds, rules FROM care`).Scan(&p.Secret, &p.Region, &p.Kinds, &p.Rules)
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
	_, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO care (one, secret, region, kinds, rules) VALUES (1, ?, ?, ?, ?)`, p.Secret, p.Region, p.Kinds, p.Rules)
	for digest, person := range p.Forgotten {
		if err == nil {
			_, err = tx.ExecContext(ctx, `INSERT OR IGNORE INTO forgotten VALUES (?, ?)`, []byte(digest), person)
		}
	}
	return err
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
