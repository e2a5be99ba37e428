package monitor

import (
	"fmt"
	"io"
	"strings"
	"time"

	"ventriloquist/internal/terminal"
)

// Summarize writes what is known about the runs as plain text, within a width; 0 means no limit.
func Summarize(out io.Writer, runs []*Run, columns int) error {
	var text strings.Builder
	for i, r := range runs {
		r.Update()
		if i > 0 {
			text.WriteString("\n")
		}
		r.summarize(&text, columns)
	}
	if people := peopleOf(runs); len(people) > 0 {
		text.WriteString("\nheld-out loss per person\n")
		text.WriteString(personTable(runs, people).Fit(columns))
	}
	for _, number := range sampleNumbers(runs) {
		text.WriteString("\n" + strings.Join(plainSample(runs, number), "\n") + "\n")
	}
	_, err := io.WriteString(out, text.String())
	return err
}

// summarize writes the facts of one run.
func (r *Run) summarize(text *strings.Builder, columns int) {
	if columns == 0 {
		columns = 1 << 20
	}
	l := r.log()
	fmt.Fprintf(text, "%s: %s\n", terminal.Cut(oneLine(r.Title()), columns), r.State())
	if r.err != nil {
		fmt.Fprintf(text, "  %s\n", oneLine(r.err.Error()))
	}
	line := func(name, format string, values ...any) {
		fmt.Fprintf(text, "  %-14s %s\n", name, oneLine(fmt.Sprintf(format, values...)))
	}
	line("folder", "%s", r.Folder)
	if n := len(l.Starts); n > 0 {
		s := l.Starts[n-1]
		line("base model", "%s", s.BaseModel)
		line("windows", "%s, %s held out", terminal.Count(int64(s.Windows)), terminal.Count(int64(s.HeldOutWindows)))
		line("machine", "%s, %s", s.Machine.Device, s.Machine.System)
	}
	if l.Step() > 0 || l.TotalSteps() > 0 {
		line("progress", "%s", progress(l.Step(), l.TotalSteps()))
	}
	if left, known := r.Left(time.Now()); known {
		line("time left", "%s", terminal.Duration(left))
	}
	if loss, steps := r.recentLoss(); steps > 0 {
		line("training loss", "%.4f, mean of the last %s", loss, terminal.Quantity(steps, "reported step"))
	}
	r.summarizeHeldOut(line)
	if m := r.last(); m != nil {
		line("rate", "%s", terminal.Rate(m.TokensPerSecond, "tokens"))
		if m.Memory > 0 {
			line("memory", "%s", terminal.Bytes(m.Memory))
		}
	}
}

// summarizeHeldOut writes the losses on the held-out windows.
func (r *Run) summarizeHeldOut(line func(name, format string, values ...any)) {
	l := r.log()
	base, last, best := l.Base(), l.Last(), l.Best()
	if base != nil {
		line("base model's", "held-out loss %.4f", base.Loss)
	}
	if last == nil {
		return
	}
	compared := ""
	if base != nil && base.Loss > 0 {
		compared = ", " + change(base.Loss, last.Loss)
	}
	line("held-out loss", "%.4f after step %s%s", last.Loss, terminal.Count(int64(last.Step)), compared)
	if best.Step != last.Step {
		line("lowest", "%.4f after step %s", best.Loss, terminal.Count(int64(best.Step)))
	}
}

// plainSample returns a sample, with what the base model and the latest adapters write.
func plainSample(runs []*Run, number int) (lines []string) {
	for i, r := range runs {
		list := samplesOf(r.log(), number)
		if len(list) == 0 {
			continue
		}
		if lines == nil {
			s := &list[0]
			lines = append(lines, fmt.Sprintf("sample %d", number))
			for _, m := range s.Context[max(0, len(s.Context)-shownContext):] {
				lines = append(lines, "  "+oneLine(m.Name)+": "+oneLine(m.Text))
			}
			lines = append(lines, "  as "+oneLine(s.Real.Name)+" wrote: "+oneLine(s.Real.Text))
		}
		letter := ""
		if len(runs) > 1 {
			letter = string(markOf(i)) + " "
		}
		shown := list[:1]
		if n := len(list); n > 1 {
			shown = append(shown[:1:1], list[n-1])
		}
		for k := range shown {
			lines = append(lines, "  "+letter+stepOf(&shown[k])+": "+oneLine(shown[k].Text))
		}
	}
	return lines
}
