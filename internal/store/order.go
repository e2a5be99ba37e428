package store

import (
	"cmp"
	"slices"
)

// staged is what is kept in memory of a staged entry, to find its place and what it answers; its number is that of its row
// in the table stage, less one. Identifiers are summed up in 64 bits: that two of a million are confused happens once in
// a hundred million collections.
type staged struct {
	date, row      int64
	guid, target   uint64 // sums; 0 in target answers nothing
	conversation   int32
	part, wants    int32 // wants is the part that it answers
	place          int32
	removal, react bool
	shortened, old bool
	dead           bool // it does not come into the store
}

// entryList is the staged entries, in pieces: a slice that grows would be copied again and again.
type entryList struct {
	pieces [][]staged
	count  int
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
	wanted := make(map[uint64][]uint32)
	for n := range uint32(o.count) {
		if s := o.at(n); s.target != 0 && !s.dead {
			wanted[s.target] = nil
		}
	}
	for n := range uint32(o.count) {
		s := o.at(n)
		if s.dead || s.removal || s.react {
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
	for n := range uint32(o.count) {
		s := o.at(n)
		if s.target == 0 || s.dead {
			continue
		}
		if o.targets[n] = o.answered(s, wanted[s.target]); o.targets[n] == 0 {
			unanswered = append(unanswered, n)
			s.dead = s.react || s.removal
		}
	}
	return unanswered
}

// answered picks the message that an entry answers among those of a row; one more than its number, or 0.
func (o *order) answered(s *staged, list []uint32) uint32 {
	for _, n := range list {
		if o.at(n).part == s.wants {
			return n + 1
		}
	}
	for _, n := range list {
		if s.wants < 0 || !o.at(n).shortened {
			return n + 1
		}
	}
	return 0
}

// number gives the messages their ids: those of a conversation follow each other by date, row and place, and there is
// room behind them.
func (o *order) number(conversations int) {
	starts := make([]int, conversations+2) // where a conversation's messages begin in sequence
	for n := range uint32(o.count) {
		if s := o.at(n); !s.dead && !s.removal {
			starts[s.conversation+1]++
		}
	}
	for c := range conversations + 1 {
		starts[c+1] += starts[c]
	}
	o.sequence = make([]uint32, starts[conversations+1])
	next := slices.Clone(starts)
	for n := range uint32(o.count) {
		if s := o.at(n); !s.dead && !s.removal {
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
	return cmp.Or(cmp.Compare(s.date, t.date), cmp.Compare(s.row, t.row), cmp.Compare(s.place, t.place), cmp.Compare(a, b))
}
