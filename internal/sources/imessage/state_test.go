package imessage

import (
	"testing"

	"ventriloquist/internal/sources"
)

// What another build, another format or another choice left is of no use.
func TestDecodeState_OnlyOfTheSame(t *testing.T) {
	var junk sources.FateSet
	junk[sources.Junk] = true
	same := state{Format: stateFormat, Program: program(), Links: []byte("7")}
	for name, c := range map[string]struct {
		change  func(*state)
		include sources.FateSet
		useful  bool
	}{
		"Same":          {func(*state) {}, sources.FateSet{}, true},
		"OtherFormat":   {func(s *state) { s.Format++ }, sources.FateSet{}, false},
		"OtherProgram":  {func(s *state) { s.Program += "x" }, sources.FateSet{}, false},
		"OtherChoice":   {func(*state) {}, junk, false},
		"TheChoiceMade": {func(s *state) { s.Include = junk }, junk, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := same
			c.change(&s)
			if got := decodeState(s.encode(), c.include); (got != nil) != c.useful || got != nil && string(got.Links) != "7" {
				t.Errorf("decoded %+v", got)
			}
		})
	}
	if decodeState(nil, sources.FateSet{}) != nil || decodeState([]byte("nonsense"), sources.FateSet{}) != nil {
		t.Error("nonsense was decoded")
	}
}

func TestJoinList_AsItWas(t *testing.T) {
	rows := []join{{1, 1, 5}, {2, 2, 5}, {3, 9, 7}, {7, 3, -1}, {8, 4, 1 << 40}}
	var l joinList
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
	cut := joinList{data: l.data[:len(l.data)-1]}
	if cut.each(func(join) {}) == nil {
		t.Error("a list that ends early was taken for whole")
	}
}
