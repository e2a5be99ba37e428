package exportcheck

import (
	"context"
	"math"

	"ventriloquist/engine"
	"ventriloquist/internal/batch"
)

const (
	// greedyTokens are the most tokens of a greedy line.
	greedyTokens = 96
	// scoredTokens are the tokens of a window, its last ones, whose distributions are compared.
	scoredTokens = 16
)

// Run is what a model computes for windows.
type Run struct {
	windows []windowRun
}

type windowRun struct {
	line     []int32     // written greedily in the place of the last target
	gaps     []float64   // by how much the most likely token's log-probability is above the second's, for each token of the line
	logProbs [][]float32 // [scored token][vocabulary]
}

// Settings say how windows are run.
type Settings struct {
	Ends     func(id int32) bool     // whether a token ends a line
	Progress func(done, total int64) // windows; may be nil
	Model    *engine.Model
	Adapter  *engine.Adapter // nil: none
}

// NewRun runs a model on windows: it writes the last target of each again, greedily, and computes the distributions of its last
// tokens as they are.
func NewRun(ctx context.Context, s Settings, windows []batch.Window) (*Run, error) {
	longest := 0
	for i := range windows {
		longest = max(longest, len(windows[i].IDs))
	}
	session, err := s.Model.NewSession(s.Adapter, longest+greedyTokens, 1)
	if err != nil {
		return nil, err
	}
	defer session.Close()
	r := &Run{}
	for i := range windows {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		w, err := s.window(session, &windows[i])
		if err != nil {
			return nil, err
		}
		r.windows = append(r.windows, w)
		if s.Progress != nil {
			s.Progress(int64(i+1), int64(len(windows)))
		}
	}
	return r, nil
}

func (s Settings) window(session *engine.Session, w *batch.Window) (result windowRun, err error) {
	target := w.Targets[len(w.Targets)-1]
	prompt := len(w.IDs) - target
	if err := session.Truncate(0, 0); err != nil {
		return result, err
	}
	logits := make([]float32, s.Model.Config().Vocab)
	if err := session.Prefill(0, w.IDs[:prompt], logits); err != nil {
		return result, err
	}
	for len(result.line) < greedyTokens {
		best, gap := likeliest(logits)
		result.line, result.gaps = append(result.line, best), append(result.gaps, gap)
		if s.Ends(best) {
			break
		}
		if err := session.Decode([]int32{0}, []int32{best}, logits); err != nil {
			return result, err
		}
	}
	if err := session.Truncate(0, prompt); err != nil {
		return result, err
	}
	rest := w.IDs[prompt:]
	if before := len(rest) - scoredTokens; before > 0 {
		if err := session.Prefill(0, rest[:before], nil); err != nil {
			return result, err
		}
		rest = rest[before:]
	}
	for _, id := range rest {
		if err := session.Decode([]int32{0}, []int32{id}, logits); err != nil {
			return result, err
		}
		result.logProbs = append(result.logProbs, logSoftmax(logits))
	}
	return result, nil
}

// likeliest returns the token with the largest logit, the first of equal ones, and its distance to the second.
func likeliest(logits []float32) (best int32, gap float64) {
	second := math.Inf(-1)
	for id, v := range logits {
		switch value := float64(v); {
		case value > float64(logits[best]):
			best, second = int32(id), float64(logits[best])
		case int32(id) != best:
			second = max(second, value)
		}
	}
	return best, float64(logits[best]) - second
}

func logSoftmax(logits []float32) []float32 {
	largest := float64(logits[0])
	for _, v := range logits {
		largest = max(largest, float64(v))
	}
	sum := 0.0
	for _, v := range logits {
		sum += math.Exp(float64(v) - largest)
	}
	shift := largest + math.Log(sum)
	result := make([]float32, len(logits))
	for i, v := range logits {
		result[i] = float32(float64(v) - shift)
	}
	return result
}
