package messages

import (
	"cmp"
	"database/sql"
	"encoding/binary"
	"slices"
)

// backlog holds new records of exports until there are many. Their keys, which are hashes, arrive in no order: one by one, each
// would go to another page of the file.
type backlog struct {
	rows   []backlogRow
	chunks [][]byte // the records, encoded
	size   int      // bytes of chunks
	writes int      // how often records were written
}

// backlogRow is the place of a record in the chunks.
type backlogRow struct {
	id           int64
	chunk, start int32
}

const (
	backlogChunk = 1 << 20
	backlogLimit = 40 << 20 // bytes of chunks
)

// add takes a record. Write it before backlogLimit is exceeded.
func (b *backlog) add(e *record) {
	last := len(b.chunks) - 1
	if last < 0 || len(b.chunks[last])+e.encodedSize() > cap(b.chunks[last]) {
		b.chunks = append(b.chunks, make([]byte, 0, max(backlogChunk, e.encodedSize())))
		last++
	}
	chunk := b.chunks[last]
	b.rows = append(b.rows, backlogRow{e.id, int32(last), int32(len(chunk))})
	b.chunks[last] = e.encode(chunk)
	b.size += len(b.chunks[last]) - len(chunk)
}

// decodedAtOnce is how many records are decoded at once, while earlier ones are written.
const decodedAtOnce = 64

// each calls visit for the records in the order of their keys, and forgets them.
func (b *backlog) each(visit func(*record) error) (err error) {
	if len(b.rows) == 0 {
		return nil
	}
	b.writes++
	slices.SortFunc(b.rows, func(x, y backlogRow) int { return cmp.Compare(x.id, y.id) })
	batches := make(chan []record, 4)
	used := make(chan []record, cap(batches)+2) // those of every batch there may be
	for range cap(used) {
		used <- make([]record, 0, decodedAtOnce)
	}
	go b.decode(batches, used)
	for batch := range batches {
		for i := range batch {
			if err == nil {
				err = visit(&batch[i])
			}
		}
		used <- batch[:0]
	}
	b.rows, b.chunks, b.size = b.rows[:0], nil, 0
	return err
}

// decode passes on the records in the order of rows.
func (b *backlog) decode(batches chan<- []record, used <-chan []record) {
	defer close(batches)
	for rows := range slices.Chunk(b.rows, decodedAtOnce) {
		batch := <-used
		for _, r := range rows {
			e := record{id: r.id}
			e.decode(b.chunks[r.chunk][r.start:])
			batch = append(batch, e)
		}
		batches <- batch
	}
}

// The fields of a record in its encoded form, without its id.
func (e *record) numbers() [6]*int64 {
	return [...]*int64{&e.chat, &e.date, &e.sender, &e.kind, &e.state, &e.part}
}

func (e *record) optionals() [4]*sql.NullInt64 {
	return [...]*sql.NullInt64{&e.target, &e.targetPart, &e.quote, &e.line}
}

func (e *record) strings() [5]*string {
	return [...]*string{&e.guid, &e.text, &e.attachment, &e.transcript, &e.path}
}

// encodedSize returns the most bytes that encode appends.
func (e *record) encodedSize() int {
	const numbers = 6 + 4 + 1 // and a byte that says which of the optional ones there are
	size := numbers*binary.MaxVarintLen64 + 1
	for _, s := range e.strings() {
		size += binary.MaxVarintLen64 + len(*s)
	}
	return size
}

func (e *record) encode(to []byte) []byte {
	for _, n := range e.numbers() {
		to = binary.AppendVarint(to, *n)
	}
	mark := len(to)
	to = append(to, 0)
	for i, n := range e.optionals() {
		if n.Valid {
			to[mark] |= 1 << i
			to = binary.AppendVarint(to, n.Int64)
		}
	}
	for _, s := range e.strings() {
		to = binary.AppendUvarint(to, uint64(len(*s)))
		to = append(to, *s...)
	}
	return binary.AppendVarint(to, e.root)
}

func (e *record) decode(from []byte) {
	integer := func() int64 {
		n, size := binary.Varint(from)
		from = from[size:]
		return n
	}
	for _, n := range e.numbers() {
		*n = integer()
	}
	mark := from[0]
	from = from[1:]
	for i, n := range e.optionals() {
		if mark&(1<<i) != 0 {
			*n = optional(integer())
		}
	}
	for _, s := range e.strings() {
		length, size := binary.Uvarint(from)
		*s, from = string(from[size:size+int(length)]), from[size+int(length):]
	}
	e.root = integer()
}
