package addressbook

import (
	"context"
	"database/sql"
	"strings"
)

// book is the cards of a database by row id.
type book struct {
	order  []int64
	people map[int64]*Card
}

// readPeople reads rows of id, first name, last name, nickname, company, link, and whether it is the owner's card.
func readPeople(ctx context.Context, db *sql.DB, query string) (*book, error) {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	b := &book{people: make(map[int64]*Card)}
	for rows.Next() {
		var id int64
		var first, last, nickname, company string
		var c Card
		if err := rows.Scan(&id, &first, &last, &nickname, &company, &c.Link, &c.Me); err != nil {
			return nil, err
		}
		c.Name = nameOf(first, last, nickname, company)
		b.people[id] = &c
		b.order = append(b.order, id)
	}
	return b, rows.Err()
}

// readAddresses reads rows of a person's id and an address.
func (b *book) readAddresses(ctx context.Context, db *sql.DB, query string) error {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var address string
		if err := rows.Scan(&id, &address); err != nil {
			return err
		}
		if c := b.people[id]; c != nil && strings.TrimSpace(address) != "" {
			c.Addresses = append(c.Addresses, address)
		}
	}
	return rows.Err()
}

// cards returns the cards with an address and either a name or the owner's mark.
func (b *book) cards() []Card {
	var list []Card
	for _, id := range b.order {
		if c := b.people[id]; len(c.Addresses) > 0 && (c.Name != "" || c.Me) {
			list = append(list, *c)
		}
	}
	return list
}
