package store

import (
	"cmp"
	"slices"
)

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

// candidate is a message that may be what is answered.
type candidate struct {
	entry       uint32
	part, place int32
	shortened   bool
}

// answersAtOnce is how many answers are looked for in one pass over the entries; tests take fewer.
var answersAtOnce = 200_000

// aim finds what the entries answer: the first message of the named part, else the first of the row, unless that lost
// parts. Reactions are not answered. It tells of the entries that answer what is not there; reactions among them are dead.
func (o *order) aim(unanswered func(*answer) error) error {
	var some []answer
	err := o.answers.each(func(a *answer) error {
		if o.dead.has(a.entry) {
			return nil
		}
		if some = append(some, *a); len(some) < answersAtOnce {
			return nil
		}
		defer func() { some = some[:0] }()
		return o.aimSome(some, unanswered)
	})
	if err != nil {
		return err
	}
	return o.aimSome(some, unanswered)
}

func (o *order) aimSome(answers []answer, unanswered func(*answer) error) error {
	if len(answers) == 0 {
		return nil
	}
	wanted := make(map[uint64][]candidate, len(answers))
	for i := range answers {
		wanted[answers[i].guid] = nil
	}
	err := o.eachLiving(func(n uint32, s *staged) error {
		if s.flags.is(isRemoval | isReaction) {
			return nil
		}
		if list, is := wanted[s.guid]; is {
			wanted[s.guid] = append(list, candidate{n, s.part, s.place, s.flags.is(isShortened)})
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i := range answers {
		a := &answers[i]
		target, found := pick(wanted[a.guid], a.wants)
		if found {
			err = o.byTarget.add(aimed{a.entry, target})
		} else if err = unanswered(a); a.flags.is(isReaction | isRemoval) {
			o.dead.set(a.entry)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// pick picks the message that an answer means among those of a row.
func pick(list []candidate, wants int32) (entry uint32, found bool) {
	slices.SortFunc(list, func(a, b candidate) int { return cmp.Or(cmp.Compare(a.place, b.place), cmp.Compare(a.entry, b.entry)) })
	for _, c := range list {
		if c.part == wants {
			return c.entry, true
		}
	}
	for _, c := range list {
		if wants < 0 || !c.shortened {
			return c.entry, true
		}
	}
	return 0, false
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

// eachNumber calls visit for what comes into the store, in the order of the stage: its id, 0 for the taking back of a
// reaction, and the id of what it answers, 0 for nothing.
func (o *order) eachNumber(visit func(n uint32, id, target int64) error) error {
	targets, err := o.targets()
	if err != nil {
		return err
	}
	ids, err := o.byNumber.sorted()
	if err != nil {
		return err
	}
	answers, err := targets.sorted()
	if err != nil {
		return err
	}
	idOf, targetOf := follow(ids), follow(answers)
	return o.eachLiving(func(n uint32, _ *staged) error {
		id, err := idOf(n)
		if err != nil {
			return err
		}
		target, err := targetOf(n)
		if err != nil {
			return err
		}
		return visit(n, id, target)
	})
}

// targets are the ids of what entries answer.
func (o *order) targets() (*sorter[numbered], error) {
	targets := newSorter(o.scratch, byEntry)
	ids, err := o.byNumber.sorted()
	if err != nil {
		return nil, err
	}
	answers, err := o.byTarget.sorted()
	if err != nil {
		return nil, err
	}
	idOf := follow(ids)
	for {
		a, some, err := answers.next()
		if err != nil || !some {
			return targets, err
		}
		id, err := idOf(a.target)
		if err == nil {
			err = targets.add(numbered{id, a.entry})
		}
		if err != nil {
			return nil, err
		}
	}
}

// follow looks ids up by entries that come in order.
func follow(ids *stream[numbered]) func(n uint32) (int64, error) {
	var head numbered
	some, begun := true, false
	return func(n uint32) (int64, error) {
		for some && (!begun || head.entry < n) {
			var err error
			if head, some, err = ids.next(); err != nil {
				return 0, err
			}
			begun = true
		}
		if some && head.entry == n {
			return head.id, nil
		}
		return 0, nil
	}
}
