package addressbook

import (
	"context"
	"database/sql"
	"fmt"
)

// The values of ABMultiValue.property that are addresses of messages.
const (
	phoneProperty = 3
	emailProperty = 4
)

// readPhone reads the tables of an iPhone. PersonLink is -1 for a card that is not linked to another.
func readPhone(ctx context.Context, db *sql.DB, tables map[string]map[string]bool) ([]Card, error) {
	people := tables["ABPerson"]
	me, link := "0", "''"
	if tables["ABStore"]["MeIdentifier"] {
		me = "ROWID IN (SELECT MeIdentifier FROM ABStore)"
	}
	if people["PersonLink"] {
		link = "iif(PersonLink >= 0, CAST(PersonLink AS TEXT), '')"
	}
	query := fmt.Sprintf(`SELECT ROWID, %s, %s, %s, %s, %s, %s FROM ABPerson ORDER BY ROWID`, column(people, "First"),
		column(people, "Last"), column(people, "Nickname"), column(people, "Organization"), link, me)
	b, err := readPeople(ctx, db, query)
	if err != nil {
		return nil, err
	}
	err = b.readAddresses(ctx, db, fmt.Sprintf(`SELECT record_id, coalesce(CAST(value AS TEXT), '') FROM ABMultiValue
		WHERE property IN (%d, %d) AND record_id IS NOT NULL ORDER BY property, ROWID`, phoneProperty, emailProperty))
	if err != nil {
		return nil, err
	}
	return b.cards(), nil
}
