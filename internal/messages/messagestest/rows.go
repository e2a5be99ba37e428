package messagestest

import (
	"testing"

	"ventriloquist/internal/messages"
)

// Rows returns the rows of a query with one column.
func Rows(t testing.TB, db *messages.DB, query string) (lines []string) {
	t.Helper()
	rows, err := db.SQL().Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return lines
}
