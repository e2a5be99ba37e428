package imessage

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/gob"
	"hash/fnv"
	"maps"
	"runtime/debug"
	"slices"
	"sync"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/imessage/sqlitepages"
)

// stateFormat changes with what a state holds. A state of another format is not used, nor one that another build of this
// program left, as that may have read rows in another way: then the source is read as a whole.
const stateFormat = 4

// program tells builds of this program apart, as far as they were built from different commits.
var program = sync.OnceValue(func() string {
	info, _ := debug.ReadBuildInfo()
	if info == nil {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return info.Main.Version
})

// state is a source's account of itself at the end of a collection, from which the next can tell what has changed.
type state struct {
	Format  int
	Program string
	Include sources.FateSet
	// Leaves are the leaves of each of the surveyed tables, as pages writes them.
	Leaves [surveyedTables][]byte
	// Links and Attached are the joins of the messages to chats and attachments, Recoverable those of the recently deleted.
	Links, Attached []byte
	Recoverable     []byte
	// Handles and Chats are what counts of each, summed up.
	Handles, Chats map[int64]uint64
	// Eras are the eras of the groups that have more than one.
	Eras map[int64][]savedEra
	// Rows, Damaged and Unknown are those of the Summary, row by row.
	Rows    sources.FateCounts
	Damaged []int64
	Unknown map[int64]string
}

// savedEra is an era.
type savedEra struct {
	Date, Row int64
	Members   []messages.Member
}

// surveyed are the tables whose pages are looked at. What is in the others is little, and read each time.
var surveyed = [surveyedTables]string{"message", chatJoin.name, attachmentJoin.name, "attachment"}

const surveyedTables = 4

// survey returns the leaves of the surveyed tables; nil where the file does not lend itself to that.
func (s *Source) survey(ctx context.Context) map[string][]sqlitepages.Leaf {
	if s.look == nil {
		return nil
	}
	leaves, err := s.look.Survey(ctx, s.roots)
	if err != nil {
		return nil
	}
	return leaves
}

// readRoots finds the first pages of the surveyed tables. It finds none if a table has no row ids, or text is not UTF-8:
// such files are read as a whole each time.
func (s *Source) readRoots(ctx context.Context) error {
	s.roots = make(map[string]uint32)
	return s.each(ctx, `SELECT name, rootpage, sql FROM sqlite_master WHERE type = 'table'`, func(r record) error {
		if name := r.text(0); slices.Contains(surveyed[:], name) && !bytes.Contains(bytes.ToUpper(r.bytes(2)), []byte("WITHOUT ROWID")) {
			s.roots[name] = uint32(r.int(1))
		}
		return nil
	})
}

// newState makes the account of a source that was read as a whole; nil if there can be none.
func (c *collector) newState(ctx context.Context, leaves map[string][]sqlitepages.Leaf) (*state, error) {
	if leaves == nil || len(c.summary.Unreadable) > 0 {
		return nil, nil
	}
	var attached, recoverable joinList
	if err := c.source.eachJoin(ctx, attachmentJoin, everything, attached.add); err != nil {
		return nil, err
	}
	if err := c.source.eachJoin(ctx, recoverableJoin, everything, recoverable.add); err != nil {
		return nil, err
	}
	st := &state{Format: stateFormat, Program: program(), Include: c.options.Include, Links: c.directory.links.data,
		Attached: attached.data, Recoverable: recoverable.data, Handles: c.directory.handleSums(), Chats: c.directory.chatSums(),
		Eras: c.directory.savedEras(), Damaged: c.damaged, Unknown: c.unknown}
	st.setLeaves(leaves)
	return st, nil
}

func (st *state) setLeaves(leaves map[string][]sqlitepages.Leaf) {
	for i, table := range surveyed {
		st.Leaves[i] = sqlitepages.AppendLeaves(nil, leaves[table])
	}
}

// large are the fields that grow with the history.
func (st *state) large() []*[]byte {
	list := []*[]byte{&st.Links, &st.Attached}
	for i := range st.Leaves {
		list = append(list, &st.Leaves[i])
	}
	return list
}

// encode writes an account as bytes. The large fields are not left to gob, which would copy each of them several times.
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

// decodeState returns the account of an earlier collection; nil if it is of no use.
func decodeState(data []byte, include sources.FateSet) *state {
	st := new(state)
	head, data, ok := cutBytes(data)
	if !ok || gob.NewDecoder(bytes.NewReader(head)).Decode(st) != nil || st.Format != stateFormat || st.Program != program() || st.Include != include {
		return nil
	}
	for _, field := range st.large() {
		if *field, data, ok = cutBytes(data); !ok {
			return nil
		}
	}
	return st
}

// handleSums sums up what counts of each handle.
func (d *directory) handleSums() map[int64]uint64 {
	sums := make(map[int64]uint64, len(d.handles))
	for id, p := range d.handles {
		sums[id] = sum(p.key, p.address)
	}
	return sums
}

// chatSums sums up what counts of each chat: whether it is a group, and its members.
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

// holds tells whether everything that was summed up is as it was; there may be more.
func holds(old, new map[int64]uint64) bool {
	for id, s := range old {
		if n, known := new[id]; !known || n != s {
			return false
		}
	}
	return true
}

// differing returns what has come, gone or changed of what was summed up.
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

func (d *directory) savedEras() map[int64][]savedEra {
	saved := make(map[int64][]savedEra)
	for id, c := range d.chats {
		if len(c.eras) < 2 {
			continue
		}
		for _, e := range c.eras {
			saved[id] = append(saved[id], savedEra{e.end.date, e.end.row, e.members})
		}
	}
	return saved
}

// useEras gives the chats the eras of an earlier collection.
func (d *directory) useEras(saved map[int64][]savedEra) {
	for id, c := range d.chats {
		c.useToday()
		if list := saved[id]; len(list) > 0 {
			c.eras = nil
			for _, e := range list {
				c.eras = append(c.eras, era{end: moment{e.Date, e.Row}, group: c.group, members: e.Members})
			}
		}
	}
}

// countUnknown counts rows by the value that is not known.
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
