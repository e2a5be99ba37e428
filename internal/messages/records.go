package messages

import (
	"database/sql"
	"errors"
)

// The columns that insert writes.
const (
	messageColumns    = "id, chat, date, sender, kind, state, guid, part, text, target, target_part, quote, line"
	attachmentColumns = "message, guid, transcript, root, path"
)

// insert adds records to the tables. Until flush, those of exports are in the backlog.
func (t *Tx) insert(list []record) error {
	for i := range list {
		e := &list[i]
		if e.id&isHashed == 0 {
			if err := t.write(e); err != nil {
				return err
			}
			continue
		}
		if t.backlog.size+e.encodedSize() > backlogLimit {
			if err := t.backlog.each(t.write); err != nil {
				return err
			}
		}
		t.backlog.add(e)
	}
	return nil
}

// write adds a record to the tables.
func (t *Tx) write(e *record) error {
	err := t.insertMessage.Add(e.id, e.chat, e.date, e.sender, e.kind, e.state, packGUID(e.guid), e.part, e.text,
		value(e.target), value(e.targetPart), value(e.quote), value(e.line))
	if err == nil && e.attachment != "" {
		var root any
		if e.root != 0 {
			root = e.root
		}
		err = t.insertAttachment.Add(e.id, e.attachment, nullable(e.transcript), root, nullable(e.path))
	}
	return err
}

// flush writes the pending rows.
func (t *Tx) flush() error {
	return errors.Join(t.backlog.each(t.write), t.insertMessage.Flush(), t.insertAttachment.Flush())
}

// readRecords returns the records of a row.
func (t *Tx) readRecords(key int64) ([]record, error) {
	a := &t.ahead
	near := key > a.last && key-a.last <= farAhead<<partBits && key < isHashed
	a.last = key
	if a.rows != nil && key >= a.from && key <= a.upTo {
		list := a.rows[key]
		delete(a.rows, key)
		a.from = key + 1
		return list, nil
	}
	if !near {
		return t.queryRecords(key, key)
	}
	list, err := t.queryRecords(key, key+(rowsAhead-1)<<partBits)
	if err != nil {
		return nil, err
	}
	a.rows, a.from, a.upTo = make(map[int64][]record, rowsAhead), key+1, key+(rowsAhead-1)<<partBits
	first := 0
	for i := range list {
		if i+1 == len(list) || keyOf(list[i+1].id) != keyOf(list[i].id) {
			a.rows[keyOf(list[i].id)] = list[first : i+1]
			first = i + 1
		}
	}
	return a.rows[key], nil
}

// queryRecords reads the records of the rows with keys from first to last.
func (t *Tx) queryRecords(first, last int64) (list []record, err error) {
	if err := t.flush(); err != nil {
		return nil, err
	}
	s, err := t.prepared(`SELECT m.id, m.chat, m.date, m.sender, m.kind, m.state, m.guid, m.part, m.text, m.target, m.target_part, m.quote, m.line,
		a.guid, a.transcript, a.root, a.path FROM message m LEFT JOIN attachment a ON a.message = m.id WHERE m.id BETWEEN ? AND ? ORDER BY m.id`)
	if err != nil {
		return nil, err
	}
	rows, err := s.Query(first, lastID(last))
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		var e record
		var guid any
		var attachment, transcript, path sql.NullString
		var root sql.NullInt64
		err = rows.Scan(&e.id, &e.chat, &e.date, &e.sender, &e.kind, &e.state, &guid, &e.part, &e.text, &e.target, &e.targetPart, &e.quote, &e.line,
			&attachment, &transcript, &root, &path)
		if err == nil {
			e.guid, err = unpackGUID(guid)
		}
		if err == nil {
			_, err = t.handles.address(e.sender)
		}
		if err != nil {
			break
		}
		e.attachment, e.transcript, e.root, e.path = attachment.String, transcript.String, root.Int64, path.String
		list = append(list, e)
	}
	return list, errors.Join(err, rows.Err(), rows.Close())
}

// remove deletes the records of a row.
func (t *Tx) remove(key int64, old []record) error {
	if err := t.run(`DELETE FROM message WHERE id BETWEEN ? AND ?`, key, lastID(key)); err != nil {
		return err
	}
	if old[0].target.Valid {
		if err := t.run(`DELETE FROM unresolved WHERE message = ?`, key); err != nil {
			return err
		}
	}
	for i := range old {
		if old[i].attachment != "" {
			return t.run(`DELETE FROM attachment WHERE message BETWEEN ? AND ?`, key, lastID(key))
		}
	}
	return nil
}

// oldRow returns what records say about their row.
func (t *Tx) oldRow(list []record) *OldRow {
	e := &list[0]
	o := &OldRow{Chat: e.chat, Date: e.date, Row: rowOf(e.id, e.lineOrNil()), LeftOut: e.kind == leftOut, Removal: e.kind == removalKind,
		Sender: t.addresses[e.sender]}
	if o.LeftOut {
		o.Why = int(e.part)
	} else if !o.Removal {
		o.Kind = Kind(e.kind)
	}
	return o
}
