package monitor

import (
	"fmt"
	"strings"

	"ventriloquist/internal/runlog"
	"ventriloquist/internal/terminal"
)

// sparks are the heights of a word-sized plot.
var sparks = []rune("▁▂▃▄▅▆▇█")

// peopleTable shows the held-out loss of each person: with one run also the base model's, and the way between; with several, the
// latest of each.
func peopleTable(runs []*Run, columns, rows int) []string {
	lines := []string{bold.paint("held-out loss per person")}
	people := peopleOf(runs)
	if len(people) == 0 {
		return append(lines, faint.paint(terminal.Cut("  known after the first evaluation", columns)))
	}
	if over := len(people) - (rows - 2); over > 0 && rows > 3 {
		hidden := over + 1
		people = people[:len(people)-hidden]
		defer func() { lines[len(lines)-1] = faint.paint(fmt.Sprintf("and %d more", hidden)) }()
		table := personTable(runs, people).Fit(columns)
		lines = append(lines, strings.Split(strings.TrimSuffix(table, "\n"), "\n")...)
		lines = append(lines, "")
		return lines
	}
	table := personTable(runs, people).Fit(columns)
	return append(lines, strings.Split(strings.TrimSuffix(table, "\n"), "\n")...)
}

// peopleOf returns the authors of held-out messages in all runs, those with the most target tokens in the first run first.
func peopleOf(runs []*Run) (people []string) {
	seen := map[string]bool{}
	for _, r := range runs {
		for _, name := range r.log().People() {
			if !seen[name] {
				seen[name] = true
				people = append(people, name)
			}
		}
	}
	return people
}

// personTable returns the table of people.
func personTable(runs []*Run, people []string) *terminal.Table {
	if len(runs) == 1 {
		t := terminal.NewTable("name", "now>", "base>", "change>", "tokens>", "from the base model on")
		for _, name := range people {
			t.Add(personRow(runs[0].log(), name)...)
		}
		return t
	}
	titles := []string{"name"}
	for i := range runs {
		titles = append(titles, string(markOf(i))+">")
	}
	t := terminal.NewTable(titles...)
	for _, name := range people {
		cells := []string{name}
		for _, r := range runs {
			cells = append(cells, lossOf(r.log().Last(), name))
		}
		t.Add(cells...)
	}
	return t
}

// personRow returns the cells of a person in one run.
func personRow(l *runlog.Log, name string) []string {
	tokens, changed := "", ""
	if base, last := l.Base(), l.Last(); base != nil && last != nil {
		from, in := base.PerContact[name]
		to, still := last.PerContact[name]
		if in && still && from.Loss > 0 {
			changed = change(from.Loss, to.Loss)
		}
	}
	var way []float64
	for _, e := range l.Evaluations {
		if f, in := e.PerContact[name]; in {
			way = append(way, f.Loss)
			tokens = terminal.Count(int64(f.TargetTokens))
		}
	}
	return []string{name, lossOf(l.Last(), name), lossOf(l.Base(), name), changed, tokens, spark(way)}
}

// lossOf returns the loss of a person in an evaluation, "-" if there is none.
func lossOf(e *runlog.Evaluation, name string) string {
	if e == nil {
		return "-"
	}
	f, in := e.PerContact[name]
	if !in {
		return "-"
	}
	return fmt.Sprintf("%.4f", f.Loss)
}

// mostSparks is the width of a word-sized plot.
const mostSparks = 24

// spark draws the latest values as a word-sized plot.
func spark(values []float64) string {
	values = values[max(0, len(values)-mostSparks):]
	var least, most float64
	for i, v := range values {
		if !runlog.Finite(v) {
			return ""
		}
		if i == 0 {
			least, most = v, v
		}
		least, most = min(least, v), max(most, v)
	}
	var text strings.Builder
	for _, v := range values {
		level := 0
		if most > least {
			level = int((v - least) / (most - least) * float64(len(sparks)-1))
		}
		text.WriteRune(sparks[level])
	}
	return text.String()
}
