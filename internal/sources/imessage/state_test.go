package imessage

import "testing"

// A state of another format, or one that knows more rules, is of no use. One that knows fewer rules is.
func TestDecodeState_OnlyWhatIsUnderstood(t *testing.T) {
	released := rules
	defer func() { rules = released }()
	rules = append(rules[:len(rules):len(rules)], rule{})
	same := state{Format: stateFormat, Rules: len(rules), Joins: [len(joinTables)][]byte{[]byte("7")}}
	for name, c := range map[string]struct {
		change func(*state)
		useful bool
	}{
		"Same":        {func(*state) {}, true},
		"OtherFormat": {func(s *state) { s.Format++ }, false},
		"FewerRules":  {func(s *state) { s.Rules-- }, true},
		"MoreRules":   {func(s *state) { s.Rules++ }, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := same
			c.change(&s)
			if got := decodeState(s.encode()); (got != nil) != c.useful || got != nil && string(got.Joins[0]) != "7" {
				t.Errorf("decoded %+v", got)
			}
		})
	}
	if decodeState(nil) != nil || decodeState([]byte("nonsense")) != nil {
		t.Error("nonsense was decoded")
	}
}

func TestPackedJoins_AsTheyWere(t *testing.T) {
	rows := []join{{1, 1, 5}, {2, 2, 5}, {3, 9, 7}, {7, 3, -1}, {8, 4, 1 << 40}}
	var l packedJoins
	for _, j := range rows {
		l.add(j)
	}
	n := 0
	err := l.each(func(j join) {
		if n >= len(rows) || j != rows[n] {
			t.Errorf("row %d is %v", n, j)
		}
		n++
	})
	if err != nil || n != len(rows) {
		t.Errorf("%d rows, %v", n, err)
	}
	cut := packedJoins{data: l.data[:len(l.data)-1]}
	if cut.each(func(join) {}) == nil {
		t.Error("a list that ends early was taken for whole")
	}
}
