package evaluate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"ventriloquist/internal/canary"
	"ventriloquist/internal/evaluate/interval"
	"ventriloquist/internal/evaluate/leaks"
	"ventriloquist/internal/evaluate/style"
	"ventriloquist/internal/terminal"
)

// Report is the content of eval_results.json.
type Report struct {
	Name string `json:"model,omitempty"` // absent if there is only one model
	Figures
	WhoSaidIt        *WhoSaidIt         `json:"who_said_it,omitempty"` // absent if it was not asked
	WhoSaidItDetail  *AuthorDetail      `json:"who_said_it_detail,omitempty"`
	NextMessage      *NextMessage       `json:"next_message,omitempty"` // absent if it was not asked
	Style            *style.Report      `json:"style,omitempty"`
	Leaks            *leaks.Report      `json:"leaks,omitempty"`
	Canaries         *canary.Report     `json:"canaries,omitempty"` // absent if no sentences were planted
	PerContact       map[string]Figures `json:"per_contact,omitempty"`
	Others           []*Report          `json:"others,omitempty"`      // the other models, on the same windows
	Differences      []*Difference      `json:"differences,omitempty"` // of each two models
	StyleDifferences []*StyleDifference `json:"style_differences,omitempty"`

	Detailed bool `json:"-"` // whether the JSON form has intervals and WhoSaidItDetail; people always see them
}

// NewReport assembles a report; samples may be nil. It is detailed with perContact.
func NewReport(scores *Scores, samples *Samples, perContact bool) *Report {
	r := &Report{Figures: newFigures(&scores.All, scores.Parts), Detailed: perContact}
	if samples != nil {
		r.addRates(&samples.All, samples.each)
	}
	if !perContact {
		return r
	}
	r.PerContact = make(map[string]Figures)
	for name, tally := range scores.PerContact {
		f := newFigures(tally, scores.of(name))
		if samples != nil && samples.PerContact[name] != nil {
			f.addRates(samples.PerContact[name], samples.of(name))
		}
		r.PerContact[name] = f
	}
	return r
}

// JSON returns the report as one line.
func (r *Report) JSON() ([]byte, error) {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if !r.Detailed {
		r = r.withoutDetails()
	}
	if err := e.Encode(r); err != nil {
		return nil, fmt.Errorf("cannot encode the results as JSON: %w", err)
	}
	return text.Bytes(), nil
}

// withoutDetails returns the report without intervals and WhoSaidItDetail.
func (r *Report) withoutDetails() *Report {
	plain := *r
	plain.Interval, plain.WhoSaidItDetail = nil, nil
	return &plain
}

// Print writes the report for people: each model's, and then the differences.
func (r *Report) Print(out io.Writer) error {
	for i, one := range append([]*Report{r}, r.Others...) {
		if i > 0 {
			fmt.Fprintln(out)
		}
		if err := one.printOne(out); err != nil {
			return err
		}
	}
	if len(r.Differences) > 0 {
		fmt.Fprintln(out)
	}
	for _, d := range r.Differences {
		if _, err := fmt.Fprintln(out, strings.Join(append([]string{d.String()}, d.sentences()...), "\n")); err != nil {
			return err
		}
	}
	for _, d := range r.StyleDifferences {
		if _, err := fmt.Fprintln(out, d); err != nil {
			return err
		}
	}
	return nil
}

func (r *Report) printOne(out io.Writer) error {
	if r.Name != "" {
		fmt.Fprintf(out, "%s:\n", r.Name)
	}
	if r.TargetTokens > 0 {
		fmt.Fprintf(out, "perplexity %.3f (loss %.4f) over %s in %s\n", r.Perplexity, r.Loss,
			terminal.Quantity(r.TargetTokens, "target token"), terminal.Quantity(r.Windows, "window"))
	}
	if r.Generation != nil {
		fmt.Fprintf(out, "generated without a grammar: %s\n", r.Generation)
	}
	if i := r.Interval; i.Perplexity != nil {
		fmt.Fprintf(out, "95%% intervals: perplexity %s", between("%.3f", i.Perplexity))
		if g := i.Generation; g != nil {
			fmt.Fprintf(out, ", valid JSON %s, valid delta %s, not empty %s", percent(g.JSONValid), percent(g.DeltaValid), percent(g.ContentNonempty))
		}
		fmt.Fprintf(out, " (%s resampled)\n", terminal.Quantity(i.Units, i.unit()))
	}
	if r.WhoSaidIt != nil {
		fmt.Fprintf(out, "who said it: the author named for %s\n", r.WhoSaidIt)
	}
	if n := r.NextMessage; n != nil {
		fmt.Fprintf(out, "who writes next: %s\n", &n.Speaker)
		fmt.Fprintf(out, "how soon: %s\n", &n.Delay)
		fmt.Fprintf(out, "what kind of message: %s\n", &n.ContentType)
		fmt.Fprintf(out, "a reaction or none: %s\n", &n.Reaction)
		if n.ReactionKind != nil {
			fmt.Fprintf(out, "which reaction: %s\n", n.ReactionKind)
		}
		if n.ReplyTimes != nil {
			fmt.Fprint(out, n.ReplyTimes)
		}
	}
	if r.WhoSaidItDetail != nil {
		if err := r.WhoSaidItDetail.print(out); err != nil {
			return err
		}
	}
	if r.Style != nil {
		if err := printStyle(out, r.Style); err != nil {
			return err
		}
	}
	if r.Leaks != nil {
		if err := printLeaks(out, r.Leaks); err != nil {
			return err
		}
	}
	if r.Canaries != nil {
		if err := printCanaries(out, r.Canaries); err != nil {
			return err
		}
	}
	if len(r.PerContact) == 0 {
		return nil
	}
	_, err := io.WriteString(out, "\n"+r.people().Fit(terminal.Columns(out)))
	return err
}

// people returns the table of people.
func (r *Report) people() *terminal.Table {
	titles := []string{"name", "perplexity>", "95% interval>", "loss>", "tokens>", "windows>"}
	if r.Generation != nil {
		titles = append(titles, "generated>", "JSON>", "delta>", "not empty>")
	}
	if r.WhoSaidIt != nil {
		titles = append(titles, "author named>")
	}
	table := terminal.NewTable(titles...)
	for _, name := range slices.Sorted(maps.Keys(r.PerContact)) {
		f := r.PerContact[name]
		cells := []string{name, fmt.Sprintf("%.3f", f.Perplexity), between("%.3f", f.Interval.Perplexity), fmt.Sprintf("%.4f", f.Loss),
			terminal.Count(int64(f.TargetTokens)), terminal.Count(int64(f.Windows))}
		if r.Generation != nil {
			cells = append(cells, f.Generation.cells()...)
		}
		if r.WhoSaidIt != nil {
			named := "-"
			if of, asked := r.WhoSaidIt.PerContact[name]; asked {
				named = fmt.Sprintf("%.0f%% of %s", 100*of.Accuracy, terminal.Count(int64(of.Messages)))
			}
			cells = append(cells, named)
		}
		table.Add(cells...)
	}
	return table
}

// between returns the ends of an interval, "-" for none.
func between(format string, i *interval.Interval) string {
	if i == nil {
		return "-"
	}
	return fmt.Sprintf(format+" to "+format, i[0], i[1])
}

// percent is between for a share.
func percent(i *interval.Interval) string {
	if i == nil {
		return "-"
	}
	return fmt.Sprintf("%.0f to %.0f%%", 100*i[0], 100*i[1])
}

// cells returns the rates as cells of a table.
func (r *Rates) cells() []string {
	if r == nil {
		return []string{"-", "-", "-", "-"}
	}
	return []string{terminal.Count(int64(r.Samples)), fmt.Sprintf("%.0f%%", 100*r.JSONValid), fmt.Sprintf("%.0f%%", 100*r.DeltaValid),
		fmt.Sprintf("%.0f%%", 100*r.ContentNonempty)}
}

func (r *Rates) String() string {
	return fmt.Sprintf("%s: %.0f%% valid JSON, %.0f%% with a valid delta, %.0f%% not empty", terminal.Quantity(r.Samples, "message"),
		100*r.JSONValid, 100*r.DeltaValid, 100*r.ContentNonempty)
}
