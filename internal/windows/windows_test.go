package windows_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"ventriloquist/internal/windows"
)

// numbered is a conversation of n messages whose texts are their numbers, and another one of m after it.
func numbered(n, m int) []entry {
	texts := make([]string, n+m)
	for i := range texts {
		texts[i] = strconv.Itoa(i)
	}
	entries := said(texts...)
	for i := n; i < n+m; i++ {
		entries[i].members = []string{"+2"}
		if entries[i].Sender != "" {
			entries[i].Sender = "+2"
		}
	}
	return entries
}

func numberOf(t *testing.T, line windows.Line) int {
	t.Helper()
	m, err := windows.ParseMessage(line.Text)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(m.Text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Other programs read the windows from a table of this name.
func TestBuild_StoresTheWindowsOfTheList(t *testing.T) {
	t.Parallel()
	_, _, db := build(t, options(5, 2), numbered(13, 4))
	list, err := windows.OpenDatabase(t.Context(), db.Path(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer list.Close()
	rows, err := db.SQL().Query(`SELECT id, last - first + 1, targets FROM training_windows ORDER BY id`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	n := 0
	for ; rows.Next(); n++ {
		var id, lines, targets int
		if err := rows.Scan(&id, &lines, &targets); err != nil {
			t.Fatal(err)
		}
		w, err := list.Window(id - 1)
		if err != nil || id != n+1 || len(w.Lines) != lines || w.Targets != targets {
			t.Errorf("window %d of the table has %d lines, %d targets; the list has %v (%v)", id, lines, targets, w, err)
		}
	}
	if n != list.Len() || n == 0 {
		t.Errorf("the table has %d windows, the list %d", n, list.Len())
	}
}

// The arithmetic of docs/windows.md, for random sizes: every message is a target exactly once, in order; a window is a run
// of messages that ends with its targets and is as long as Window and the conversation allow.
func TestBuild_EachMessageIsATargetOnce(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	for range 40 {
		n, m := rng.IntN(40), 1+rng.IntN(20)
		size := 1 + rng.IntN(12)
		stride := 1 + rng.IntN(size)
		t.Run(fmt.Sprintf("%d+%d,window=%d,stride=%d", n, m, size, stride), func(t *testing.T) {
			exported, summary, _ := build(t, options(size, stride), numbered(n, m))
			next := 0
			all := readAll(t, exported)
			for _, w := range all {
				start, end := 0, n // the conversation
				if next >= n {
					start, end = n, n+m
				}
				for _, line := range w.TargetLines() {
					if got := numberOf(t, line); got != next {
						t.Fatalf("target %d, want %d", got, next)
					}
					next++
				}
				if w.Targets != stride && (w.Targets > stride || next != end) {
					t.Fatalf("%d targets before message %d of %d", w.Targets, next, end)
				}
				if want := min(size, next-start); len(w.Lines) != want {
					t.Fatalf("%d messages before %d, want %d", len(w.Lines), next, want)
				}
				for i, line := range w.Lines {
					if got := numberOf(t, line); got != next-len(w.Lines)+i {
						t.Fatalf("message %d of the window is %d", i, got)
					}
				}
			}
			if next != n+m || summary.Messages != int64(n+m) || summary.Windows != int64(len(all)) {
				t.Fatalf("%d targets of %d messages; %+v", next, n+m, summary)
			}
		})
	}
}

func TestSplit_FileHoldsOutLastTwoPerConversation(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]int{1: 0, 2: 0, 3: 2, 10: 2} {
		exported, _, _ := build(t, options(4, 1), numbered(n, 5))
		train, heldOut := windows.Split(openText(t, exported))
		if len(heldOut) != want+2 {
			t.Errorf("of %d and 5 windows of a file %v are held out", n, heldOut)
		}
		if want == 2 && !slices.Equal(heldOut, []int{n - 2, n - 1, n + 3, n + 4}) {
			t.Errorf("of %d and 5 windows %v are held out", n, heldOut)
		}
		if both := slices.Sorted(slices.Values(append(train, heldOut...))); len(both) != n+5 || both[n+4] != n+4 {
			t.Errorf("of %d and 5 windows, %v and %v are what came of it", n, train, heldOut)
		}
	}
}

func TestSplit_GoesByConversation(t *testing.T) {
	t.Parallel()
	a := `{"text": "` + header + message + `"}` + "\n"
	b := `{"text": "{\"members\": [\"C\"]}\n` + message + `"}` + "\n"
	train, heldOut := windows.Split(openText(t, a+b+a+b+a+a))
	if !slices.Equal(train, []int{0, 1, 2, 3}) || !slices.Equal(heldOut, []int{4, 5}) {
		t.Errorf("train %v, held out %v", train, heldOut)
	}
}

// Fault 15 of the reference: held-out windows shared messages with training windows. A held-out target must not be in any
// training window.
func TestSplit_HeldOutTargetsOfAFileAreUnseen(t *testing.T) {
	t.Parallel()
	for _, stride := range []int{1, 3} {
		exported, _, _ := build(t, options(6, stride), numbered(31, 0))
		s := openText(t, exported)
		train, heldOut := windows.Split(s)
		unseen := map[int]bool{}
		for _, i := range heldOut {
			for _, line := range window(t, s, i).TargetLines() {
				unseen[numberOf(t, line)] = true
			}
		}
		for _, i := range train {
			for _, line := range window(t, s, i).Lines {
				if n := numberOf(t, line); unseen[n] {
					t.Errorf("stride %d: training window %d holds message %d, which is held out", stride, i, n)
				}
			}
		}
	}
}
