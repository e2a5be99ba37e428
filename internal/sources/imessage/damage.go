package imessage

import (
	"fmt"

	"ventriloquist/internal/sources/imessage/sqlitepages"
)

// damage is a range of rows that cannot be read, and why.
type damage struct {
	sqlitepages.Range
	err error
}

// describe names the rows of a table.
func (d *damage) describe(table string) string {
	switch {
	case d.Last >= everything.Last:
		return fmt.Sprintf("%s, after row %d: %v", table, d.First-1, d.err)
	case d.First == d.Last:
		return fmt.Sprintf("%s, row %d: %v", table, d.First, d.err)
	}
	return fmt.Sprintf("%s, rows %d to %d: %v", table, d.First, d.Last, d.err)
}
