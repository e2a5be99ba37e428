package messages

import (
	"context"
	"database/sql"
	"errors"
)

// ErrRewrite says that more has changed than an amendment can follow: the source must be collected as a whole.
var ErrRewrite = errors.New("the source must be collected as a whole")

// Told is what a row of a source tells, as [Writer] would be told it.
type Told struct {
	Row       int64
	GUID      string
	Group     bool     // of its conversation, as are the members
	Members   []Member //
	Entries   []Entry  // in the order of the body; none if it became no message
	Why       int      // then: as in Writer.LeftOut, as are the date and the sender
	Date      int64
	Sender    string
	Event     *Event
	Versions  []Version
	Shortened bool
	Retracted bool // it was unsent

	forgotten int64 // why its entries stay out, 0 if they do not
	messages  int64 // how many of them there were
}

// Range is the rows from First to Last, inclusive.
type Range struct{ First, Last int64 }

// Rows reads rows of the source again.
type Rows interface {
	// Read returns what the rows of these numbers tell, those that exist.
	Read(rows []int64) ([]Told, error)
	// Find returns the numbers of the rows with these identifiers.
	Find(guids []string) (map[string]int64, error)
}

// Change is a row that tells something else than it did.
type Change struct {
	Old *OldRow // nil if the row is new
	New *Told   // nil if it is gone
	// Lost tells that New is left out because what it answers is not there.
	Lost bool
}

// OldRow is what the store held of a row.
type OldRow struct {
	Row      int64
	Why      int  // if it was left out
	LeftOut  bool //
	Entries  []OldEntry
	removal  int64 // its id, if it is the taking back of a reaction
	mark     int64 // of a row that was left out, see markOf
	messages int64 // that stayed out with it
	shared   bool  // other sources have it as well
}

// OldEntry is a stored message, or the taking back of a reaction.
type OldEntry struct {
	Entry
	id     int64
	origin int64
	target sql.NullInt64
}

// Amendment changes what the store holds of a source.
type Amendment struct {
	keeper
	handles
	ctx            context.Context
	tx             *sql.Tx
	source         Rows
	number, origin int64 // of the source
	alone          bool  // there is no other
	messages       int64 // in the store, before
	known          int   // how many addresses are in the file
	conversations  []*placement
	rosters        map[string]*placement
	rows           map[int64]*Told  // that were read, by number
	found          map[string]int64 // numbers of rows by identifier, nobody for none
	changes        []Change
	numbers        map[int64][]int64 // ids of the entries of a row that was changed, by its number
	moved          map[int64]int64   // where messages go that others were put before
}

// placement is a conversation and where its messages lie.
type placement struct {
	id, first, last int64
	limit           int64 // ids from here on are another's
	group           bool
	members         []rosterMember
	isNew, touched  bool
}

// Amend changes, in one transaction, what the store holds of the source of this name, where the rows of the ranges are now
// what told says; every row of the source that may have changed is in a range, and its last reading is current. Before
// anything is written, check sees the rows that did change; its error ends the amendment and is returned. state is the
// source's new account of itself. ErrRewrite tells that the store is as it was and the source must be collected as a whole.
func (db *DB) Amend(ctx context.Context, name string, ranges []Range, told []Told, source Rows, check func([]Change) error, state func(*Outcome) []byte) (Outcome, error) {
	if err := db.checkPolicy(ctx); err != nil {
		return Outcome{}, explain(db.path, err)
	}
	tx, err := db.sql.BeginTx(ctx, nil)
	if err != nil {
		return Outcome{}, explain(db.path, err)
	}
	defer tx.Rollback()
	a := &Amendment{keeper: newKeeper(db.policy), ctx: ctx, tx: tx, source: source, rows: map[int64]*Told{}, found: map[string]int64{},
		numbers: map[int64][]int64{}, moved: map[int64]int64{}}
	outcome, err := a.run(name, ranges, told, check, state)
	if err == nil {
		err = tx.Commit()
	}
	if err != nil {
		return Outcome{}, explain(db.path, err)
	}
	return outcome, nil
}

func (a *Amendment) run(name string, ranges []Range, told []Told, check func([]Change) error, state func(*Outcome) []byte) (outcome Outcome, err error) {
	for _, step := range []func() error{
		func() error { return a.readSource(name) },
		a.readAddresses, a.readPlacements,
		func() error { return a.compare(ranges, told, false) },
		a.addDependents, a.keepApart,
		func() error { return check(a.changes) },
		a.removeOld, a.addNew, a.aimAll, a.writeLeftOut, a.writeFacts, a.settle,
	} {
		if err := step(); err != nil {
			return outcome, err
		}
	}
	outcome.Gone = a.gone()
	if outcome.Conversations, err = countSets(a.ctx, a.tx); err != nil {
		return outcome, err
	}
	err = a.tx.QueryRowContext(a.ctx, `SELECT (SELECT count(*) FROM message), (SELECT coalesce(sum(messages), 0) FROM left_out WHERE source = ? AND why < -1)`,
		a.number).Scan(&outcome.Messages, &outcome.Forgotten)
	if err == nil {
		_, err = a.tx.ExecContext(a.ctx, `UPDATE reading SET state = ? WHERE source = ?`, state(&outcome), a.number)
	}
	if err == nil {
		err = a.outdateOthers()
	}
	for _, step := range []string{countReading, countCollected} {
		if err == nil {
			_, err = a.tx.ExecContext(a.ctx, step, outcome.Messages)
		}
	}
	return outcome, err
}

// readSource finds the number and the origin of the source.
func (a *Amendment) readSource(name string) error {
	var current bool
	err := a.tx.QueryRowContext(a.ctx, `SELECT r.source, r.current, r.messages, NOT EXISTS (SELECT 1 FROM source o WHERE o.id > 0 AND o.id <> r.source) FROM reading r
		JOIN source s ON s.id = r.source WHERE s.name = ?`, name).Scan(&a.number, &current, &a.messages, &a.alone)
	if errors.Is(err, sql.ErrNoRows) || err == nil && !current {
		return ErrRewrite
	}
	if err != nil {
		return err
	}
	err = a.tx.QueryRowContext(a.ctx, `SELECT o.id FROM origin o WHERE o.source = ? AND NOT EXISTS (SELECT 1 FROM origin p WHERE p.id = o.id AND p.source <> o.source)`,
		a.number).Scan(&a.origin)
	if errors.Is(err, sql.ErrNoRows) {
		return ErrRewrite
	}
	return err
}

func (a *Amendment) readAddresses() error {
	addresses, err := readAddresses(a.ctx, a.tx)
	a.handles, a.known = newHandles(addresses), len(addresses)
	return err
}

// gone counts the rows that had messages and are not in the source any more.
func (a *Amendment) gone() (n int64) {
	present := map[string]bool{}
	for _, c := range a.changes {
		if c.New != nil {
			present[c.New.GUID] = true
		}
	}
	for _, c := range a.changes {
		if c.New == nil && len(c.Old.Entries) > 0 && c.Old.removal == 0 && !present[c.Old.Entries[0].GUID] {
			n++
		}
	}
	return n
}
