// Package addressbooktest writes address books in Apple's format, for tests.
//
// In: cards. Out: a database with Apple's tables and columns, in WAL mode. It must not know: how such a database is read.
package addressbooktest

import (
	"database/sql"
	_ "embed"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	_ "github.com/mattn/go-sqlite3" // the driver
)

//go:embed mac.sql
var macSchema string

//go:embed phone.sql
var phoneSchema string

// Card is a person in the book.
type Card struct {
	First, Last, Nickname, Company string
	Phones, Emails                 []string
	Me                             bool
	// Link is equal for cards that the book shows as one; 0 for none.
	Link int
}

// WriteMac creates the AddressBook-v22.abcddb of a Mac at path, and its folder.
func WriteMac(path string, cards ...Card) error {
	return write(path, macSchema, func(exec func(string, ...any)) {
		for i, c := range cards {
			id := i + 10
			exec(`INSERT INTO ZABCDRECORD (Z_PK, Z_ENT, ZUNIQUEID, ZCONTAINER1, ZFIRSTNAME, ZLASTNAME, ZNICKNAME, ZORGANIZATION)
				VALUES (?, 22, ?, 1, ?, ?, ?, ?)`, id, fmt.Sprintf("%d:ABPerson", id), null(c.First), null(c.Last), null(c.Nickname), null(c.Company))
			if c.Me {
				exec(`UPDATE ZABCDRECORD SET ZCONTAINERWHERECONTACTISME = 1 WHERE Z_PK = ?`, id)
			}
			if c.Link != 0 {
				exec(`UPDATE ZABCDRECORD SET ZLINKID = ? WHERE Z_PK = ?`, fmt.Sprint("LINK-", c.Link), id)
			}
			for place, number := range c.Phones {
				exec(`INSERT INTO ZABCDPHONENUMBER (Z_ENT, ZORDERINGINDEX, ZOWNER, Z22_OWNER, ZFULLNUMBER, ZLABEL)
					VALUES (15, ?, ?, 22, ?, '_$!<Mobile>!$_')`, place, id, number)
			}
			for place, address := range c.Emails {
				exec(`INSERT INTO ZABCDEMAILADDRESS (Z_ENT, ZORDERINGINDEX, ZOWNER, Z22_OWNER, ZADDRESS, ZLABEL)
					VALUES (11, ?, ?, 22, ?, '_$!<Home>!$_')`, place, id, address)
			}
		}
	})
}

// WritePhone creates the AddressBook.sqlitedb of an iPhone at path, and its folder.
func WritePhone(path string, cards ...Card) error {
	return write(path, phoneSchema, func(exec func(string, ...any)) {
		for i, c := range cards {
			id, link := i+1, c.Link
			if link == 0 {
				link = -1
			}
			exec(`INSERT INTO ABPerson (ROWID, First, Last, Nickname, Organization, StoreID, PersonLink, guid) VALUES (?, ?, ?, ?, ?, 1, ?, ?)`,
				id, null(c.First), null(c.Last), null(c.Nickname), null(c.Company), link, fmt.Sprint("person ", id))
			if c.Me {
				exec(`UPDATE ABStore SET MeIdentifier = ?`, id)
			}
			for place, number := range c.Phones {
				exec(`INSERT INTO ABMultiValue (record_id, property, identifier, label, value) VALUES (?, 3, ?, 1, ?)`, id, place, number)
			}
			for place, address := range c.Emails {
				exec(`INSERT INTO ABMultiValue (record_id, property, identifier, label, value) VALUES (?, 4, ?, 2, ?)`, id, place, address)
			}
		}
	})
}

func null(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func write(path, schema string, fill func(exec func(string, ...any))) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	db, err := sql.Open("sqlite3", (&url.URL{Scheme: "file", Path: absolute}).String())
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.Exec(schema); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	fill(func(query string, args ...any) {
		if _, failure := db.Exec(query, args...); failure != nil && err == nil {
			err = fmt.Errorf("%s: %w", path, failure)
		}
	})
	return err
}
