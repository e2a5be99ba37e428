package messages

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// Whatever order records are added in, they come back whole and in the order of their keys, and each once.
func TestBacklog_RecordsInOrder(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	number := func() int64 { return random.Int64() >> random.IntN(64) * int64(1-2*random.IntN(2)) }
	text := func() string { return strings.Repeat("é\x00", random.IntN(20)) }
	var b backlog
	for batch := range 2 {
		var want []record
		for range 3000 {
			e := record{id: guidKey(1, text()) + number(), chat: number(), date: number(), sender: number(), kind: number(), state: number(), part: number(),
				guid: text(), text: text(), attachment: text(), transcript: text(), path: text(), root: number()}
			for _, o := range e.optionals() {
				if random.IntN(2) == 0 {
					*o = optional(number())
				}
			}
			want = append(want, e)
		}
		want = append(want, record{id: 7, text: strings.Repeat("x", 3*backlogChunk)})
		for i := range want {
			b.add(&want[i])
		}
		slices.SortFunc(want, func(x, y record) int { return cmp.Compare(x.id, y.id) })
		var got []record
		err := b.each(func(e *record) error {
			got = append(got, *e)
			return nil
		})
		if err != nil || !slices.Equal(got, want) || b.writes != batch+1 || b.size != 0 {
			t.Errorf("%d records came back of %d, %d bytes are left (%v)", len(got), len(want), b.size, err)
		}
	}
	if err := b.each(func(*record) error { return nil }); err != nil || b.writes != 2 {
		t.Errorf("an empty backlog was written %d times (%v)", b.writes, err)
	}
}
