package evaluate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"text/tabwriter"
)

// Report is the content of eval_results.json.
type Report struct {
	Figures
	WhoSaidIt  *WhoSaidIt         `json:"who_said_it,omitempty"` // absent if it was not asked
	PerContact map[string]Figures `json:"per_contact,omitempty"`
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
	fmt.Fprintf(out, "perplexity %.3f (loss %.4f) over %d target tokens in %d windows\n", r.Perplexity, r.Loss, r.TargetTokens, r.Windows)
	if r.Generation != nil {
		fmt.Fprintf(out, "generated without a grammar: %s\n", r.Generation)
	}
	if r.WhoSaidIt != nil {
		fmt.Fprintf(out, "who said it: the author named for %s\n", r.WhoSaidIt)
	}
	if len(r.PerContact) == 0 {
		return nil
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "\nname\tperplexity\tloss\ttokens\twindows")
	if r.Generation != nil {
		fmt.Fprint(table, "\tgenerated\tJSON\tdelta\tnot empty")
	}
	if r.WhoSaidIt != nil {
		fmt.Fprint(table, "\tauthor named")
	}
	fmt.Fprintln(table)
	for _, name := range slices.Sorted(maps.Keys(r.PerContact)) {
		f := r.PerContact[name]
		fmt.Fprintf(table, "%s\t%.3f\t%.4f\t%d\t%d", name, f.Perplexity, f.Loss, f.TargetTokens, f.Windows)
		if g := f.Generation; g != nil {
			fmt.Fprintf(table, "\t%d\t%.0f%%\t%.0f%%\t%.0f%%", g.Samples, 100*g.JSONValid, 100*g.DeltaValid, 100*g.ContentNonempty)
		}
		if r.WhoSaidIt != nil {
			if of, asked := r.WhoSaidIt.PerContact[name]; asked {
				fmt.Fprintf(table, "\t%.0f%% of %d", 100*of.Accuracy, of.Messages)
			} else {
				fmt.Fprint(table, "\t-")
			}
		}
		fmt.Fprintln(table)
	}
	return table.Flush()
}

func (r *Rates) String() string {
	return fmt.Sprintf("%d messages: %.0f%% valid JSON, %.0f%% with a valid delta, %.0f%% not empty", r.Samples,
		100*r.JSONValid, 100*r.DeltaValid, 100*r.ContentNonempty)
}
