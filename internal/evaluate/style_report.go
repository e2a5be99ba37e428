package evaluate

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"ventriloquist/internal/evaluate/style"
	"ventriloquist/internal/terminal"
)

// printStyle writes the distances of all people together, and each person's nearness.
func printStyle(out io.Writer, s *style.Report) error {
	if len(s.PerContact) == 0 {
		_, err := fmt.Fprintf(out, "style: too few messages: it takes a person with %d held-out messages, as many written ones, and messages to train on\n", style.FewestTexts)
		return err
	}
	fmt.Fprintf(out, "\nstyle: distance of written messages from real ones, mean of %s (floor: two halves of a person's own; ceiling: other people's)\n",
		terminal.Quantity(len(s.PerContact), "person"))
	all := terminal.NewTable("feature", "distance>", "95% interval>", "floor>", "ceiling>", "of the way from floor to ceiling>")
	for _, name := range style.Features {
		d := s.All[name]
		all.Add(name, fmt.Sprintf("%.3f", d.Written), between("%.3f", d.Interval), fmt.Sprintf("%.3f", d.Floor), fmt.Sprintf("%.3f", d.Ceiling), wayOf(&d))
	}
	titles := []string{"name", "real>", "written>", "AUC>"}
	for _, name := range style.Features {
		titles = append(titles, name+">")
	}
	each := terminal.NewTable(titles...)
	for _, person := range slices.Sorted(maps.Keys(s.PerContact)) {
		f := s.PerContact[person]
		cells := []string{person, terminal.Count(int64(f.Real)), terminal.Count(int64(f.Written)), fmt.Sprintf("%.2f", f.AttributionAUC)}
		for _, name := range style.Features {
			cells = append(cells, fmt.Sprintf("%.3f", f.Features[name].Written))
		}
		each.Add(cells...)
	}
	columns := terminal.Columns(out)
	fmt.Fprint(out, all.Fit(columns), "\n", each.Fit(columns))
	if len(s.TooFew) > 0 {
		fmt.Fprintf(out, "fewer than %d messages to compare: %s\n", style.FewestTexts, strings.Join(s.TooFew, ", "))
	}
	return nil
}

// wayOf returns how far from floor to ceiling a distance is, "-" where these are too near each other to say.
func wayOf(d *style.Distances) string {
	if d.Ceiling-d.Floor < 0.01 {
		return "-"
	}
	return fmt.Sprintf("%.0f%%", 100*d.Nearness())
}

// StyleDifference compares the style of two models.
type StyleDifference struct {
	A        string                      `json:"a"`
	B        string                      `json:"b"`
	Features map[string]style.Difference `json:"features"`
}

// String returns a sentence: in which features a is nearer, and in which b.
func (d *StyleDifference) String() string {
	var nearer, farther []string
	for _, name := range style.Features {
		switch of := d.Features[name]; {
		case of.Interval == nil:
		case of.Interval[1] < 0:
			nearer = append(nearer, name)
		case of.Interval[0] > 0:
			farther = append(farther, name)
		}
	}
	if len(nearer)+len(farther) == 0 {
		return fmt.Sprintf("style: no feature in which %s or %s is shown to be nearer", d.A, d.B)
	}
	list := func(names []string) string {
		if len(names) == 0 {
			return "nothing"
		}
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("style: %s is nearer than %s in %s; farther in %s (where the 95%% interval of the difference excludes 0)", d.A, d.B, list(nearer), list(farther))
}
