package monitor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"ventriloquist/internal/runlog"
	"ventriloquist/internal/terminal"
)

// shownContext is how many messages before a sample are shown.
const shownContext = 3

// samples shows one held-out message: what came before it, what was written, and what the model writes, the latest first.
func (v view) samples(runs []*Run, columns, rows int) []string {
	numbers := sampleNumbers(runs)
	if len(numbers) == 0 {
		return []string{bold.paint("samples"), faint.paint(terminal.Cut("  written at each evaluation", columns))}
	}
	number := numbers[((v.sample%len(numbers))+len(numbers))%len(numbers)]
	lines := []string{bold.paint(fmt.Sprintf("sample %d of %d", number, len(numbers)))}
	var written []string
	for i, r := range runs {
		list := samplesOf(r.log(), number)
		if len(list) == 0 {
			continue
		}
		if len(lines) == 1 {
			lines = append(lines, before(&list[0], columns)...)
		}
		if len(runs) > 1 {
			list = list[len(list)-1:]
		}
		for k := len(list) - 1; k >= 0; k-- {
			written = append(written, row(mark(runs, i)+faint.paint(stepOf(&list[k])), list[k].Text, columns)...)
		}
	}
	return fill(append(lines, written...), min(rows, len(lines)+len(written)))
}

// stepOf says after which step a sample was written.
func stepOf(s *runlog.Sample) string {
	if s.Step == 0 {
		return "base model"
	}
	return "step " + terminal.Count(int64(s.Step))
}

// before returns the messages before a sample, and the message as it was written.
func before(s *runlog.Sample, columns int) (lines []string) {
	for _, m := range s.Context[max(0, len(s.Context)-shownContext):] {
		lines = append(lines, faint.paint(terminal.Cut(oneLine(m.Name)+": "+oneLine(m.Text), columns)))
	}
	return append(lines, row("as "+oneLine(s.Real.Name)+" wrote", s.Real.Text, columns)...)
}

// row returns a text after a label, in at most two rows.
func row(label, text string, columns int) []string {
	label += ": "
	room := max(columns-ansi.StringWidth(label), 8)
	wrapped := strings.Split(ansi.Wrap(oneLine(text), room, ""), "\n")
	if len(wrapped) == 1 {
		return []string{label + wrapped[0]}
	}
	rest := terminal.Cut(strings.Join(wrapped[1:], " "), room)
	return []string{label + wrapped[0], strings.Repeat(" ", ansi.StringWidth(label)) + rest}
}

// oneLine returns a text of any origin as one line that cannot control the terminal.
func oneLine(text string) string {
	return terminal.Escape(strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ", "\t", " ").Replace(text))
}

// sampleNumbers returns the numbers of the samples in all runs.
func sampleNumbers(runs []*Run) (numbers []int) {
	seen := map[int]bool{}
	for _, r := range runs {
		for _, s := range r.log().Samples {
			seen[s.Number] = true
		}
	}
	for n := range seen {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	return numbers
}

// samplesOf returns the samples with a number, in order.
func samplesOf(l *runlog.Log, number int) (list []runlog.Sample) {
	for _, s := range l.Samples {
		if s.Number == number {
			list = append(list, s)
		}
	}
	return list
}
