package generate

import (
	"context"
	"fmt"
	"math"
	"testing"

	"ventriloquist/internal/windows"
)

// The probability of a name is that of its tokens, each after those before it, whether few or many names are asked about.
func TestGenerator_NextSpeakerMultipliesTokens(t *testing.T) {
	t.Parallel()
	g, m, tokens := newFake(t, nil)
	defer g.Close()
	c := &Conversation{Header: windows.NewHeader("", []string{"a", "b"}, "2024-03-15"),
		Messages: []windows.Message{{Name: "a", Delta: "<1m", ContentType: "text", Text: "hey"}}}
	for _, n := range []int{1, 2, 5, choicesAtOnce + 3} {
		names := []string{"hey", "hey hey", `delta"`}[:min(n, 3)]
		for i := range n - len(names) {
			names = append(names, fmt.Sprint("person ", i))
		}
		got, err := g.NextSpeaker(context.Background(), c, names)
		if err != nil {
			t.Fatal(err)
		}
		logProb := make([]float64, n)
		for i, name := range names {
			cache, err := m.NewCache(1<<12, 1)
			if err != nil {
				t.Fatal(err)
			}
			if err := cache.Prefill(0, c.contextTokens(tokens), true); err != nil {
				t.Fatal(err)
			}
			logits := make([]float32, m.VocabSize())
			for _, id := range tokens.AppendEncodeOrdinary(nil, Prefill(name)) {
				if err := cache.Logits(0, logits); err != nil {
					t.Fatal(err)
				}
				logProb[i] += float64(logits[id]) - logSumExp(logits)
				if err := cache.Decode([]int32{0}, []int32{id}); err != nil {
					t.Fatal(err)
				}
			}
		}
		for i, want := range shares(logProb) {
			if math.Abs(got[i]-want) > 1e-9 {
				t.Errorf("of %d names, %q has the probability %g, want %g", n, names[i], got[i], want)
			}
		}
	}
}
