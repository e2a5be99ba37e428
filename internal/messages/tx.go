package messages

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Tx is one collect: one transaction that changes what the file holds of the sources it opens.
type Tx struct {
	session
	policyFilter
	handles
	chatIndex
	writer
	changes
	report
	keepGone bool
	collect  int64 // number of this collect
	bulk     bool  // the file held no messages: the indexes are built at the end
	several  bool  // there is more than one source: copies of messages are looked for
	sources  map[int64]*origin
	names    map[string]string // of addresses
	roots    map[string]int64
}

// chatIndex is the chats of the file, and how sources know them.
type chatIndex struct {
	chats      map[int64]*chat
	numbered   map[chatKey]int64
	unnumbered map[rosterOf]int64
	lastChat   int64
	lastPeriod int64
	former     map[*chat][]period // the former periods of chats whose members changed
}

// writer holds rows that were not written yet, and rows that were read ahead.
type writer struct {
	insertMessage, insertAttachment *Inserter
	backlog                         backlog
	ahead                           ahead
}

// changes records what a collect changed.
type changes struct {
	changed    map[int64]bool  // keys of rows that changed; empty in bulk
	gone       map[uint64]bool // identifiers of rows that left their source, summed up
	put        map[uint64]bool // identifiers of changed rows, summed up
	waiting    map[string]bool // identifiers of missing targets
	forgotten  int64           // messages of exports that stayed out
	incomplete bool            // not all of the source could be read
}

// report is what the next collect wants to know.
type report struct {
	states  map[int64]func() []byte // by source
	key     string                  // of an export, for Collected
	summary func(*Outcome) []byte
}

// newTx returns a collect that writes in a transaction of conn.
func newTx(ctx context.Context, conn *sql.Conn, tx *sql.Tx, path string, policy *Policy, keepGone bool) *Tx {
	return &Tx{
		session:      session{ctx: ctx, conn: conn, sql: tx, path: path, statements: map[string]*sql.Stmt{}},
		policyFilter: newPolicyFilter(policy),
		chatIndex:    chatIndex{former: map[*chat][]period{}},
		changes:      changes{changed: map[int64]bool{}, gone: map[uint64]bool{}, put: map[uint64]bool{}},
		report:       report{states: map[int64]func() []byte{}},
		keepGone:     keepGone,
		names:        map[string]string{},
	}
}

func (t *Tx) close() {
	for _, i := range []*Inserter{t.insertMessage, t.insertAttachment} {
		if i != nil {
			i.Close()
		}
	}
	for _, s := range t.statements {
		s.Close()
	}
}

var errUnknownSource = errors.New("the source is not among those that are collected")

func unknownSource(id int64) error { return fmt.Errorf("source %d: %w", id, errUnknownSource) }
