package addressbook

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	_ "github.com/mattn/go-sqlite3" // the driver

	"ventriloquist/internal/regularfile"
	"ventriloquist/internal/scratch"
	"ventriloquist/internal/usererr"
)

// Card is a person in an address book.
type Card struct {
	Name      string
	Addresses []string // telephone numbers, then e-mail addresses, in the order of the card
	// Me marks the card of the owner of the book.
	Me bool
	// Link is equal for cards that the book shows as one, also across its databases; "" for most.
	Link string
	// Book is the path of the database that holds the card.
	Book string
}

// Read returns the cards of a database that have an address and a name or the owner's mark. It reads a copy in a temporary
// folder in temp.
func Read(ctx context.Context, path, temp string) ([]Card, error) {
	if isVCard(path) {
		cards, err := readVCards(path)
		if err != nil {
			return nil, explain(path, err)
		}
		for i := range cards {
			cards[i].Book = path
		}
		return cards, nil
	}
	folder, err := scratch.New(temp)
	if err != nil {
		return nil, err
	}
	defer folder.Remove()
	copied := filepath.Join(folder.Path, "book")
	if err := copyDatabase(ctx, copied, path); err != nil {
		return nil, explain(path, err)
	}
	dsn := url.URL{Scheme: "file", Path: copied, RawQuery: "_query_only=true"}
	db, err := sql.Open("sqlite3", dsn.String())
	if err != nil {
		return nil, explain(path, err)
	}
	defer db.Close()
	cards, err := readCards(ctx, db)
	if err != nil {
		return nil, explain(path, err)
	}
	for i := range cards {
		cards[i].Book = path
	}
	return cards, nil
}

func readCards(ctx context.Context, db *sql.DB) ([]Card, error) {
	columns, err := columnsOf(ctx, db)
	if err != nil {
		return nil, err
	}
	switch {
	case columns["ZABCDRECORD"] != nil:
		return readMac(ctx, db, columns)
	case columns["ABPerson"] != nil:
		return readPhone(ctx, db, columns)
	}
	return nil, usererr.With(errors.New("not an address book"), "a Mac's are ~/%s/Sources/*/%s", macFolder, macName)
}

// columnsOf returns the columns of each table, which differ between releases.
func columnsOf(ctx context.Context, db *sql.DB) (map[string]map[string]bool, error) {
	rows, err := db.QueryContext(ctx, `SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table'`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	tables := make(map[string]map[string]bool)
	for rows.Next() {
		var table, column string
		if err := rows.Scan(&table, &column); err != nil {
			return nil, err
		}
		if tables[table] == nil {
			tables[table] = make(map[string]bool)
		}
		tables[table][column] = true
	}
	return tables, rows.Err()
}

// copyDatabase copies a database with its write-ahead log. It starts over if they change meanwhile.
func copyDatabase(ctx context.Context, to, from string) error {
	const attempts = 5
	for range attempts {
		before := stamp(from)
		if err := regularfile.Copy(ctx, to, from); err != nil {
			return err
		}
		os.Remove(to + "-wal")
		if err := regularfile.Copy(ctx, to+"-wal", from+"-wal"); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		if stamp(from) == before {
			return nil
		}
	}
	return usererr.With(errors.New("the database keeps changing while it is copied"), "close Contacts and try again")
}

func stamp(path string) (s string) {
	for _, suffix := range []string{"", "-wal"} {
		if info, err := os.Stat(path + suffix); err == nil {
			s += fmt.Sprintf("%d %d;", info.Size(), info.ModTime().UnixNano())
		}
	}
	return s
}

func explain(path string, err error) error {
	advice := usererr.Of(err)
	if errors.Is(err, os.ErrPermission) {
		advice = usererr.PermissionAdvice(runtime.GOOS, path)
	}
	err = fmt.Errorf("cannot read the address book %s: %w", path, err)
	if advice == "" {
		return err
	}
	return usererr.With(err, "%s", advice)
}

// column returns an SQL expression for a column as text, empty if it is NULL or missing.
func column(columns map[string]bool, name string) string {
	if !columns[name] {
		return "''"
	}
	return fmt.Sprintf("coalesce(CAST(%s AS TEXT), '')", name)
}

// nameOf returns a person's first and last name, else the nickname, else the company.
func nameOf(first, last, nickname, company string) string {
	first, last = strings.TrimSpace(first), strings.TrimSpace(last)
	switch full := strings.TrimSpace(first + " " + last); {
	case first != "" && last != "" && isEastAsian(first) && isEastAsian(last):
		return last + first
	case full != "":
		return oneLine(full)
	case strings.TrimSpace(nickname) != "":
		return oneLine(nickname)
	}
	return oneLine(company)
}

// oneLine reduces white space to single spaces.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// isEastAsian reports whether a name is in a script that puts the family name first, without a space.
func isEastAsian(s string) bool {
	for _, r := range s {
		if r < 0x3040 || r > 0x9fff && (r < 0xac00 || r > 0xd7a3) {
			return false
		}
	}
	return s != ""
}
