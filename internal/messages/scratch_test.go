package messages

import (
	"cmp"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
)

// HoldLittle has a test hold a few values in memory, and the rest in files.
func HoldLittle(t *testing.T) {
	bytes, answers := heldBytes, answersAtOnce
	heldBytes, answersAtOnce = 300, 3
	t.Cleanup(func() { heldBytes, answersAtOnce = bytes, answers })
}

// A sorter gives what it got, in order, as often as it is asked, whether or not that fits into memory; and it leaves nothing
// behind.
func TestSorter_SortsWhatDoesNotFit(t *testing.T) {
	HoldLittle(t)
	for _, n := range []int{0, 1, 36, 37, 38, 75, 5000, 40_000} {
		s := &scratch{dir: t.TempDir()}
		type pair struct{ key, place int32 }
		sorter := newSorter(s, func(a, b pair) int { return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.place, b.place)) })
		random := rand.New(rand.NewPCG(uint64(n), 1))
		var want []pair
		for i := range n {
			p := pair{random.Int32N(100), int32(i)}
			want = append(want, p)
			if err := sorter.add(p); err != nil {
				t.Fatal(err)
			}
		}
		slices.SortFunc(want, sorter.compare)
		for range 2 {
			in, err := sorter.sorted()
			if err != nil {
				t.Fatal(err)
			}
			var got []pair
			for {
				p, some, err := in.next()
				if err != nil {
					t.Fatal(err)
				}
				if !some {
					break
				}
				got = append(got, p)
			}
			if !slices.Equal(got, want) {
				t.Fatalf("%d values are out of order", n)
			}
		}
		if left, _ := os.ReadDir(s.dir); len(left) > 0 {
			t.Errorf("%d files lie about", len(left))
		}
		s.Close()
	}
}

func TestPile_KeepsTheOrder(t *testing.T) {
	HoldLittle(t)
	s := &scratch{dir: t.TempDir()}
	defer s.Close()
	p := newPile[uint64](s)
	for i := range uint64(20_000) {
		if err := p.add(i * i); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		next := uint64(0)
		err := p.each(func(v *uint64) error {
			if *v != next*next {
				t.Fatalf("value %d is %d", next, *v)
			}
			next++
			return nil
		})
		if err != nil || next != 20_000 || p.count() != 20_000 {
			t.Fatalf("%d values of %d (%v)", next, p.count(), err)
		}
	}
}
