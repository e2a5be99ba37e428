package addressbook

import (
	"context"
	"database/sql"
	"fmt"
)

// readMac reads the Core Data tables of a Mac. ZABCDRECORD also holds groups and accounts; these have no addresses, and so
// make no cards.
func readMac(ctx context.Context, db *sql.DB, tables map[string]map[string]bool) ([]Card, error) {
	records := tables["ZABCDRECORD"]
	me := "0"
	if records["ZCONTAINERWHERECONTACTISME"] {
		me = "ZCONTAINERWHERECONTACTISME IS NOT NULL"
	}
	query := fmt.Sprintf(`SELECT Z_PK, %s, %s, %s, %s, %s, %s FROM ZABCDRECORD ORDER BY Z_PK`, column(records, "ZFIRSTNAME"),
		column(records, "ZLASTNAME"), column(records, "ZNICKNAME"), column(records, "ZORGANIZATION"), column(records, "ZLINKID"), me)
	b, err := readPeople(ctx, db, query)
	if err != nil {
		return nil, err
	}
	for _, t := range []struct{ table, column string }{{"ZABCDPHONENUMBER", "ZFULLNUMBER"}, {"ZABCDEMAILADDRESS", "ZADDRESS"}} {
		if columns := tables[t.table]; columns["ZOWNER"] && columns[t.column] {
			order := "Z_PK"
			if columns["ZORDERINGINDEX"] {
				order = "ZORDERINGINDEX, Z_PK"
			}
			err := b.readAddresses(ctx, db, fmt.Sprintf(`SELECT ZOWNER, %s FROM %s WHERE ZOWNER IS NOT NULL ORDER BY %s`,
				column(columns, t.column), t.table, order))
			if err != nil {
				return nil, err
			}
		}
	}
	return b.cards(), nil
}
