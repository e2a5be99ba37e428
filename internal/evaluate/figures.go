package evaluate

import (
	"math"

	"ventriloquist/internal/evaluate/interval"
)

// Figures of all targets, or of one author's.
type Figures struct {
	Windows      int              `json:"windows"`
	TargetTokens int              `json:"target_tokens,omitempty"` // absent, like the next two, if losses were not measured
	Loss         float64          `json:"loss,omitempty"`
	Perplexity   float64          `json:"perplexity,omitempty"`
	Interval     *FiguresInterval `json:"interval,omitempty"`
	Generation   *Rates           `json:"generation,omitempty"` // absent if nothing was generated
}

// FiguresInterval has the 95% intervals of figures; each is nil if there are too few units.
type FiguresInterval struct {
	Resampling
	Loss       *interval.Interval `json:"loss"`
	Perplexity *interval.Interval `json:"perplexity"`
	Generation *RatesInterval     `json:"generation,omitempty"`
}

// Rates are shares of the generated samples.
type Rates struct {
	Samples         int     `json:"samples"`
	JSONValid       float64 `json:"json_valid_rate"`
	DeltaValid      float64 `json:"delta_valid_rate"`
	ContentNonempty float64 `json:"content_nonempty_rate"`
}

// RatesInterval has the 95% intervals of rates.
type RatesInterval struct {
	Resampling
	JSONValid       *interval.Interval `json:"json_valid_rate"`
	DeltaValid      *interval.Interval `json:"delta_valid_rate"`
	ContentNonempty *interval.Interval `json:"content_nonempty_rate"`
}

func newFigures(t *Tally, parts []Part) Figures {
	if t.TargetTokens == 0 {
		return Figures{Windows: t.Windows, Interval: &FiguresInterval{}}
	}
	list := make([]observation, len(parts))
	for i, p := range parts {
		list[i] = observation{p.Window, p.Conversation, p.Sum, float64(p.Tokens)}
	}
	of, by := units(list)
	loss := interval.Mean(of)
	return Figures{Windows: t.Windows, TargetTokens: t.TargetTokens, Loss: t.Loss(), Perplexity: math.Exp(t.Loss()),
		Interval: &FiguresInterval{Resampling: by, Loss: loss, Perplexity: loss.Map(math.Exp)}}
}

// addRates adds the rates of generated samples and their intervals.
func (f *Figures) addRates(v *Validity, each []writtenSample) {
	rate := func(n int) float64 { return float64(n) / float64(v.Samples) }
	f.Generation = &Rates{Samples: v.Samples, JSONValid: rate(v.JSON), DeltaValid: rate(v.Delta), ContentNonempty: rate(v.NonEmpty)}
	count := func(value func(v *Validity) int) []observation {
		list := make([]observation, len(each))
		for i := range each {
			list[i] = observation{each[i].window, each[i].conversation, float64(value(&each[i].counts)), 1}
		}
		return list
	}
	json := count(func(v *Validity) int { return v.JSON })
	_, by := units(json)
	f.Interval.Generation = &RatesInterval{by, share(json), share(count(func(v *Validity) int { return v.Delta })),
		share(count(func(v *Validity) int { return v.NonEmpty }))}
}

// of returns the parts of one author.
func (s *Scores) of(author string) (parts []Part) {
	for _, p := range s.Parts {
		if p.Author == author {
			parts = append(parts, p)
		}
	}
	return parts
}

// of returns the samples of one author.
func (s *Samples) of(author string) (each []writtenSample) {
	for _, w := range s.each {
		if w.author == author {
			each = append(each, w)
		}
	}
	return each
}
