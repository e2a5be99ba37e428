package messages

import (
	"cmp"
	"context"
)

// Collect changes what the file holds of one or several sources, in one transaction: an error leaves the file unchanged.
// With keepGone, messages stay when their source no longer has their rows.
func (db *DB) Collect(ctx context.Context, keepGone bool, fill func(*Tx) error) (Outcome, error) {
	if err := db.checkPolicy(ctx); err != nil {
		return Outcome{}, explain(db.path, err)
	}
	conn, err := db.sql.Conn(ctx) // temporary tables belong to one connection
	if err != nil {
		return Outcome{}, explain(db.path, err)
	}
	defer conn.Close()
	some, err := integer(ctx, conn, `SELECT EXISTS (SELECT 1 FROM message)`)
	if err == nil && some != 0 { // an empty file has no readers
		err = db.share(ctx, conn)
	}
	if err != nil {
		return Outcome{}, explain(db.path, err)
	}
	tx, err := begin(ctx, conn)
	if err != nil {
		return Outcome{}, explain(db.path, err)
	}
	defer tx.Rollback()
	t := newTx(ctx, conn, tx, db.path, db.policy, keepGone)
	defer t.close()
	if err := t.begin(); err != nil {
		return Outcome{}, explain(db.path, err)
	}
	if err := fill(t); err != nil {
		return Outcome{}, cmp.Or(ctx.Err(), err) // a canceled transaction only reports that it is closed
	}
	outcome, err := t.finish()
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = tx.Commit()
	}
	if err != nil && ctx.Err() != nil {
		return Outcome{}, ctx.Err()
	}
	if err == nil {
		err = db.settle(ctx, conn)
	}
	if err == nil && t.bulk && t.backlog.writes > 1 {
		_, err = conn.ExecContext(ctx, `VACUUM`) // keys that arrived in no order left pages half empty
	}
	if err != nil {
		return Outcome{}, explain(db.path, err)
	}
	return outcome, nil
}

const temporaryTables = `DROP TABLE IF EXISTS temp.touched; CREATE TEMP TABLE touched (key INTEGER PRIMARY KEY);
DROP TABLE IF EXISTS temp.touched_guid; CREATE TEMP TABLE touched_guid (guid PRIMARY KEY) WITHOUT ROWID`

// begin reads the known sources, chats and addresses.
func (t *Tx) begin() error {
	if err := t.exec(temporaryTables); err != nil {
		return err
	}
	if err := t.exec(takeLock); err != nil { // before anything is read: SQLite does not wait for a lock that a reader wants
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
	if t.insertMessage, err = NewInserter(t.ctx, t.conn, "message", messageColumns); err != nil {
		return err
	}
	t.insertAttachment, err = NewInserter(t.ctx, t.conn, "attachment", attachmentColumns)
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

// dropIndexes drops the indexes of all rows. Those of a few rows cost less while rows are added than to look for these rows at the end.
func (t *Tx) dropIndexes() error {
	for _, index := range indexes {
		if !index.all {
			continue
		}
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

// finish derives what depends on other rows, and counts.
func (t *Tx) finish() (Outcome, error) {
	outcome := Outcome{Kept: t.keepGone || t.incomplete}
	t.ahead.forget()
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
	if err := t.writeStates(); err != nil {
		return outcome, err
	}
	return outcome, t.writeCollected(&outcome)
}

// Incomplete records that the source could not be read to its end: rows that were not put may still exist, so they stay.
func (t *Tx) Incomplete() { t.incomplete = true }

// Name records the name that a source has for the person at an address.
func (t *Tx) Name(address, name string) {
	if name != "" && name != address && t.standIn(address) == "" {
		t.names[address] = name
	}
}

// writeHandles writes the new addresses, and the names that sources gave.
func (t *Tx) writeHandles() error {
	for id := t.stored; id < len(t.addresses); id++ {
		if err := t.exec(`INSERT INTO handle (id, address) VALUES (?, ?)`, id, t.addresses[id]); err != nil {
			return err
		}
	}
	t.stored = len(t.addresses)
	for address, name := range t.names {
		if err := t.exec(`UPDATE handle SET name = ? WHERE address = ?`, name, address); err != nil {
			return err
		}
	}
	return nil
}
