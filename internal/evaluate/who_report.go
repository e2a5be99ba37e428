package evaluate

import (
	"fmt"
	"math"

	"ventriloquist/internal/terminal"
)

// WhoSaidIt says how well the model tells the members of a conversation apart by their texts.
type WhoSaidIt struct {
	AuthorFigures
	AccuracyLow  float64 `json:"accuracy_low"` // a 95% interval (Wilson)
	AccuracyHigh float64 `json:"accuracy_high"`
	Chance       float64 `json:"chance"`   // the accuracy of guessing: the mean of 1 / members
	Majority     float64 `json:"majority"` // the accuracy of always naming the one who wrote most of a conversation's messages
	// ECE is the expected calibration error: by how much the probability that the model gives its guess differs from how often
	// guesses of about that probability are right, on average over ten bins.
	ECE        float64                  `json:"ece"`
	PerContact map[string]AuthorFigures `json:"per_contact"` // by the real author
}

// AuthorFigures are how many messages were asked about, and for how many the author was named.
type AuthorFigures struct {
	Messages int     `json:"messages"`
	Accuracy float64 `json:"accuracy"`
}

// newWhoSaidIt summarizes verdicts; nil if there are none.
func newWhoSaidIt(verdicts []verdict) *WhoSaidIt {
	if len(verdicts) == 0 {
		return nil
	}
	w := &WhoSaidIt{PerContact: make(map[string]AuthorFigures)}
	w.Messages = len(verdicts)
	right := 0
	written := make(map[string]map[string]int) // by conversation and author
	rightOf := make(map[string]int)
	for _, v := range verdicts {
		of := w.PerContact[v.author]
		of.Messages++
		w.PerContact[v.author] = of
		if v.guess == v.author {
			right++
			rightOf[v.author]++
		}
		w.Chance += 1 / float64(v.members) / float64(len(verdicts))
		if written[v.conversation] == nil {
			written[v.conversation] = make(map[string]int)
		}
		written[v.conversation][v.author]++
	}
	for name, of := range w.PerContact {
		of.Accuracy = float64(rightOf[name]) / float64(of.Messages)
		w.PerContact[name] = of
	}
	most := 0
	for _, authors := range written {
		largest := 0
		for _, n := range authors {
			largest = max(largest, n)
		}
		most += largest
	}
	w.Majority = float64(most) / float64(len(verdicts))
	w.Accuracy = float64(right) / float64(len(verdicts))
	w.AccuracyLow, w.AccuracyHigh = wilson(right, len(verdicts))
	w.ECE = calibrationError(verdicts)
	return w
}

// wilson returns the 95% interval of a share of k in n.
func wilson(k, n int) (low, high float64) {
	const z = 1.959963984540054
	p, count := float64(k)/float64(n), float64(n)
	center := p + z*z/(2*count)
	half := z * math.Sqrt(p*(1-p)/count+z*z/(4*count*count))
	scale := 1 + z*z/count
	return max(0, (center-half)/scale), min(1, (center+half)/scale)
}

// calibrationError returns the expected calibration error of the guesses, in ten bins of the same width.
func calibrationError(verdicts []verdict) (sum float64) {
	const bins = 10
	var confidence, right [bins]float64
	for _, v := range verdicts {
		bin := min(int(v.confidence*bins), bins-1)
		confidence[bin] += v.confidence
		if v.guess == v.author {
			right[bin]++
		}
	}
	for i := range confidence {
		sum += math.Abs(confidence[i] - right[i])
	}
	return sum / float64(len(verdicts))
}

func (w *WhoSaidIt) String() string {
	return fmt.Sprintf("%.1f%% of %s (95%% interval %.1f to %.1f%%; chance %.1f%%, always the most frequent writer %.1f%%; calibration error %.2f)",
		100*w.Accuracy, terminal.Quantity(w.Messages, "message"), 100*w.AccuracyLow, 100*w.AccuracyHigh, 100*w.Chance, 100*w.Majority, w.ECE)
}
