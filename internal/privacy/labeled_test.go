package privacy_test

import (
	"cmp"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"ventriloquist/internal/privacy"
)

// untunedSets are the sets of lines that were written before any rule was tried on them.
var untunedSets = []string{"held-out", "second", "third", "fourth", "fifth", "sixth"}

// labeledLine is a line of testdata/labeled.jsonl.gz, which scripts/redaction makes.
type labeledLine struct {
	Text    string
	Spans   []labeledSpan
	Regions []string
	Set     string
}

type labeledSpan struct {
	Start, End int
	Kind, What string
}

func labeledLines(tb testing.TB) (lines []labeledLine) {
	file, err := os.Open("testdata/labeled.jsonl.gz")
	if err != nil {
		tb.Fatal(err)
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		tb.Fatal(err)
	}
	for rows := json.NewDecoder(unzipped); rows.More(); {
		var l labeledLine
		if err := rows.Decode(&l); err != nil {
			tb.Fatal(err)
		}
		lines = append(lines, l)
	}
	return lines
}

// redactors returns one redactor for each list of regions.
func redactors() func(regions []string) *privacy.Redactor {
	made := map[string]*privacy.Redactor{}
	return func(regions []string) *privacy.Redactor {
		name := strings.Join(regions, " ")
		if made[name] == nil {
			made[name] = privacy.New([]byte("secret"), regions[0], privacy.Kinds(), nil).WithRegions(regions[1:])
		}
		return made[name]
	}
}

// replaced is a part of a text that became a stand-in.
type replaced struct {
	start, end int
	kind       string
}

// replacedParts compares a text with its redacted form.
func replacedParts(text, redacted string) (parts []replaced) {
	kinds := names.FindAllStringSubmatch(redacted, -1)
	pattern := "(?s)^"
	for i, rest := range names.Split(redacted, -1) {
		if i > 0 {
			pattern += "(.+?)"
		}
		pattern += regexp.QuoteMeta(rest)
	}
	at := regexp.MustCompile(pattern + "$").FindStringSubmatchIndex(text)
	for i, kind := range kinds {
		parts = append(parts, replaced{at[2*i+2], at[2*i+3], kind[1]})
	}
	return parts
}

// tally counts private values by what they are.
type tally struct{ labeled, found, redacted, right int }

func (t *tally) recall() float64    { return 100 * float64(t.found) / float64(max(t.labeled, 1)) }
func (t *tally) precision() float64 { return 100 * float64(t.right) / float64(max(t.redacted, 1)) }

// scores are tallies by set, then by what a value is. Replaced parts without a label count under their kind.
type scores map[string]map[string]*tally

func (s scores) at(set, what string) *tally {
	if s[set] == nil {
		s[set] = map[string]*tally{}
	}
	if s[set][what] == nil {
		s[set][what] = &tally{}
	}
	return s[set][what]
}

// score counts a value as found if all of it was replaced, and a replaced part as a false alarm if it has nothing in common with
// a value. It calls wrong with each mistake.
func score(lines []labeledLine, wrong func(l labeledLine, redacted, what string)) scores {
	s := scores{}
	of := redactors()
	for _, l := range lines {
		redacted := of(l.Regions).Text(l.Text)
		parts := replacedParts(l.Text, redacted)
		for _, label := range l.Spans {
			missing := label.End - label.Start
			for _, p := range parts {
				missing -= max(0, min(p.end, label.End)-max(p.start, label.Start))
			}
			for _, what := range []string{label.What, "kind " + label.Kind, "all"} {
				t := s.at(l.Set, what)
				t.labeled++
				if missing == 0 {
					t.found++
				}
			}
			if missing > 0 {
				wrong(l, redacted, "misses "+label.What+" "+l.Text[label.Start:label.End])
			}
		}
		for _, p := range parts {
			right := slices.ContainsFunc(l.Spans, func(label labeledSpan) bool { return p.start < label.End && label.Start < p.end })
			for _, what := range []string{"kind " + p.kind, "all"} {
				t := s.at(l.Set, what)
				t.redacted++
				if right {
					t.right++
				}
			}
			if !right {
				wrong(l, redacted, "takes for "+p.kind+" "+l.Text[p.start:p.end])
			}
		}
	}
	return s
}

// TestRedactor_LabeledLines holds the redactor to its aims on all sets, and to a floor for each sort of value.
func TestRedactor_LabeledLines(t *testing.T) {
	t.Parallel()
	const recall, precision, floor = 95, 98, 85
	s := score(labeledLines(t), func(l labeledLine, redacted, what string) {
		if l.Set != "held-out" || os.Getenv("SHOW_HELD_OUT") != "" {
			t.Logf("%s: %q becomes %q", what, l.Text, shown(redacted))
		}
	})
	for _, set := range append([]string{"tuned"}, untunedSets...) {
		var table strings.Builder
		for _, what := range sortedKeys(s[set]) {
			v := s[set][what]
			fmt.Fprintf(&table, "%-24s %4d of %4d found %5.1f%%", what, v.found, v.labeled, v.recall())
			if v.redacted > 0 {
				fmt.Fprintf(&table, "  %4d of %4d right %5.1f%%", v.right, v.redacted, v.precision())
			}
			table.WriteByte('\n')
			if v.labeled >= 10 && v.recall() < floor {
				t.Errorf("%s: %d of %d values of %s are found", set, v.found, v.labeled, what)
			}
		}
		t.Logf("%s lines:\n%s", set, table.String())
		if all := s.at(set, "all"); all.recall() < recall || all.precision() < precision {
			t.Errorf("%s: recall %.1f%%, precision %.1f%%; the aims are %d%% and %d%%", set, all.recall(), all.precision(), recall, precision)
		}
	}
}

func sortedKeys(m map[string]*tally) (keys []string) {
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b string) int { return cmp.Compare(a, b) })
	return keys
}
