package imessage

import (
	"cmp"
	"context"
	"database/sql/driver"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources/imessage/sqlitepages"
)

// join is a row of a table that joins messages to chats or attachments.
type join struct{ row, message, other int64 }

// joinTable is a join table and its columns.
type joinTable struct{ name, message, other string }

// The join tables.
const (
	chats        = iota // the chats of messages
	attachments         // the attachments of messages
	recoverables        // the chats of recently deleted messages
)

var joinTables = [...]joinTable{
	chats:        {"chat_message_join", "message_id", "chat_id"},
	attachments:  {"message_attachment_join", "message_id", "attachment_id"},
	recoverables: {"chat_recoverable_message_join", "message_id", "chat_id"},
}

// allJoins is the range of all rows of a join table.
var allJoins = sqlitepages.Range{First: math.MinInt64, Last: math.MaxInt64}

// packedJoins holds the rows of a join table in order, in two or three bytes each. A row is stored as twice its distance
// in row IDs from the previous row, plus one if its message is not the next one; then the distance in messages follows.
// Last comes what the message is joined to.
type packedJoins struct {
	data []byte
	last join
}

func (l *packedJoins) add(j join) {
	head := uint64(j.row-l.last.row) << 1
	if j.message == l.last.message+1 {
		l.data = binary.AppendUvarint(l.data, head)
	} else {
		l.data = binary.AppendUvarint(l.data, head|1)
		l.data = binary.AppendVarint(l.data, j.message-l.last.message)
	}
	l.data = binary.AppendVarint(l.data, j.other)
	l.last = j
}

var errJoins = errors.New("a list of joins ends early")

// each calls visit for every row.
func (l *packedJoins) each(visit func(join)) error {
	var j join
	for data := l.data; len(data) > 0; {
		head, n := binary.Uvarint(data)
		message, m := int64(1), 0
		if n > 0 && head&1 != 0 {
			if message, m = binary.Varint(data[n:]); m <= 0 {
				return errJoins
			}
		}
		other, k := binary.Varint(data[max(n, 0)+m:])
		if n <= 0 || k <= 0 {
			return errJoins
		}
		j = join{j.row + int64(head>>1), j.message + message, other}
		data = data[n+m+k:]
		visit(j)
	}
	return nil
}

// eachJoin calls visit for the rows of a join table between two row IDs, in order. What damage hides in the table is in its
// index, too.
func (s *Source) eachJoin(ctx context.Context, t joinTable, r sqlitepages.Range, visit func(join)) error {
	if !s.has(t.name, t.message, t.other) {
		return nil
	}
	next := r.First
	err := s.joinsOf(ctx, t, t.name, r, func(j join) {
		next = j.row + 1
		visit(j)
	})
	if !isDamage(err) || s.withoutRowID[t.name] {
		return err
	}
	var list []join
	index := fmt.Sprintf("%s INDEXED BY sqlite_autoindex_%[1]s_1", t.name)
	if s.joinsOf(ctx, t, index, sqlitepages.Range{First: next, Last: r.Last}, func(j join) { list = append(list, j) }) != nil {
		return err
	}
	for _, j := range list {
		visit(j)
	}
	return nil
}

// joinsOf reads joins from a table, or from its index.
func (s *Source) joinsOf(ctx context.Context, t joinTable, from string, r sqlitepages.Range, visit func(join)) error {
	rowID, within, args := "ROWID", "ROWID BETWEEN ? AND ?", []driver.Value{r.First, r.Last}
	if s.withoutRowID[t.name] {
		rowID, within, args = "0", "true", nil
	}
	query := fmt.Sprintf(`SELECT %s, %s, %s FROM %s WHERE %s AND %[2]s IS NOT NULL AND %[3]s IS NOT NULL ORDER BY 1, 2, 3`,
		rowID, t.message, t.other, from, within)
	return s.each(ctx, query, func(r record) error {
		visit(join{r.int(0), r.int(1), r.int(2)})
		return nil
	}, args...)
}

// inRanges reports whether a row ID is in one of the sorted ranges.
func inRanges(ranges []sqlitepages.Range, row int64) bool {
	_, found := slices.BinarySearchFunc(ranges, row, func(r sqlitepages.Range, row int64) int {
		switch {
		case r.Last < row:
			return -1
		case r.First > row:
			return 1
		}
		return 0
	})
	return found
}

// renew returns the list with other rows in the given ranges, and the messages whose joins differ.
func (l *packedJoins) renew(ranges []sqlitepages.Range, is []join) (renewed packedJoins, changed []int64, err error) {
	var was []join
	next := 0
	err = l.each(func(j join) {
		if inRanges(ranges, j.row) {
			was = append(was, j)
			return
		}
		for ; next < len(is) && is[next].row < j.row; next++ {
			renewed.add(is[next])
		}
		renewed.add(j)
	})
	for ; next < len(is); next++ {
		renewed.add(is[next])
	}
	return renewed, differingJoins(was, is), err
}

// differingJoins returns the messages that are not joined to the same things in both lists, which it sorts.
func differingJoins(was, is []join) (messages []int64) {
	byMessage := func(a, b join) int {
		return cmp.Or(cmp.Compare(a.message, b.message), cmp.Compare(a.other, b.other))
	}
	slices.SortFunc(was, byMessage)
	slices.SortFunc(is, byMessage)
	for len(was) > 0 || len(is) > 0 {
		switch {
		case len(is) == 0 || len(was) > 0 && byMessage(was[0], is[0]) < 0:
			messages, was = append(messages, was[0].message), was[1:]
		case len(was) == 0 || byMessage(was[0], is[0]) > 0:
			messages, is = append(messages, is[0].message), is[1:]
		default:
			was, is = was[1:], is[1:]
		}
	}
	return messages
}

// numbersIn is the SQL condition for looking up many rows in one query.
const numbersIn = ` IN (SELECT value FROM json_each(?))`

func asJSON(list any) driver.Value {
	data, err := json.Marshal(list)
	if err != nil {
		return "[]"
	}
	return string(data)
}

func storeRanges(ranges []sqlitepages.Range) []messages.Range {
	list := make([]messages.Range, len(ranges))
	for i, r := range ranges {
		list[i] = messages.Range(r)
	}
	return list
}

// everything is the range of all rows of a table; messages never have other row IDs.
var everything = sqlitepages.Range{First: 0, Last: messages.LastRow}
