package messages

import (
	"context"
	"database/sql"
)

// OwnAddress is an address that a source attributes to the owner.
type OwnAddress struct {
	Address  string
	Place    string // where the source states it
	Messages int64  // how many messages state it, 0 where something else does
}

// SamePerson records that a source attributes an address to a person. All addresses of one person have the same key, which may
// be one of them: then whoever has that address has the others, too.
type SamePerson struct{ Address, Person string }

// KeepIdentities adds to the known addresses of the owner and the known addresses of each person.
func (db *DB) KeepIdentities(ctx context.Context, own []OwnAddress, same []SamePerson) error {
	tx, err := db.sql.BeginTx(ctx, nil)
	if err != nil {
		return explain(db.path, err)
	}
	defer tx.Rollback()
	for _, o := range own {
		_, err := tx.ExecContext(ctx, `INSERT INTO own_address VALUES (?, ?, ?) ON CONFLICT (address) DO UPDATE
			SET messages = max(messages, excluded.messages)`, o.Address, o.Place, o.Messages)
		if err != nil {
			return explain(db.path, err)
		}
	}
	for _, s := range same {
		if db.policy != nil && (db.policy.StandIn(s.Address) != "" || db.policy.StandIn(s.Person) != "") {
			continue
		}
		if _, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO address_person VALUES (?, ?)`, s.Address, s.Person); err != nil {
			return explain(db.path, err)
		}
	}
	if err := tx.Commit(); err != nil {
		return explain(db.path, err)
	}
	return nil
}

// OwnAddresses returns the addresses that sources attribute to the owner, the one most messages state first.
func (db *DB) OwnAddresses(ctx context.Context) ([]OwnAddress, error) {
	var list []OwnAddress
	err := db.each(ctx, `SELECT address, place, messages FROM own_address ORDER BY messages DESC, address`, func(rows *sql.Rows) error {
		var o OwnAddress
		err := rows.Scan(&o.Address, &o.Place, &o.Messages)
		list = append(list, o)
		return err
	})
	return list, err
}

// SamePersons returns the addresses that sources attribute to a person.
func (db *DB) SamePersons(ctx context.Context) ([]SamePerson, error) {
	var list []SamePerson
	err := db.each(ctx, `SELECT address, person FROM address_person ORDER BY address`, func(rows *sql.Rows) error {
		var s SamePerson
		err := rows.Scan(&s.Address, &s.Person)
		list = append(list, s)
		return err
	})
	return list, err
}
