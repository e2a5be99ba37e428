package chatdb

import "embed"

// Release is a release of macOS, by what its databases look like.
type Release string

// Columns have only ever been added at the end of Apple's tables.
const (
	Latest     Release = "macos27"
	MacOS13    Release = "macos13"    // edits and unsends, no tapbacks of any emoji
	HighSierra Release = "macos10.13" // no inline replies, no edits, nothing recoverable
)

// schemas are Apple's own tables and indexes, as `sqlite3 chat.db .schema` prints them; without the triggers, which call
// functions of Messages.
//
//go:embed schema/*.sql
var schemas embed.FS

// schema is the DDL of a release.
func schema(release Release) (string, error) {
	ddl, err := schemas.ReadFile("schema/" + string(release) + ".sql")
	return string(ddl), err
}
