package generate

import (
	"context"
	"math"
	"slices"

	"ventriloquist/internal/batch"
)

// choicesAtOnce is how many texts are read side by side.
const choicesAtOnce = 16

// NextSpeaker returns, for each of the names, the probability that its person writes the next message of the conversation: that of
// the line's beginning up to the name's end, among these names. The names differ.
func (g *Generator) NextSpeaker(ctx context.Context, c *Conversation, names []string) ([]float64, error) {
	begins := make([]string, len(names))
	for i, name := range names {
		begins[i] = Prefill(name)
	}
	return g.Choose(ctx, c.contextTokens(g.tokenizer), begins)
}

// Choose returns the probability of each of the texts after a prompt, among these texts. They differ, and none is the beginning of
// another.
func (g *Generator) Choose(ctx context.Context, prompt []int32, texts []string) ([]float64, error) {
	if len(texts) < 2 {
		return slices.Repeat([]float64{1}, len(texts)), nil
	}
	choices := make([][]int32, len(texts))
	longest := 0
	for i, text := range texts {
		choices[i] = g.tokenizer.AppendEncodeOrdinary(nil, text)
		longest = max(longest, len(choices[i]))
	}
	shared := len(choices[0])
	for _, other := range choices[1:] {
		shared = min(shared, commonPrefix(choices[0], other))
	}
	prompt = slices.Concat(prompt, choices[0][:shared])
	if err := g.Reserve(len(prompt)+choicesAtOnce*longest, choicesAtOnce+1); err != nil {
		return nil, err
	}
	defer g.release(choicesAtOnce + 1)
	if err := g.readPrompt(ctx, prompt); err != nil {
		return nil, err
	}
	logits := make([]float32, g.model.VocabSize())
	if err := g.cache.Logits(0, logits); err != nil {
		return nil, err
	}
	logProb := make([]float64, len(choices))
	total := logSumExp(logits)
	for i := range choices {
		choices[i] = choices[i][shared:] // never empty: no text is the beginning of another
		logProb[i] = float64(logits[choices[i][0]]) - total
	}
	for from := 0; from < len(choices); from += choicesAtOnce {
		to := min(from+choicesAtOnce, len(choices))
		if err := g.readChoices(ctx, choices[from:to], logProb[from:to], logits); err != nil {
			return nil, err
		}
	}
	return shares(logProb), nil
}

// contextTokens returns the ids of the header and the messages.
func (c *Conversation) contextTokens(e batch.Encoder) (ids []int32) {
	lines := c.PromptLines("")
	for _, line := range lines[:len(lines)-1] {
		ids = e.AppendEncodeOrdinary(ids, line)
	}
	return ids
}

// readChoices adds to logProb[i] the log-probabilities of all tokens of choices[i] but the first, after the prompt in sequence 0.
// logits is a buffer for one row.
func (g *Generator) readChoices(ctx context.Context, choices [][]int32, logProb []float64, logits []float32) error {
	for i := range choices {
		if err := g.cache.Truncate(i+1, 0); err != nil {
			return err
		}
		if err := g.cache.Fork(0, i+1); err != nil {
			return err
		}
	}
	for at := 1; ; at++ {
		var sequences, ids []int32
		for i, choice := range choices {
			if at < len(choice) {
				sequences, ids = append(sequences, int32(i+1)), append(ids, choice[at-1])
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
			logProb[sequence-1] += float64(logits[choices[sequence-1][at]]) - logSumExp(logits)
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
