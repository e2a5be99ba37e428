package messages

import "cmp"

// staged is what is kept of a staged entry to find its place. Its number is that of its row in the table stage, less one.
// Identifiers are summed up in 64 bits: that two of a million are confused happens once in a hundred million collections.
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
)

func (f flags) is(g flags) bool { return f&g != 0 }

// answer is what an entry answers.
type answer struct {
	guid  uint64 // the sum of the identifier
	entry uint32 // its number
	wants int32  // the part
	flags flags  // of the entry
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

// bits is a set of numbers.
type bits []uint64

func (b *bits) set(n uint32) {
	for int(n/64) >= len(*b) {
		*b = append(*b, 0)
	}
	(*b)[n/64] |= 1 << (n % 64)
}

func (b bits) has(n uint32) bool { return int(n/64) < len(b) && b[n/64]&(1<<(n%64)) != 0 }

// order is where the staged entries go. No more of them is held in memory than a bit each, however many there are.
type order struct {
	scratch  *scratch
	entries  *pile[staged]
	answers  *pile[answer]
	dead     bits              // what does not come into the store
	byTarget *sorter[aimed]    // what is answered
	byNumber *sorter[numbered] // the ids of messages
	ranges   map[int32]Range   // the ids of conversations, by number
}

// aimed is an entry and the one that it answers.
type aimed struct{ entry, target uint32 }

// numbered is an entry and an id.
type numbered struct {
	id    int64
	entry uint32
}

func byEntry(a, b numbered) int { return cmp.Compare(a.entry, b.entry) }

func newOrder(s *scratch) *order {
	return &order{scratch: s, entries: newPile[staged](s), answers: newPile[answer](s), ranges: map[int32]Range{}, byNumber: newSorter(s, byEntry),
		byTarget: newSorter(s, func(a, b aimed) int { return cmp.Or(cmp.Compare(a.target, b.target), cmp.Compare(a.entry, b.entry)) })}
}

// eachLiving calls visit for the entries that are not dead.
func (o *order) eachLiving(visit func(n uint32, s *staged) error) error {
	n := uint32(0)
	return o.entries.each(func(s *staged) error {
		n++
		if o.dead.has(n - 1) {
			return nil
		}
		return visit(n-1, s)
	})
}

// placed is what orders the entries of a file.
type placed struct {
	date, row    int64
	guid         uint64
	conversation int32
	place        int32
	entry        uint32
}

// comparePlaced is asked so often that it looks at no more than it must.
func comparePlaced(a, b placed) int {
	switch {
	case a.conversation != b.conversation:
		return cmp.Compare(a.conversation, b.conversation)
	case a.date != b.date:
		return cmp.Compare(a.date, b.date)
	case a.row != b.row:
		return cmp.Compare(a.row, b.row)
	}
	return cmp.Or(cmp.Compare(a.guid, b.guid), cmp.Compare(a.place, b.place), cmp.Compare(a.entry, b.entry))
}

// number gives the messages their ids: those of a conversation follow each other by date, row, source and place, and
// there is room behind them.
func (o *order) number() error {
	sorted := newSorter(o.scratch, comparePlaced)
	err := o.eachLiving(func(n uint32, s *staged) error {
		if s.flags.is(isRemoval) {
			return nil
		}
		return sorted.add(placed{s.date, s.row, s.guid, s.conversation, s.place, n})
	})
	if err != nil {
		return err
	}
	all, err := sorted.sorted()
	if err != nil {
		return err
	}
	at, conversation := Range{}, int32(0)
	for {
		p, some, err := all.next()
		if err != nil || !some {
			return err
		}
		if p.conversation != conversation {
			next := int64(1)
			if conversation != 0 {
				next = at.First + room(at.Last-at.First+1)
			}
			at, conversation = Range{next, next - 1}, p.conversation
		}
		at.Last++
		o.ranges[conversation] = at
		if err := o.byNumber.add(numbered{at.Last, p.entry}); err != nil {
			return err
		}
	}
}
