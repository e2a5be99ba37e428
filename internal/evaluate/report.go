package evaluate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"

	"ventriloquist/internal/terminal"
)

// Report is the content of eval_results.json.
type Report struct {
	Figures
	WhoSaidIt   *WhoSaidIt         `json:"who_said_it,omitempty"`  // absent if it was not asked
	NextMessage *NextMessage       `json:"next_message,omitempty"` // absent if it was not asked
	PerContact  map[string]Figures `json:"per_contact,omitempty"`
}

// Figures of all targets, or of one author's.
type Figures struct {
	Windows      int     `json:"windows"`
	TargetTokens int     `json:"target_tokens"`
	Loss         float64 `json:"loss"`
	Perplexity   float64 `json:"perplexity"`
	Generation   *Rates  `json:"generation,omitempty"` // absent if nothing was generated
}

// Rates are shares of the generated samples.
type Rates struct {
	Samples         int     `json:"samples"`
	JSONValid       float64 `json:"json_valid_rate"`
	DeltaValid      float64 `json:"delta_valid_rate"`
	ContentNonempty float64 `json:"content_nonempty_rate"`
}

// NewReport assembles a report; samples may be nil.
func NewReport(scores *Scores, samples *Samples, perContact bool) *Report {
	r := &Report{Figures: newFigures(&scores.All)}
	if samples != nil {
		r.Generation = newRates(&samples.All)
	}
	if !perContact {
		return r
	}
	r.PerContact = make(map[string]Figures)
	for name, tally := range scores.PerContact {
		f := newFigures(tally)
		if samples != nil && samples.PerContact[name] != nil {
			f.Generation = newRates(samples.PerContact[name])
		}
		r.PerContact[name] = f
	}
	return r
}

func newFigures(t *Tally) Figures {
	return Figures{Windows: t.Windows, TargetTokens: t.TargetTokens, Loss: t.Loss(), Perplexity: math.Exp(t.Loss())}
}

func newRates(v *Validity) *Rates {
	share := func(n int) float64 { return float64(n) / float64(v.Samples) }
	return &Rates{Samples: v.Samples, JSONValid: share(v.JSON), DeltaValid: share(v.Delta), ContentNonempty: share(v.NonEmpty)}
}

// JSON returns the report as one line.
func (r *Report) JSON() ([]byte, error) {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if err := e.Encode(r); err != nil {
		return nil, fmt.Errorf("cannot encode the results as JSON: %w", err)
	}
	return text.Bytes(), nil
}

// Print writes the report for people.
func (r *Report) Print(out io.Writer) error {
	fmt.Fprintf(out, "perplexity %.3f (loss %.4f) over %s in %s\n", r.Perplexity, r.Loss,
		terminal.Quantity(r.TargetTokens, "target token"), terminal.Quantity(r.Windows, "window"))
	if r.Generation != nil {
		fmt.Fprintf(out, "generated without a grammar: %s\n", r.Generation)
	}
	if r.WhoSaidIt != nil {
		fmt.Fprintf(out, "who said it: the author named for %s\n", r.WhoSaidIt)
	}
	if n := r.NextMessage; n != nil {
		fmt.Fprintf(out, "who writes next: %s\n", &n.Speaker)
		fmt.Fprintf(out, "how soon: %s\n", &n.Delay)
		fmt.Fprintf(out, "what kind of message: %s\n", &n.ContentType)
	}
	if len(r.PerContact) == 0 {
		return nil
	}
	titles := []string{"name", "perplexity>", "loss>", "tokens>", "windows>"}
	if r.Generation != nil {
		titles = append(titles, "generated>", "JSON>", "delta>", "not empty>")
	}
	if r.WhoSaidIt != nil {
		titles = append(titles, "author named>")
	}
	table := terminal.NewTable(titles...)
	for _, name := range slices.Sorted(maps.Keys(r.PerContact)) {
		f := r.PerContact[name]
		cells := []string{name, fmt.Sprintf("%.3f", f.Perplexity), fmt.Sprintf("%.4f", f.Loss), terminal.Count(int64(f.TargetTokens)), terminal.Count(int64(f.Windows))}
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
	_, err := io.WriteString(out, "\n"+table.Fit(terminal.Columns(out)))
	return err
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
