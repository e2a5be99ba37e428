package store

import (
	"cmp"
	"slices"
)

// staged is what is kept in memory of a staged entry, to find its place: 40 bytes and no pointers, as there may be
// millions. Its number is that of its row in the table stage, less one. Identifiers are summed up in 64 bits: that two of
// a million are confused happens once in a hundred million collections.
type staged struct {
	date, row    int64
	guid         uint64 // its sum
	conversation int32
	part, place  int32
	flags        flags
}

// flags are what else counts of an entry.
type flags uint8

const (
	isRemoval flags = 1 << iota
	isReaction
	isShortened
	isOld
	isDead // it does not come into the store
)

func (s *staged) is(f flags) bool { return s.flags&f != 0 }

// answer is what an entry answers.
type answer struct {
	entry uint32 // its number
	wants int32  // the part
	guid  uint64 // the sum of the identifier
}

// flagsOf says of an entry what counts.
func flagsOf(e *Entry, old bool) (f flags) {
	if e.Removal {
		f |= isRemoval
	}
	if e.Kind == Reaction {
		f |= isReaction
	}
	if e.Shortened {
		f |= isShortened
	}
	if old {
		f |= isOld
	}
	return f
}

// entryList is the staged entries, in pieces: a slice that grows would be copied again and again.
type entryList struct {
	pieces  [][]staged
	count   int
	answers []answer
}

const listPiece = 1 << 14

func (l *entryList) add(s staged) {
	if l.count%listPiece == 0 {
		l.pieces = append(l.pieces, make([]staged, 0, listPiece))
	}
	last := &l.pieces[len(l.pieces)-1]
	*last = append(*last, s)
	l.count++
}

func (l *entryList) at(n uint32) *staged { return &l.pieces[n/listPiece][n%listPiece] }

// order is where the staged entries go.
type order struct {
	*entryList
	sequence []uint32 // the messages, in the order of the file
	ids      []int64  // by number; 0 for what is no message
	targets  []uint32 // by number, one more than the number of what it answers; 0 for nothing
	first    []int64  // by conversation
	last     []int64
}

// aim finds what the entries answer: the first message of the named part, else the first of the row, unless that lost
// parts. Reactions are not answered. It returns the entries that answer what is not there; reactions among them are dead.
func (o *order) aim() (unanswered []uint32) {
	o.targets = make([]uint32, o.count)
	wanted := make(map[uint64][]uint32, len(o.answers))
	for _, a := range o.answers {
		wanted[a.guid] = nil
	}
	for n := range uint32(o.count) {
		s := o.at(n)
		if s.is(isDead | isRemoval | isReaction) {
			continue
		}
		if list, is := wanted[s.guid]; is {
			wanted[s.guid] = append(list, n)
		}
	}
	for guid, list := range wanted {
		slices.SortFunc(list, func(a, b uint32) int { return cmp.Or(cmp.Compare(o.at(a).place, o.at(b).place), cmp.Compare(a, b)) })
		wanted[guid] = list
	}
	for _, a := range o.answers {
		s := o.at(a.entry)
		if s.is(isDead) {
			continue
		}
		if o.targets[a.entry] = o.answered(a.wants, wanted[a.guid]); o.targets[a.entry] == 0 {
			if unanswered = append(unanswered, a.entry); s.is(isReaction | isRemoval) {
				s.flags |= isDead
			}
		}
	}
	return unanswered
}

// answered picks the message that an entry answers among those of a row; one more than its number, or 0.
func (o *order) answered(wants int32, list []uint32) uint32 {
	for _, n := range list {
		if o.at(n).part == wants {
			return n + 1
		}
	}
	for _, n := range list {
		if wants < 0 || !o.at(n).is(isShortened) {
			return n + 1
		}
	}
	return 0
}

// number gives the messages their ids: those of a conversation follow each other by date, row, source and place, and
// there is room behind them.
func (o *order) number(conversations int) {
	starts := make([]int, conversations+2) // where a conversation's messages begin in sequence
	for n := range uint32(o.count) {
		if s := o.at(n); !s.is(isDead | isRemoval) {
			starts[s.conversation+1]++
		}
	}
	for c := range conversations + 1 {
		starts[c+1] += starts[c]
	}
	o.sequence = make([]uint32, starts[conversations+1])
	next := slices.Clone(starts)
	for n := range uint32(o.count) {
		if s := o.at(n); !s.is(isDead | isRemoval) {
			o.sequence[next[s.conversation]] = n
			next[s.conversation]++
		}
	}
	o.ids, o.first, o.last = make([]int64, o.count), make([]int64, conversations+1), make([]int64, conversations+1)
	id := int64(1)
	for c := 1; c <= conversations; c++ {
		list := o.sequence[starts[c]:starts[c+1]]
		if len(list) == 0 {
			continue
		}
		slices.SortFunc(list, o.compare)
		for i, n := range list {
			o.ids[n] = id + int64(i)
		}
		count := int64(len(list))
		o.first[c], o.last[c] = id, id+count-1
		id += room(count)
	}
}

func (o *order) compare(a, b uint32) int {
	s, t := o.at(a), o.at(b)
	return cmp.Or(cmp.Compare(s.date, t.date), cmp.Compare(s.row, t.row), cmp.Compare(s.guid, t.guid), cmp.Compare(s.place, t.place), cmp.Compare(a, b))
}
