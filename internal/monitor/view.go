package monitor

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"ventriloquist/internal/terminal"
)

// view is what the screen shows besides the runs themselves.
type view struct {
	columns, rows int
	section       int // that comes first where there is no room for all
	sample        int // that is shown, from 0
	now           time.Time
}

// twoColumns is the width from which two sections are side by side.
const twoColumns = 100

// Rows of a section.
const (
	leastPlot = 6
	mostPlot  = 20
)

// render returns the rows of the screen, at most v.rows of at most v.columns cells.
func (v view) render(runs []*Run) []string {
	rows := headers(runs, v.columns, max(v.rows/3, 1), v.now)
	keys := []terminal.Part{{Text: "q quit"}, {Text: "↑↓ sample", Rank: 2}, {Text: "(runs continue)", Rank: 3}}
	if v.columns < twoColumns {
		keys = append(keys, terminal.Part{Text: "tab section", Rank: 1})
	}
	footer := faint.paint(terminal.Fit(v.columns, keys...))
	if room := v.rows - len(rows) - 2; room >= leastPlot {
		rows = append(rows, "")
		rows = append(rows, v.sections(runs, room)...)
		rows = append(rows, footer)
	}
	if len(rows) > v.rows {
		rows = rows[:v.rows]
	}
	for i, row := range rows {
		rows[i] = ansi.Truncate(row, v.columns, "…")
	}
	return rows
}

// sections returns the plots, the people and the samples, in exactly a number of rows.
func (v view) sections(runs []*Run, rows int) []string {
	if v.columns >= twoColumns {
		return v.sideBySide(runs, rows)
	}
	all := []func(columns, rows int) []string{
		func(columns, rows int) []string { return heldOutPlot(runs, columns, rows) },
		func(columns, rows int) []string { return peopleTable(runs, columns, rows) },
		func(columns, rows int) []string { return v.samples(runs, columns, rows) },
		func(columns, rows int) []string { return lossPlot(runs, columns, rows) },
	}
	n := min(len(all), max(rows/(leastPlot+1), 1))
	var lines []string
	for i := range n {
		share := (rows - len(lines)) / (n - i)
		if i > 0 {
			lines = append(lines, "")
			share--
		}
		lines = append(lines, fill(all[(v.section+i)%len(all)](v.columns, share), share)...)
	}
	return fill(lines, rows)
}

// sideBySide returns the sections in two columns: plots above, people and samples below.
func (v view) sideBySide(runs []*Run, rows int) []string {
	const gap = 3
	left := (v.columns - gap) / 2
	right := v.columns - gap - left
	above := min(max(rows/2, leastPlot), mostPlot)
	if rows < 2*leastPlot {
		above = rows
	}
	lines := join(heldOutPlot(runs, left, above), lossPlot(runs, right, above), left, gap)
	if below := rows - above - 1; below >= 3 {
		lines = append(lines, "")
		lines = append(lines, join(fill(peopleTable(runs, left, below), below), fill(v.samples(runs, right, below), below), left, gap)...)
	}
	return fill(lines, rows)
}

// join puts two columns of the same number of rows side by side.
func join(left, right []string, width, gap int) (lines []string) {
	for i := range left {
		cell := ansi.Truncate(left[i], width, "…")
		pad := max(width-ansi.StringWidth(cell), 0) + gap
		lines = append(lines, cell+strings.Repeat(" ", pad)+right[i])
	}
	return lines
}

// fill returns exactly n rows.
func fill(lines []string, n int) []string {
	for len(lines) < n {
		lines = append(lines, "")
	}
	return lines[:max(n, 0)]
}

// narrow is the width below which a single run has two lines.
const narrow = 70

// headers returns a line for each run, at most a number of them.
func headers(runs []*Run, columns, most int, now time.Time) (lines []string) {
	if len(runs) == 1 && columns < narrow && most > 1 {
		facts := runs[0].facts(now)
		title := bold.paint(runs[0].shortTitle(max(columns-terminal.Width(facts[0].Text)-2, 1)))
		return []string{title + "  " + facts[0].Text, terminal.Fit(columns, facts[1:]...)}
	}
	for i, r := range runs {
		if len(lines) == most-1 && len(runs) > most {
			return append(lines, faint.paint(fmt.Sprintf("and %d more", len(runs)-i)))
		}
		lines = append(lines, header(r, mark(runs, i), columns, now))
	}
	return lines
}

// mark returns the letter of a run in its color; "" for the only one.
func mark(runs []*Run, i int) string {
	if len(runs) == 1 {
		return ""
	}
	return colorOf(i).paint(string(markOf(i))) + " "
}

// header returns the line of a run: what it is doing, how far it is, how well, how fast.
func header(r *Run, mark string, columns int, now time.Time) string {
	room := columns - ansi.StringWidth(mark)
	title := r.shortTitle(max(room/4, 8))
	return mark + bold.paint(title) + "  " + terminal.Fit(max(room-terminal.Width(title)-2, 1), r.facts(now)...)
}

// shortTitle returns the title in at most a number of cells. Of a long path it is the end.
func (r *Run) shortTitle(cells int) string {
	title := oneLine(r.Title())
	if terminal.Width(title) > cells {
		title = filepath.Base(title)
	}
	return terminal.Cut(title, cells)
}

// facts returns the parts of the line of a run.
func (r *Run) facts(now time.Time) []terminal.Part {
	l := r.log()
	parts := []terminal.Part{{Text: r.State(), Rank: 1}}
	if r.err != nil {
		return append(parts, terminal.Part{Text: oneLine(r.err.Error())})
	}
	if total := l.TotalSteps(); total > 0 || l.Step() > 0 {
		parts = append(parts, terminal.Part{Text: progress(l.Step(), total)})
	}
	if left, known := r.Left(now); known {
		parts = append(parts, terminal.Part{Text: terminal.Duration(left) + " left", Rank: 3})
	}
	if e := l.Last(); e != nil {
		text := fmt.Sprintf("held-out %.4f", e.Loss)
		if base := l.Base(); base != nil && base.Loss > 0 {
			text += " (" + change(base.Loss, e.Loss) + ")"
		}
		parts = append(parts, terminal.Part{Text: text, Rank: 2})
	} else if base := l.Base(); base != nil {
		parts = append(parts, terminal.Part{Text: fmt.Sprintf("base model %.4f", base.Loss), Rank: 2})
	}
	if loss, steps := r.recentLoss(); steps > 0 {
		parts = append(parts, terminal.Part{Text: fmt.Sprintf("loss %.4f", loss), Rank: 5})
	}
	if m := r.last(); m != nil {
		parts = append(parts, terminal.Part{Text: terminal.Rate(m.TokensPerSecond, "tokens"), Rank: 4},
			terminal.Part{Text: fmt.Sprintf("epoch %.2f", m.Epoch), Rank: 6}, terminal.Part{Text: fmt.Sprintf("lr %.2e", m.LearningRate), Rank: 8})
		if m.Memory > 0 {
			parts = append(parts, terminal.Part{Text: terminal.Bytes(m.Memory), Rank: 7})
		}
	}
	return parts
}

// progress formats how many steps are done.
func progress(step, total int) string {
	if total == 0 {
		return "step " + terminal.Count(int64(step))
	}
	return fmt.Sprintf("step %s/%s", terminal.Count(int64(step)), terminal.Count(int64(total)))
}

// change formats the change of a loss in percent.
func change(from, to float64) string { return fmt.Sprintf("%+.1f%%", 100*(to/from-1)) }

// heldOutPlot draws the losses on the held-out windows.
func heldOutPlot(runs []*Run, columns, rows int) []string {
	var list []series
	for i, r := range runs {
		s := series{points: heldOutPoints(r.log()), color: colorOf(i)}
		if len(runs) > 1 {
			s.mark = markOf(i)
		}
		list = append(list, s)
	}
	return plot("held-out loss", columns, rows, list)
}

// lossPlot draws the training losses: each step as a dot, and their running mean.
func lossPlot(runs []*Run, columns, rows int) []string {
	var list, means []series
	for i, r := range runs {
		points := lossPoints(r.log())
		mean := series{points: smoothed(points), color: colorOf(i)}
		if len(runs) > 1 {
			mean.mark = markOf(i)
		} else {
			list = append(list, series{points: points, color: faint, faint: true})
		}
		means = append(means, mean)
	}
	return plot("training loss, running mean", columns, rows, append(list, means...))
}
