package messages

import (
	"cmp"
	"slices"
)

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
