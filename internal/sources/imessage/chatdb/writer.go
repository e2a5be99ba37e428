package chatdb

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net/url"
	"path/filepath"
	"sort"
	"strings"
	"time"

	_ "github.com/mattn/go-sqlite3" // the driver
)

// Writer writes one database, in one transaction that Close commits.
type Writer struct {
	db         *sql.DB
	tx         *sql.Tx
	statements map[string]*sql.Stmt
	random     *rand.Rand
	original   bool // attachments have original_guid
	err        error
}

// Create makes a new database at path. No file with tables of these names may exist there.
func Create(path string, release Release) (*Writer, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	ddl, err := schema(release)
	if err != nil {
		return nil, err
	}
	dsn := url.URL{Scheme: "file", Path: absolute, RawQuery: "_journal_mode=WAL&_synchronous=OFF"}
	db, err := sql.Open("sqlite3", dsn.String())
	if err != nil {
		return nil, err
	}
	if _, err := db.Exec("BEGIN; " + ddl + "COMMIT"); err != nil {
		db.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return begin(db, release)
}

// Append opens a database from Create to add to it.
func Append(path string, release Release) (*Writer, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	dsn := url.URL{Scheme: "file", Path: absolute, RawQuery: "mode=rw"}
	db, err := sql.Open("sqlite3", dsn.String())
	if err != nil {
		return nil, err
	}
	return begin(db, release)
}

func begin(db *sql.DB, release Release) (*Writer, error) {
	tx, err := db.Begin()
	if err != nil {
		db.Close()
		return nil, err
	}
	w := &Writer{db: db, tx: tx, statements: map[string]*sql.Stmt{}, original: release != HighSierra}
	var rows uint64
	w.err = tx.QueryRow(`SELECT count(*) FROM message`).Scan(&rows)
	w.random = rand.New(rand.NewPCG(2001, rows)) // GUIDs are the same in every run
	return w, nil
}

// Close commits and closes the database. It returns the first error of any call.
func (w *Writer) Close() error {
	err := w.err
	if err == nil {
		err = w.tx.Commit()
	} else {
		w.tx.Rollback()
	}
	if closing := w.db.Close(); err == nil {
		err = closing
	}
	return err
}

// Exec runs arbitrary SQL in the database, for cases that no method covers.
func (w *Writer) Exec(query string, args ...any) {
	w.run(query, args)
}

// run executes a statement and prepares it only once.
func (w *Writer) run(query string, args []any) (result sql.Result) {
	if w.err != nil {
		return nil
	}
	stmt, known := w.statements[query]
	if !known {
		if stmt, w.err = w.tx.Prepare(query); w.err != nil {
			return nil
		}
		w.statements[query] = stmt
	}
	result, w.err = stmt.Exec(args...)
	return result
}

// NewGUID returns a GUID in Apple's spelling.
func (w *Writer) NewGUID() string {
	a, b := w.random.Uint64(), w.random.Uint64()
	return strings.ToUpper(fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", a>>32, a>>16&0xffff, a&0xfff, b>>48&0x3fff|0x8000, b&0xffffffffffff))
}

// insert adds a row and returns its row ID.
func (w *Writer) insert(table string, columns map[string]any) int64 {
	if w.err != nil {
		return 0
	}
	names := make([]string, 0, len(columns))
	for name := range columns {
		names = append(names, name)
	}
	sort.Strings(names)
	values := make([]any, len(names))
	for i, name := range names {
		values[i] = columns[name]
	}
	query := "INSERT INTO " + table + " (" + strings.Join(names, ", ") + ") VALUES (?" + strings.Repeat(", ?", len(names)-1) + ")"
	result := w.run(query, values)
	if w.err != nil {
		w.err = fmt.Errorf("table %s: %w", table, w.err)
		return 0
	}
	var id int64
	id, w.err = result.LastInsertId()
	return id
}

// Handle adds an address on a service (iMessage, SMS, RCS) and returns its row ID.
func (w *Writer) Handle(address, service string) int64 {
	return w.insert("handle", map[string]any{"id": address, "service": service})
}

// appleEpoch is 2001-01-01 UTC.
var appleEpoch = time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)

// Nanoseconds converts a time to a date as Messages stores it.
func Nanoseconds(t time.Time) int64 { return t.UnixNano() - appleEpoch.UnixNano() }

// Chat is a conversation, as Messages lists it.
type Chat struct {
	Group      bool
	Handles    []int64 // current members, without the owner
	Identifier string  // default: generated
	Name       string
	// Columns set or override columns by name.
	Columns map[string]any
}

// Chat adds a chat and returns its row ID.
func (w *Writer) Chat(c Chat) int64 {
	style, sign := 45, "-"
	if c.Group {
		style, sign = 43, "+"
	}
	if c.Identifier == "" {
		c.Identifier = "chat" + w.NewGUID()[:8]
	}
	columns := map[string]any{"guid": "any;" + sign + ";" + c.Identifier + ";" + w.NewGUID()[:4], "style": style,
		"chat_identifier": c.Identifier, "service_name": "iMessage", "state": 3, "display_name": c.Name}
	if c.Group {
		columns["room_name"] = c.Identifier
		columns["group_id"] = w.NewGUID()
	}
	id := w.insert("chat", override(columns, c.Columns))
	for _, handle := range c.Handles {
		w.Exec(`INSERT INTO chat_handle_join VALUES (?, ?)`, id, handle)
	}
	return id
}

func override(columns, by map[string]any) map[string]any {
	for name, value := range by {
		columns[name] = value
	}
	return columns
}

// Attachment is a file attached to a message.
type Attachment struct {
	GUID     string // default: generated; the body's transfer GUID refers to it
	Filename string // the path, ~/Library/Messages/Attachments/…; empty is NULL
	MIMEType string // empty is NULL
	UTI      string // empty is NULL
	Columns  map[string]any
}

// Attachment adds an attachment and returns its row ID. Message joins it to a message.
func (w *Writer) Attachment(a Attachment) int64 {
	if a.GUID == "" {
		a.GUID = "at_0_" + w.NewGUID()
	}
	columns := map[string]any{"guid": a.GUID, "filename": nullable(a.Filename), "mime_type": nullable(a.MIMEType),
		"uti": nullable(a.UTI), "transfer_state": 5}
	if w.original {
		columns["original_guid"] = a.GUID
	}
	if a.Filename != "" {
		columns["transfer_name"] = a.Filename[strings.LastIndexByte(a.Filename, '/')+1:]
	}
	return w.insert("attachment", override(columns, a.Columns))
}

func nullable(s string) any {
	if s == "" {
		return nil
	}
	return s
}
