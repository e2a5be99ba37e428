package messages

import (
	"database/sql"
	"sort"
)

// These read what the store held before, each row with what it needs to be staged again. The first column places it in a
// conversation: the id of the message, or of the target of a removal.
var selectOld = []struct{ table, query string }{
	{"message", `SELECT m.id, m.source_row, m.guid, m.part, m.date, m.sender, m.kind, m.text, a.guid, a.transcript,
    o.path, a.path, t.guid, t.part, 0, m.origin
  FROM message m LEFT JOIN attachment a ON m.kind >= 2 AND a.message = m.id LEFT JOIN attachment_root o ON o.id = a.root
    LEFT JOIN message t ON t.id = m.target ORDER BY m.id`},
	{"removal", `SELECT r.target, r.source_row, r.guid, 0, r.date, r.sender, 1, r.text, NULL, NULL, NULL, NULL, t.guid, t.part, 1, r.origin
  FROM removal r LEFT JOIN message t ON t.id = r.target ORDER BY r.id`},
}

// The copy of a message that was edited last counts, else the one that was read last; the other goes.
const (
	keepRow    = `INSERT OR IGNORE INTO partial VALUES (?)`
	findLesser = `SELECT rowid, old FROM stage WHERE NOT old AND guid IN (SELECT guid FROM partial)`

	shareRow   = `INSERT OR IGNORE INTO shared VALUES (?, ?)`
	sharedSets = `SELECT DISTINCT s.origin, o.origin FROM stage s JOIN shared o ON o.guid = s.guid WHERE NOT s.old`
	findDouble = `SELECT rowid, old FROM stage WHERE old AND guid IN (SELECT o.guid FROM stage s JOIN shared o ON o.guid = s.guid WHERE NOT s.old)`
	joinOrigin = `UPDATE stage SET origin = ? WHERE NOT old AND origin = ? AND guid IN (SELECT guid FROM shared WHERE origin = ?)`
)

// oldRow is a row of selectOld.
type oldRow struct {
	Entry
	place   int64
	origin  int64
	present bool // in what is collected now
}

// stageOld stages again what stays of what the store held: rows that other sources hold or, with keepGone, that none
// holds any longer. Those that none holds are counted.
func (w *Writer) stageOld(keepGone bool, outcome *Outcome) error {
	if len(w.sources.open) == 0 {
		w.Source(unnamedSource, Whole)
	}
	r := &Reader{}
	var err error
	if r.addresses, err = w.readHandles(); err != nil {
		return err
	}
	conversations, err := r.conversations(w.ctx, w.tx)
	if err != nil || len(conversations) == 0 || w.present == nil {
		return err
	}
	later, err := w.editedElsewhere()
	if err != nil {
		return err
	}
	last := "" // of the rows that are gone
	place := 0
	return w.eachOld(r, func(row *oldRow) error {
		present := row.present
		set := w.sources.left(row.origin, row.Date)
		now, fuller := w.partial[row.GUID]
		newer := present && len(set) > 0 && later[row.GUID]
		if newer {
			row.origin = w.sources.joined(w.sources.origin(set), w.sources.opened())
		}
		switch {
		case fuller, newer:
			w.fuller = true
			if _, err := w.tx.ExecContext(w.ctx, keepRow, packGUID(row.GUID)); err != nil {
				return err
			}
		case len(set) > 0:
			row.origin = w.sources.origin(set)
		case present:
			return nil
		default:
			if !row.Removal && row.GUID != last { // the parts of a row follow each other
				last = row.GUID
				outcome.Gone++
			}
			if !keepGone {
				return nil
			}
		}
		if row.Conversation = now.conversation; fuller {
			row.Row, row.Date = now.row, now.date
		} else {
			c := conversations[sort.Search(len(conversations), func(k int) bool { return conversations[k].Last >= row.place })]
			row.Conversation = w.Conversation(c.Group, c.Members)
		}
		row.Place = place // rows are read in order, parts of a row too
		place++
		if present && !fuller && !newer {
			if _, err := w.tx.ExecContext(w.ctx, shareRow, packGUID(row.GUID), row.origin); err != nil {
				return err
			}
		}
		return w.add(&row.Entry, row.origin, true)
	})
}

// readHandles reads the addresses, and the names that no source tells anew.
func (w *Writer) readHandles() ([]string, error) {
	addresses, err := readAddresses(w.ctx, w.tx)
	if err != nil {
		return nil, err
	}
	names, err := readNames(w.ctx, w.tx)
	if err != nil {
		return nil, err
	}
	for address, name := range names {
		if w.names[address] == "" {
			w.names[address] = name
		}
	}
	return addresses, nil
}

// eachOld calls visit for all that the store held, message after message.
func (w *Writer) eachOld(r *Reader, visit func(*oldRow) error) error {
	for _, old := range selectOld {
		if err := w.present.compare(w.ctx, w.tx, old.table); err != nil {
			return err
		}
		if err := w.eachOldOf(r, old.table, old.query, visit); err != nil {
			return err
		}
	}
	return nil
}

func (w *Writer) eachOldOf(r *Reader, table, query string, visit func(*oldRow) error) error {
	rows, err := w.tx.QueryContext(w.ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for place := uint32(0); rows.Next(); place++ {
		row := oldRow{present: w.present.has(table, place)}
		if err := r.scanOld(rows, &row); err != nil {
			return err
		}
		if err := visit(&row); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (r *Reader) scanOld(rows *sql.Rows, row *oldRow) error {
	var sender int64
	var guid, target any
	var attachment, transcript, root, path sql.NullString
	var targetPart sql.NullInt64
	err := rows.Scan(&row.place, &row.Row, &guid, &row.Part, &row.Date, &sender, &row.Kind, &row.Text, &attachment, &transcript,
		&root, &path, &target, &targetPart, &row.Removal, &row.origin)
	if err != nil {
		return err
	}
	if row.GUID, err = unpackGUID(guid); err != nil {
		return err
	}
	if target != nil {
		row.TargetPart = int(targetPart.Int64)
		if row.TargetGUID, err = unpackGUID(target); err != nil {
			return err
		}
	}
	row.Attachment, row.Transcript = attachment.String, transcript.String
	row.File = newFile(root.String, path.String, row.Text)
	row.Sender, err = r.address(sender)
	return err
}

// mergeShared makes one message of those that both the store, or another source, and a source collected now hold.
func (w *Writer) mergeShared() error {
	if err := w.leaveOutRetracted(); err != nil {
		return err
	}
	if w.fuller {
		if _, err := w.leaveOut(findLesser); err != nil {
			return err
		}
	}
	pairs, err := w.sharedSets()
	if err != nil || len(pairs) == 0 {
		return err
	}
	if _, err := w.leaveOut(findDouble); err != nil {
		return err
	}
	for _, p := range pairs {
		if _, err := w.tx.ExecContext(w.ctx, joinOrigin, w.sources.joined(p[0], p[1]), p[0], p[1]); err != nil {
			return err
		}
	}
	return nil
}

// leaveOut leaves out the staged rows that a query finds, and returns how many of them are new.
func (w *Writer) leaveOut(query string) (fresh int, err error) {
	rows, err := w.tx.QueryContext(w.ctx, query)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var row uint32
		var old bool
		if err := rows.Scan(&row, &old); err != nil {
			return fresh, err
		}
		if w.order.dead.set(row - 1); !old {
			fresh++
		}
	}
	return fresh, rows.Err()
}

// sharedSets are the pairs of origins, new and old, that hold a message both.
func (w *Writer) sharedSets() (pairs [][2]int64, err error) {
	rows, err := w.tx.QueryContext(w.ctx, sharedSets)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var p [2]int64
		if err := rows.Scan(&p[0], &p[1]); err != nil {
			return nil, err
		}
		pairs = append(pairs, p)
	}
	return pairs, rows.Err()
}
