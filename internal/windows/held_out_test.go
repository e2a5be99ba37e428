package windows_test

import (
	"fmt"
	"slices"
	"testing"

	"ventriloquist/internal/windows"
)

// openBuilt builds windows of entries that hold out messages, and opens them.
func openBuilt(t *testing.T, size, stride, heldOut int, entries []entry) (windows.List, *windows.Summary) {
	t.Helper()
	o := options(size, stride)
	o.HeldOut = heldOut
	db := newDB(t)
	fill(t, db, entries)
	summary := rebuild(t, o, db)
	list, err := windows.OpenDatabase(t.Context(), db.Path(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { list.Close() })
	return list, summary
}

// strides are those that the held-out messages must not depend on.
var strides = []int{1, 5, 25, 50, 100}

func TestHeldOut_SameMessagesWhateverTheStride(t *testing.T) {
	t.Parallel()
	entries := numbered(260, 75)
	var wanted []string
	for _, stride := range strides {
		list, summary := openBuilt(t, 100, stride, 10, entries)
		_, heldOut := windows.Split(list)
		var texts []string
		for _, i := range heldOut {
			w := window(t, list, i)
			if w.Targets != 1 || list.Targets(i) != 1 {
				t.Errorf("stride %d: held-out window %d has %d targets", stride, i, w.Targets)
			}
			n := numberOf(t, w.TargetLines()[0])
			before := n
			if n >= 260 {
				before -= 260
			}
			if want := min(100, before+1); len(w.Lines) != want {
				t.Errorf("stride %d: held-out message %d is the last of %d, want %d", stride, n, len(w.Lines), want)
			}
			texts = append(texts, textOf(w))
		}
		if wanted == nil {
			wanted = texts
		}
		if !slices.Equal(texts, wanted) || len(texts) != 20 {
			t.Errorf("stride %d: the %d held-out windows differ from those of stride %d", stride, len(texts), strides[0])
		}
		if summary.HeldOut != 20 || summary.HeldOutOf != 2 || summary.Windows != int64(list.Len()) {
			t.Errorf("stride %d: %+v of %d windows", stride, summary, list.Len())
		}
	}
}

func TestHeldOut_NothingLeaksIntoTraining(t *testing.T) {
	t.Parallel()
	for _, stride := range strides {
		list, _ := openBuilt(t, 100, stride, 10, numbered(260, 75))
		train, heldOut := windows.Split(list)
		unseen := map[int]bool{}
		for _, i := range heldOut {
			unseen[numberOf(t, window(t, list, i).TargetLines()[0])] = true
		}
		learned := map[int]int{}
		for _, i := range train {
			w := window(t, list, i)
			for _, line := range w.Lines {
				if n := numberOf(t, line); unseen[n] {
					t.Errorf("stride %d: training window %d holds message %d, which is held out", stride, i, n)
				}
			}
			for _, line := range w.TargetLines() {
				learned[numberOf(t, line)]++
			}
		}
		for n := range 260 + 75 {
			if want := 1; !unseen[n] && learned[n] != want || unseen[n] && learned[n] != 0 {
				t.Errorf("stride %d: message %d is a target of %d training windows", stride, n, learned[n])
			}
		}
	}
}

func TestHeldOut_OfConversationsThatAreLongEnough(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ heldOut, messages, want int }{
		{10, 59, 0}, {10, 60, 10}, {10, 61, 10}, {10, 300, 10},
		{1, 5, 0}, {1, 6, 1}, {5, 29, 0}, {5, 30, 5}, // short histories hold out fewer
		{20, 59, 0}, {20, 60, 20}, {30, 60, 30}, {40, 79, 0}, {40, 80, 40}, // half is left at least
		{0, 300, 0},
	} {
		list, summary := openBuilt(t, 10, 3, c.heldOut, numbered(c.messages, 0))
		if _, heldOut := windows.Split(list); len(heldOut) != c.want || summary.HeldOut != int64(c.want) {
			t.Errorf("--held-out %d of %d messages: %d are held out, %d in the summary, want %d", c.heldOut, c.messages, len(heldOut), summary.HeldOut, c.want)
		}
	}
}

// In a group with strangers, held out are the last messages of listed people; what strangers write after the first of them is in
// no training window either.
func TestHeldOut_CountsTargetsOnly(t *testing.T) {
	t.Parallel()
	entries := numbered(200, 0)
	for i := range entries {
		entries[i].group, entries[i].members = true, []string{"+1", "+7"}
		if i%2 == 1 {
			entries[i].Sender = "+7" // a stranger
		}
	}
	o := options(20, 4)
	o.HeldOut, o.Anonymous = 10, true
	db := newDB(t)
	fill(t, db, entries)
	rebuild(t, o, db)
	list, err := windows.OpenDatabase(t.Context(), db.Path(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer list.Close()
	train, heldOut := windows.Split(list)
	var targets []int
	for _, i := range heldOut {
		targets = append(targets, numberOf(t, window(t, list, i).TargetLines()[0]))
	}
	if fmt.Sprint(targets) != "[180 182 184 186 188 190 192 194 196 198]" {
		t.Errorf("held out are %v", targets)
	}
	for _, i := range train {
		for _, line := range window(t, list, i).Lines {
			if n := numberOf(t, line); n >= 180 {
				t.Errorf("training window %d holds message %d", i, n)
			}
		}
	}
}

// Windows that an earlier version made keep its split: a run that began on them resumes on the same windows.
func TestHeldOut_WindowsOfEarlierVersions(t *testing.T) {
	t.Parallel()
	_, _, db := build(t, options(10, 4), numbered(90, 3))
	if _, err := db.SQL().Exec(`UPDATE training_run SET held_out = NULL`); err != nil {
		t.Fatal(err)
	}
	list, err := windows.OpenDatabase(t.Context(), db.Path(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer list.Close()
	if _, heldOut := windows.Split(list); !slices.Equal(heldOut, []int{21, 22}) {
		t.Errorf("of %d windows %v are held out", list.Len(), heldOut)
	}
}

// A window file of windows that hold out nothing splits as files do: that is how a run on an earlier version's windows is repeated.
func TestHeldOut_OfAWindowFileTheLastTwoWindows(t *testing.T) {
	t.Parallel()
	o := options(10, 4)
	o.HeldOut = 10
	db := newDB(t)
	fill(t, db, numbered(90, 3))
	file := openText(t, export(t, o, db))
	if _, heldOut := windows.Split(file); !slices.Equal(heldOut, []int{28, 29}) {
		t.Errorf("of %d windows of a file %v are held out", file.Len(), heldOut)
	}
	o.HeldOut = 0
	file = openText(t, export(t, o, db))
	if _, heldOut := windows.Split(file); !slices.Equal(heldOut, []int{21, 22}) {
		t.Errorf("of %d windows of a file %v are held out", file.Len(), heldOut)
	}
}

func TestBuild_AutoStrideFollowsTheWindow(t *testing.T) {
	t.Parallel()
	for window, want := range map[int]int{1: 1, 2: 1, 3: 1, 4: 1, 8: 2, 16: 4, 50: 12, 100: 25, 101: 25} {
		if got := windows.AutoStride(window); got != want {
			t.Errorf("windows of %d messages have %d targets, want %d", window, got, want)
		}
	}
}
