package chatdb

import "embed"

// Release is a release of macOS, identified by its database schema.
type Release string

// Apple has only ever added columns at the end of its tables.
const (
	Latest     Release = "macos27"
	MacOS13    Release = "macos13"    // edits and unsends, no tapbacks with arbitrary emoji
	HighSierra Release = "macos10.13" // no inline replies, no edits, nothing recoverable
)

// schemas are Apple's own tables and indexes, as `sqlite3 chat.db .schema` prints them, without the triggers, which call
// functions of Messages.
//
//go:embed schema/*.sql
var schemas embed.FS

// schema returns the DDL of a release.
func schema(release Release) (string, error) {
	ddl, err := schemas.ReadFile("schema/" + string(release) + ".sql")
	return string(ddl), err
}
