package messages

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
