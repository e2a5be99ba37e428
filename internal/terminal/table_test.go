package terminal

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// manyNames are names of all widths; the last ones have no place to break, and control characters.
var manyNames = []string{"Max Baker", `Anne "Annie" Lee`, "Ava O’Brien", "Jürgen Müller", "李小明", "Zoë 💖", "👨‍👩‍👧 family", "Dr. Elisabeth von Hohenstein-Langenburg",
	strings.Repeat("ΩX", 40), "two\nlines\tand \u202ebackwards"}

// Each line takes at most the given number of cells, whatever the width, and names are cut before a column is left out.
func TestTable_FitsAnyWidth(t *testing.T) {
	table := NewTable("who", "messages>", "reply>", "starts most", "words")
	for i, name := range manyNames {
		table.Add(name, fmt.Sprint(i*i*1000), "2 h 05 min", name, "mañana, 明天, later")
	}
	last := 0
	for width := 24; width < 260; width++ {
		lines := strings.Split(strings.TrimSuffix(table.Fit(width), "\n"), "\n")
		if len(lines) != len(manyNames)+1 {
			t.Fatalf("width %d: %d lines:\n%s", width, len(lines), table.Fit(width))
		}
		for _, line := range lines {
			if Width(line) > width {
				t.Errorf("width %d: %q takes %d", width, line, Width(line))
			}
		}
		if shown := columnsShown(table, width); shown < last {
			t.Errorf("width %d shows %d columns, fewer than %d", width, shown, last)
		} else {
			last = shown
		}
	}
	if last != 5 {
		t.Errorf("a wide terminal shows %d columns", last)
	}
	if text := table.Fit(0); strings.Contains(text, "…") {
		t.Errorf("without a terminal something is cut:\n%s", text)
	}
}

func columnsShown(t *Table, width int) int {
	return len(slices.DeleteFunc(t.widths(width), func(w int) bool { return w == leftOut }))
}

// The names are never left out, wherever they are.
func TestTable_KeepsTheNames(t *testing.T) {
	table := NewTable("messages", "conversations", "last", "contact").WithNames(3)
	table.Add("604", "10", "2017-03-23", "lotuspsychje")
	table.Add("568", "9", "2015-12-28", "Elisabeth von Hohenstein")
	for width, want := range map[int]string{
		40: "messages  conversations  contact\n604       10             lotuspsychje\n568       9              Elisabeth von …\n",
		24: "messages  contact\n604       lotuspsychje\n568       Elisabeth von…\n",
	} {
		if got := table.Fit(width); got != want {
			t.Errorf("at %d columns it is\n%s\nwant\n%s", width, got, want)
		}
	}
}

// Row `contacts suggest`: with the names in the second column, they are cut so that the addresses behind them are seen.
func TestTable_CutsNamesInAnyColumn(t *testing.T) {
	table := NewTable("messages>", "contact", "ids").WithNames(1)
	table.Add("1,717", "A very long first name that goes on and on and on von und zu Hohenlohe", "+14155551008, p1008@icloud.com")
	table.Add("9", "李小明", "+14155551005")
	want := "messages  contact                        ids\n   1,717  A very long first name that …  +14155551008, p1008@icloud.com\n       9  李小明                         +14155551005\n"
	if got := table.Fit(71); got != want {
		t.Errorf("the table is\n%s\nwant\n%s", got, want)
	}
}
