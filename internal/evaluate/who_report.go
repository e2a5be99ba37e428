package evaluate

import (
	"fmt"
	"math"

	"ventriloquist/internal/evaluate/interval"
	"ventriloquist/internal/terminal"
)

// WhoSaidIt says how well the model tells the members of a conversation apart by their texts.
type WhoSaidIt struct {
	AuthorFigures
	AccuracyLow  float64 `json:"accuracy_low"` // a 95% interval (Wilson), as if all messages were independent
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
	w.AccuracyLow, w.AccuracyHigh = interval.Wilson(w.Accuracy, float64(len(verdicts)))
	w.ECE = calibrationError(verdicts)
	return w
}

// calibrationError returns the expected calibration error of the guesses, in ten bins of the same width.
func calibrationError(verdicts []verdict) (sum float64) {
	for _, bin := range bins(verdicts) {
		sum += math.Abs(bin.confidence - bin.right)
	}
	return sum / float64(len(verdicts))
}

// bin has the guesses of about one confidence: their sum of confidences, and how many are right.
type bin struct {
	confidence, right float64
	messages          int
}

// binCount is how many bins there are, all of the same width.
const binCount = 10

func (v *verdict) bin() int { return min(int(v.confidence*binCount), binCount-1) }

func bins(verdicts []verdict) (list [binCount]bin) {
	for _, v := range verdicts {
		b := &list[v.bin()]
		b.confidence += v.confidence
		b.right += one(v.guess == v.author)
		b.messages++
	}
	return list
}

func (w *WhoSaidIt) String() string {
	return fmt.Sprintf("%.1f%% of %s (95%% interval %.1f to %.1f%%; chance %.1f%%, always the most frequent writer %.1f%%; calibration error %.2f)",
		100*w.Accuracy, terminal.Quantity(w.Messages, "message"), 100*w.AccuracyLow, 100*w.AccuracyHigh, 100*w.Chance, 100*w.Majority, w.ECE)
}
