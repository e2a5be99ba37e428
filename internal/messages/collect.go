package messages

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Outcome counts what a collect left in the file.
type Outcome struct {
	Messages      int64 // messages that are shown, of all sources
	Conversations int64
	// LostReactions and LostRemovals are rows of the sources that were collected whose target is not there.
	LostReactions, LostRemovals int64
	// Gone is how many rows are in no source any longer; Kept is whether they were kept.
	Gone int64
	Kept bool
	// Forgotten is how many messages stayed out because somebody was forgotten.
	Forgotten int64
	// Moved is how many rows belong to another conversation now though they are as they were: others took part.
	Moved int64
}

// Tx is one collect: one transaction that changes what the file holds of the sources that it opens.
type Tx struct {
	policyFilter
	handles
	ctx      context.Context
	sql      *sql.Tx
	path     string
	keepGone bool
	collect  int64 // number of this collect
	bulk     bool  // the file held no messages: the indexes are made at the end
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
	changed                         map[int64]bool // keys of rows that are not as they were; empty in bulk
	gone                            map[uint64]bool
	put                             map[uint64]bool    // identifiers of changed rows, summed up
	waiting                         map[string]bool    // identifiers of targets that were not there
	forgotten                       int64              // messages of exports that stayed out
	former                          map[*chat][]period // the periods of chats that others are in now
	states                          map[int64]func(*Outcome) []byte
	incomplete                      bool

	key     string // of an export, for Collected
	summary func(*Outcome) []byte
}

// Collect changes what the file holds of one source or several, in one transaction: after an error it is as it was. With
// keepGone, messages stay of rows that their source no longer has.
func (db *DB) Collect(ctx context.Context, keepGone bool, fill func(*Tx) error) (Outcome, error) {
	if err := db.checkPolicy(ctx); err != nil {
		return Outcome{}, explain(db.path, err)
	}
	conn, err := db.sql.Conn(ctx) // temporary tables belong to one connection
	if err != nil {
		return Outcome{}, explain(db.path, err)
	}
	defer conn.Close()
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return Outcome{}, explain(db.path, err)
	}
	defer tx.Rollback()
	t := &Tx{policyFilter: newPolicyFilter(db.policy), ctx: ctx, sql: tx, path: db.path, keepGone: keepGone}
	defer t.close()
	if err := t.begin(); err != nil {
		return Outcome{}, explain(db.path, err)
	}
	if err := fill(t); err != nil {
		return Outcome{}, cmp.Or(ctx.Err(), err) // a transaction that was canceled says only that it is closed
	}
	outcome, err := t.finish()
	if err == nil {
		err = tx.Commit()
	}
	if err != nil && ctx.Err() != nil {
		return Outcome{}, ctx.Err()
	}
	if err == nil && t.bulk && t.isScattered() {
		_, err = conn.ExecContext(ctx, `VACUUM`)
	}
	if err != nil {
		return Outcome{}, explain(db.path, err)
	}
	return outcome, nil
}

// isScattered reports whether an export was read: the keys of its rows come in no order, which leaves pages half empty.
func (t *Tx) isScattered() bool {
	for _, o := range t.sources {
		if o.opened && o.extent != Numbered {
			return true
		}
	}
	return false
}

const temporaryTables = `DROP TABLE IF EXISTS temp.touched; CREATE TEMP TABLE touched (key INTEGER PRIMARY KEY);
DROP TABLE IF EXISTS temp.touched_guid; CREATE TEMP TABLE touched_guid (guid PRIMARY KEY) WITHOUT ROWID`

// begin reads what is known of sources, chats and addresses.
func (t *Tx) begin() error {
	t.names, t.statements = map[string]string{}, map[string]*sql.Stmt{}
	t.changed, t.gone, t.put = map[int64]bool{}, map[uint64]bool{}, map[uint64]bool{}
	t.former, t.states = map[*chat][]period{}, map[int64]func(*Outcome) []byte{}
	if err := t.exec(temporaryTables); err != nil {
		return err
	}
	addresses, err := readAddresses(t.ctx, t.sql)
	if err != nil {
		return err
	}
	t.handles = newHandles(addresses)
	for _, step := range []func() error{t.readSources, t.readChats, t.readRoots, t.readWaiting} {
		if err := step(); err != nil {
			return err
		}
	}
	some, err := t.integer(`SELECT EXISTS (SELECT 1 FROM message)`)
	if err != nil {
		return err
	}
	if t.bulk = some == 0; t.bulk {
		if err := t.dropIndexes(); err != nil {
			return err
		}
	}
	if t.insertMessage, err = NewInserter(t.ctx, t.sql, "message", messageColumns); err != nil {
		return err
	}
	t.insertAttachment, err = NewInserter(t.ctx, t.sql, "attachment", attachmentColumns)
	return err
}

func (t *Tx) readChats() (err error) {
	t.numbered, t.unnumbered = map[chatKey]int64{}, map[rosterOf]int64{}
	if t.chats, err = readChats(t.ctx, t.sql); err != nil {
		return err
	}
	for id, c := range t.chats {
		if t.lastChat = max(t.lastChat, id); c.number.Valid {
			t.numbered[chatKey{c.source, c.number.Int64}] = id
		} else if len(c.periods) == 1 {
			t.unnumbered[rosterOf{c.source, rosterKey(c.group, c.periods[0].members)}] = id
		}
	}
	t.lastPeriod, err = t.integer(`SELECT coalesce(max(id), 0) FROM period`)
	return err
}

func (t *Tx) dropIndexes() error {
	for _, index := range indexes {
		if err := t.exec(`DROP INDEX IF EXISTS ` + index.name); err != nil {
			return err
		}
	}
	return t.exec(`DROP INDEX IF EXISTS message_guid`)
}

func (t *Tx) createIndexes() error {
	for _, index := range indexes {
		if err := t.exec(`CREATE INDEX IF NOT EXISTS ` + index.name + ` ON ` + index.definition); err != nil {
			return err
		}
	}
	return nil
}

// finish works out what depends on other rows, and counts.
func (t *Tx) finish() (Outcome, error) {
	outcome := Outcome{Kept: t.keepGone || t.incomplete}
	for _, step := range []func() error{
		t.flush, t.sweepExports, t.closeSources, t.flush, t.createIndexes, t.settleUnresolved, t.settleCopies, t.settleQuotes,
		t.dropChats, t.writeHandles, t.dropRoots,
	} {
		if err := step(); err != nil {
			return outcome, err
		}
	}
	if err := t.count(&outcome); err != nil {
		return outcome, err
	}
	if err := t.writeStates(&outcome); err != nil {
		return outcome, err
	}
	return outcome, t.writeCollected(&outcome)
}

// count fills in what is in the file now.
func (t *Tx) count(o *Outcome) (err error) {
	opened := t.openedList()
	if o.Messages, o.Conversations, err = countShown(t.ctx, t.sql); err != nil {
		return err
	}
	if o.Moved, err = t.countMoved(); err != nil {
		return err
	}
	if o.Gone, err = t.countGone(); err != nil {
		return err
	}
	for kind, n := range map[int]*int64{int(Reaction): &o.LostReactions, removalKind: &o.LostRemovals} {
		for _, source := range t.sources {
			if !source.opened {
				continue
			}
			lost, err := t.integer(`SELECT count(*) FROM message m WHERE kind = ?1 AND state & 1 = 1 AND state & 8 = 0 AND `+source.isOf(), kind, source.id, t.collect)
			if err != nil {
				return err
			}
			*n += lost
		}
	}
	o.Forgotten, err = forgottenOf(t.ctx, t.sql, opened)
	o.Forgotten += t.forgotten
	return err
}

// forgottenOf counts the messages of numbered rows that stayed out.
func forgottenOf(ctx context.Context, q querier, sources []int64) (n int64, err error) {
	for _, source := range sources {
		some, err := integer(ctx, q, `SELECT coalesce(sum(target_part), 0) FROM message INDEXED BY message_forgotten WHERE kind = 10 AND target_part > 0 AND id BETWEEN ? AND ?`,
			rowKey(source, 0), lastID(rowKey(source, LastRow)))
		if err != nil {
			return 0, err
		}
		n += some
	}
	return n, nil
}

// countShown counts the messages and the sets of members that have some.
func countShown(ctx context.Context, q querier) (shown, sets int64, err error) {
	if shown, err = integer(ctx, q, `SELECT count(*) FROM message m WHERE `+isShown); err != nil {
		return 0, 0, err
	}
	chats, err := readChats(ctx, q)
	if err != nil {
		return 0, 0, err
	}
	seen := make(map[string]bool)
	for _, c := range chats {
		err := eachPopulated(ctx, q, c, false, func(p *period, _ int64) {
			var present []memberHandle
			for _, m := range p.members {
				if !m.absent {
					present = append(present, m)
				}
			}
			sortHandles(present)
			seen[rosterKey(c.group, present)] = true
		})
		if err != nil {
			return 0, 0, err
		}
	}
	return shown, int64(len(seen)), nil
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

func (t *Tx) integer(query string, args ...any) (int64, error) {
	return integer(t.ctx, t.sql, query, args...)
}

// flush writes the rows that wait to be inserted.
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

// wrong names the file in an error.
func (t *Tx) wrong(err error) error {
	if err == nil {
		return nil
	}
	return explain(t.path, err)
}

// Incomplete says that the source could not be read to its end: rows that were not put may still be there, and stay.
func (t *Tx) Incomplete() { t.incomplete = true }

// Name says what a source calls the person of an address.
func (t *Tx) Name(address, name string) {
	if name != "" && name != address && t.standIn(address) == "" {
		t.names[address] = name
	}
}

var errUnknownSource = errors.New("the source is not among those that are collected")

func unknownSource(id int64) error { return fmt.Errorf("source %d: %w", id, errUnknownSource) }
