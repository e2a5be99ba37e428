package generate

import (
	"context"
	"math"
	"slices"

	"ventriloquist/internal/batch"
)

// namesAtOnce is how many names are read side by side.
const namesAtOnce = 16

// NextSpeaker returns, for each of the names, the probability that its person writes the next message of the conversation: that of
// the line's beginning up to the name's end, among these names. The names differ.
func (g *Generator) NextSpeaker(ctx context.Context, c *Conversation, names []string) ([]float64, error) {
	if len(names) < 2 {
		return slices.Repeat([]float64{1}, len(names)), nil
	}
	begins := make([][]int32, len(names))
	longest := 0
	for i, name := range names {
		begins[i] = g.tokenizer.AppendEncodeOrdinary(nil, Prefill(name))
		longest = max(longest, len(begins[i]))
	}
	shared := len(begins[0])
	for _, other := range begins[1:] {
		shared = min(shared, commonPrefix(begins[0], other))
	}
	prompt := append(c.contextTokens(g.tokenizer), begins[0][:shared]...)
	if err := g.Reserve(len(prompt)+namesAtOnce*longest, namesAtOnce+1); err != nil {
		return nil, err
	}
	defer g.release(namesAtOnce + 1)
	if err := g.readPrompt(ctx, prompt); err != nil {
		return nil, err
	}
	logits := make([]float32, g.model.VocabSize())
	if err := g.cache.Logits(0, logits); err != nil {
		return nil, err
	}
	logProb := make([]float64, len(names))
	total := logSumExp(logits)
	for i := range begins {
		begins[i] = begins[i][shared:] // never empty: no such beginning is one of another's
		logProb[i] = float64(logits[begins[i][0]]) - total
	}
	for from := 0; from < len(names); from += namesAtOnce {
		to := min(from+namesAtOnce, len(names))
		if err := g.readNames(ctx, begins[from:to], logProb[from:to], logits); err != nil {
			return nil, err
		}
	}
	return shares(logProb), nil
}

// contextTokens returns the ids of the header and the messages.
func (c *Conversation) contextTokens(e batch.Encoder) (ids []int32) {
	lines := c.lines("")
	for _, line := range lines[:len(lines)-1] {
		ids = e.AppendEncodeOrdinary(ids, line)
	}
	return ids
}

// readNames adds to logProb[i] the log-probabilities of all tokens of names[i] but the first, after the prompt in sequence 0. logits
// is a buffer for one row.
func (g *Generator) readNames(ctx context.Context, names [][]int32, logProb []float64, logits []float32) error {
	for i := range names {
		if err := g.cache.Truncate(i+1, 0); err != nil {
			return err
		}
		if err := g.cache.Fork(0, i+1); err != nil {
			return err
		}
	}
	for at := 1; ; at++ {
		var sequences, ids []int32
		for i, name := range names {
			if at < len(name) {
				sequences, ids = append(sequences, int32(i+1)), append(ids, name[at-1])
			}
		}
		if len(ids) == 0 {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := g.cache.Decode(sequences, ids); err != nil {
			return err
		}
		for row, sequence := range sequences {
			if err := g.cache.Logits(row, logits); err != nil {
				return err
			}
			logProb[sequence-1] += float64(logits[names[sequence-1][at]]) - logSumExp(logits)
		}
	}
}

// logSumExp returns the log of the sum of exp(logits).
func logSumExp(logits []float32) float64 {
	highest, sum := float64(slices.Max(logits)), 0.0
	for _, l := range logits {
		sum += math.Exp(float64(l) - highest)
	}
	return highest + math.Log(sum)
}

// shares turns log-probabilities into probabilities whose sum is 1.
func shares(logProb []float64) []float64 {
	highest, sum := slices.Max(logProb), 0.0
	share := make([]float64, len(logProb))
	for i, l := range logProb {
		share[i] = math.Exp(l - highest)
		sum += share[i]
	}
	for i := range share {
		share[i] /= sum
	}
	return share
}
