package remote

import (
	"context"
	"errors"
	"fmt"
	"math"

	"ventriloquist/internal/generate"
)

// Likelihood is how likely a text is.
type Likelihood struct {
	LogProb float64 // natural log
	Tokens  int     // of the text, by the server's tokenizer
}

// Likelihoods returns how likely each of several texts is after the prompt and the texts before it.
func (w *Writer) Likelihoods(ctx context.Context, prompt string, texts []string) (logProbs []float64, tokens []int, err error) {
	plain := make([]string, len(texts))
	for i, text := range texts {
		plain[i] = withoutSpecialTokens(text)
	}
	list, err := w.server.logProbs(ctx, withoutSpecialTokens(prompt), plain)
	for _, one := range list {
		logProbs, tokens = append(logProbs, one.LogProb), append(tokens, one.Tokens)
	}
	return logProbs, tokens, err
}

// Choose returns the probabilities of several texts after a prompt, among these texts.
func (w *Writer) Choose(ctx context.Context, prompt string, texts []string) ([]float64, error) {
	if len(texts) == 1 {
		return []float64{1}, nil
	}
	share := make([]float64, len(texts))
	highest := math.Inf(-1)
	for i, text := range texts {
		var err error
		if share[i], err = w.server.logProb(ctx, withoutSpecialTokens(prompt), withoutSpecialTokens(text)); err != nil {
			return nil, err
		}
		highest = max(highest, share[i])
	}
	sum := 0.0
	for i := range share {
		share[i] = math.Exp(share[i] - highest)
		sum += share[i]
	}
	for i := range share {
		share[i] /= sum
	}
	return share, nil
}

// What CheckLikelihoods and CheckChoices ask about: words of no one.
const (
	probe     = `{"type": "dm", "members": [`
	probeText = `"A", "B"]}` + "\n"
)

// CheckLikelihoods returns an error if the server does not say how likely a given text is. It sends no message.
func (w *Writer) CheckLikelihoods(ctx context.Context) error {
	_, err := w.server.logProbs(ctx, probe, []string{probeText})
	return err
}

// CheckChoices returns an error if the server does not say which of several texts is likely. It sends no message.
func (w *Writer) CheckChoices(ctx context.Context) error {
	_, err := w.server.logProb(ctx, probe, probeText)
	return err
}

// ErrUnsupported is in the errors of servers that do not say how likely a given text is.
var ErrUnsupported = errors.New("it does not say how likely a given text is")

// unsupported says that a server has no probabilities of texts.
func unsupported(name string) error {
	return fmt.Errorf("%w: %s: %w", generate.ErrUnwritten, name, ErrUnsupported)
}

// finite refuses a sum of probabilities that is no number.
func finite(sum float64, c *client) (float64, error) {
	if math.IsNaN(sum) || math.IsInf(sum, 0) {
		return 0, fmt.Errorf("%w: the probabilities of %s add up to no number", generate.ErrUnwritten, c.address.Host())
	}
	return sum, nil
}
