package messages

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Tx is one collect: one transaction that changes what the file holds of the sources it opens.
type Tx struct {
	policyFilter
	handles
	ctx      context.Context
	sql      *sql.Tx
	path     string
	keepGone bool
	collect  int64 // number of this collect
	bulk     bool  // the file held no messages: the indexes are built at the end
	several  bool  // there is more than one source: copies of messages are looked for

	sources    map[int64]*origin
	names      map[string]string // of addresses
	chats      map[int64]*chat
	numbered   map[chatKey]int64
	unnumbered map[rosterOf]int64
	lastChat   int64
	lastPeriod int64
	roots      map[string]int64

	insertMessage, insertAttachment *Inserter
	statements                      map[string]*sql.Stmt
	ahead                           ahead
	changed                         map[int64]bool // keys of rows that changed; empty in bulk
	gone                            map[uint64]bool
	put                             map[uint64]bool    // identifiers of changed rows, summed up
	waiting                         map[string]bool    // identifiers of missing targets
	forgotten                       int64              // messages of exports that stayed out
	former                          map[*chat][]period // the former periods of chats whose members changed
	states                          map[int64]func() []byte
	incomplete                      bool

	key     string // of an export, for Collected
	summary func(*Outcome) []byte
}

func (t *Tx) exec(statement string, args ...any) error {
	_, err := t.sql.ExecContext(t.ctx, statement, args...)
	return err
}

// run executes a statement that is prepared once. It takes no context: with one, each would start a goroutine to watch it.
func (t *Tx) run(statement string, args ...any) error {
	s, err := t.prepared(statement)
	if err == nil {
		_, err = s.Exec(args...)
	}
	return err
}

func (t *Tx) prepared(statement string) (*sql.Stmt, error) {
	s := t.statements[statement]
	if s == nil {
		var err error
		if s, err = t.sql.PrepareContext(t.ctx, statement); err != nil {
			return nil, err
		}
		t.statements[statement] = s
	}
	return s, nil
}

func (t *Tx) each(query string, scan func(*sql.Rows) error, args ...any) error {
	return each(t.ctx, t.sql, query, scan, args...)
}

// query is each for a statement that is prepared once.
func (t *Tx) query(query string, scan func(*sql.Rows) error, args ...any) error {
	s, err := t.prepared(query)
	if err != nil {
		return err
	}
	rows, err := s.Query(args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (t *Tx) integer(query string, args ...any) (int64, error) {
	return integer(t.ctx, t.sql, query, args...)
}

// flush writes the pending rows.
func (t *Tx) flush() error {
	return errors.Join(t.insertMessage.Flush(), t.insertAttachment.Flush())
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

// wrong adds the file's name to an error.
func (t *Tx) wrong(err error) error {
	if err == nil {
		return nil
	}
	return explain(t.path, err)
}

var errUnknownSource = errors.New("the source is not among those that are collected")

func unknownSource(id int64) error { return fmt.Errorf("source %d: %w", id, errUnknownSource) }
