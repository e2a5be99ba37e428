package imessage

import "testing"

// What another build or another format left is of no use.
func TestDecodeState_OnlyOfTheSame(t *testing.T) {
	same := state{Format: stateFormat, Program: program(), Joins: [len(joinTables)][]byte{[]byte("7")}}
	for name, c := range map[string]struct {
		change func(*state)
		useful bool
	}{
		"Same":         {func(*state) {}, true},
		"OtherFormat":  {func(s *state) { s.Format++ }, false},
		"OtherProgram": {func(s *state) { s.Program += "x" }, false},
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
