package imessage

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/gob"
	"errors"
	"hash/fnv"
	"maps"
	"slices"

	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/imessage/sqlitepages"
)

// stateFormat changes when a field of state changes its meaning; a new field is zero in an older state. A state of another
// format is ignored: then all rows may have changed.
const stateFormat = 5

// state is saved by a collect so that the next one can determine which rows may have changed.
type state struct {
	Format  int
	Rules   int // how many of the rules it was read by
	Include sources.FateSet
	// Leaves are the leaves of each surveyed table, as encoded by sqlitepages.
	Leaves [surveyedTables][]byte
	// Joins are the packed rows of the join tables of messages with chats and attachments.
	Joins [len(joinTables)][]byte
	// Handles and Chats are checksums of the relevant content of each handle and chat.
	Handles, Chats map[int64]uint64
	// Rows are the fates of the rows before reactions are matched.
	Rows    sources.FateCounts
	Damaged []int64
	Unknown map[int64]string
	// Undated are the rows that depend on other rows, mostly for their date.
	Undated []int64
}

// surveyed lists the tables whose pages are surveyed. The other tables are small and are read every time.
var surveyed = [surveyedTables]string{"message", joinTables[chats].name, joinTables[attachments].name, "attachment"}

const surveyedTables = 4

// errNoSnapshot means that the WAL was begun anew again and again while the transaction began.
var errNoSnapshot = errors.New("it is not known which pages of it the transaction sees")

// survey returns the leaves of the surveyed tables.
func (s *Source) survey(ctx context.Context) (map[string][]sqlitepages.Leaf, error) {
	if s.snapshot == nil {
		return nil, errNoSnapshot
	}
	return s.snapshot.Survey(ctx, s.roots)
}

// readRoots finds the root pages of the surveyed tables, and the join tables without row IDs.
func (s *Source) readRoots(ctx context.Context) error {
	s.roots, s.withoutRowID = make(map[string]uint32), make(map[string]bool)
	return s.each(ctx, `SELECT name, rootpage, sql FROM sqlite_master WHERE type = 'table'`, func(r record) error {
		name := r.text(0)
		switch isJoin := slices.ContainsFunc(joinTables[:], func(t joinTable) bool { return t.name == name }); {
		case !isJoin && !slices.Contains(surveyed[:], name):
		case bytes.Contains(bytes.ToUpper(r.bytes(2)), []byte("WITHOUT ROWID")):
			s.withoutRowID[name] = true
		case slices.Contains(surveyed[:], name):
			s.roots[name] = uint32(r.int(1))
		}
		return nil
	})
}

// large returns the fields that grow with the history.
func (st *state) large() []*[]byte {
	var list []*[]byte
	for i := range st.Joins {
		list = append(list, &st.Joins[i])
	}
	for i := range st.Leaves {
		list = append(list, &st.Leaves[i])
	}
	return list
}

// encode serializes a state. It does not use gob for the large fields, because gob would copy each of them several times.
func (st *state) encode() []byte {
	small := *st
	size := 0
	for _, field := range small.large() {
		size += len(*field) + binary.MaxVarintLen64
		*field = nil
	}
	var head bytes.Buffer
	if gob.NewEncoder(&head).Encode(&small) != nil {
		return nil
	}
	out := make([]byte, 0, size+head.Len()+binary.MaxVarintLen64)
	out = appendBytes(out, head.Bytes())
	for _, field := range st.large() {
		out = appendBytes(out, *field)
	}
	return out
}

func appendBytes(dst, data []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(data))), data...)
}

// cutBytes is the inverse of appendBytes.
func cutBytes(data []byte) (field, rest []byte, ok bool) {
	n, size := binary.Uvarint(data)
	if size <= 0 || n > uint64(len(data)-size) {
		return nil, nil, false
	}
	data = data[size:]
	return data[:n:n], data[n:], true
}

// decodeState returns the state of an earlier collect, or nil if it is not usable.
func decodeState(data []byte) *state {
	st := new(state)
	head, data, ok := cutBytes(data)
	if !ok || gob.NewDecoder(bytes.NewReader(head)).Decode(st) != nil || st.Format != stateFormat || st.Rules > len(rules) {
		return nil
	}
	for _, field := range st.large() {
		if *field, data, ok = cutBytes(data); !ok {
			return nil
		}
	}
	return st
}

// handleSums returns a checksum of the relevant content of each handle.
func (d *directory) handleSums() map[int64]uint64 {
	sums := make(map[int64]uint64, len(d.handles))
	for id, p := range d.handles {
		sums[id] = sum(p.key, p.address)
	}
	return sums
}

// chatSums returns a checksum of the relevant content of each chat: whether it is a group, its name and its members.
func (d *directory) chatSums() map[int64]uint64 {
	sums := make(map[int64]uint64, len(d.chats))
	for id, c := range d.chats {
		parts := []string{"direct"}
		if c.group {
			parts[0] = "group"
		}
		for _, p := range c.members {
			parts = append(parts, p.key, p.address)
		}
		if c.group && c.title != "" {
			parts = append(parts, "name", c.title)
		}
		sums[id] = sum(parts...)
	}
	return sums
}

func sum(parts ...string) uint64 {
	h := fnv.New64a()
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	return h.Sum64()
}

// differing returns the keys that were added, removed or changed between two sets of checksums.
func differing(old, new map[int64]uint64) map[int64]bool {
	list := make(map[int64]bool)
	for id, s := range old {
		if n, known := new[id]; !known || n != s {
			list[id] = true
		}
	}
	for id := range new {
		if _, known := old[id]; !known {
			list[id] = true
		}
	}
	return list
}

// countUnknown counts rows by their unknown value.
func countUnknown(rows map[int64]string) map[string]int64 {
	if len(rows) == 0 {
		return nil
	}
	counts := make(map[string]int64)
	for value := range maps.Values(rows) {
		counts[value]++
	}
	return counts
}
