package evaluate

import (
	"fmt"
	"io"
	"math"

	"ventriloquist/internal/canary"
	"ventriloquist/internal/evaluate/leaks"
	"ventriloquist/internal/terminal"
)

// printCanaries writes how well planted sentences are remembered.
func printCanaries(out io.Writer, c *canary.Report) error {
	fmt.Fprintf(out, "\nplanted sentences: each ranked among %s (exposure 1.4 bits: not remembered; %.0f: the likeliest of all)\n",
		terminal.Quantity(c.Alternatives, "random sentence"), math.Log2(float64(c.Alternatives+1)))
	table := terminal.NewTable("times per epoch>", "sentences>", "mean exposure>", "95% interval>", "in the first 1 of 32>", "by chance>")
	for _, b := range c.ByTimes {
		table.Add(fmt.Sprint(b.Times), fmt.Sprint(b.Canaries), fmt.Sprintf("%.1f", b.Exposure), between("%.1f", b.Interval), fmt.Sprint(b.Remembered),
			fmt.Sprintf("%.2g", b.ByChance))
	}
	_, err := fmt.Fprintf(out, "%sverdict: %s\n", table.Fit(terminal.Columns(out)), c.Words())
	return err
}

// printLeaks writes what was found, and the verdict.
func printLeaks(out io.Writer, l *leaks.Report) error {
	fmt.Fprintf(out, "\nmemory: copies of %s in %s\n", terminal.Quantity(l.Trained, "training message"), terminal.Quantity(l.Written, "written message"))
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
