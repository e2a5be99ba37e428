package evaluate

import (
	"fmt"
	"io"

	"ventriloquist/internal/evaluate/leaks"
	"ventriloquist/internal/terminal"
)

// printLeaks writes what was found, and the verdict.
func printLeaks(out io.Writer, l *leaks.Report) error {
	fmt.Fprintf(out, "\nmemory: copies of %s in %s\n", terminal.Quantity(l.Trained, "message trained on"), terminal.Quantity(l.Written, "written message"))
	table := terminal.NewTable("copies of", "written messages>", "95% interval>", "real messages>", "95% interval>")
	add := func(name string, c *leaks.Copies) {
		table.Add(name, fmt.Sprintf("%.1f%%", 100*c.Written), percent(c.Interval), fmt.Sprintf("%.1f%%", 100*c.Real), percent(c.RealRange))
	}
	for i := range l.Copies {
		add(fmt.Sprintf("%d characters or more", l.Copies[i].Characters), &l.Copies[i])
	}
	add("a whole message", &l.Whole)
	fmt.Fprint(out, table.Fit(terminal.Columns(out)))
	for _, s := range l.Secrets {
		fmt.Fprintf(out, "%s written: %d, of which %d are in messages trained on\n", s.Kind.Describe(), s.Written, s.Trained)
	}
	_, err := fmt.Fprintf(out, "verdict: %s\n", l.Verdict.Words())
	return err
}
