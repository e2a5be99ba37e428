package generate

import (
	"context"
	"fmt"
	"slices"
	"testing"
)

// favorLines are favored tokens that make most guesses right, as a trained model does.
var favorLines = map[string]float32{`delta`: 9, `":`: 9, ` "<`: 9, `",`: 9, `<1`: 5, `1m`: 9, ` "`: 7, `reply`: 9, `_to`: 9, ` null`: 9, `content`: 9,
	`_type`: 9, `text`: 7, "\"}\n": 12, "}\n": 9, ` hey`: 6}

// repeatingPrompt has lines that the next one may repeat.
var repeatingPrompt = newFakeTokenizer(likeQwen...).AppendEncodeOrdinary(nil,
	`{"name": "A", "delta": "<1m", "reply_to": null, "content_type": "text", "text": "hey hey"}`+"\n"+
		`{"name": "B", "delta": "<1m", "reply_to": "hey hey", "content_type": "text", "text": "a hey"}`+"\n"+`{"name": "A", "`)

func TestGenerator_GuessesDoNotChangeTheText(t *testing.T) {
	t.Parallel()
	for name, favored := range map[string]map[string]float32{"any tokens": nil, "lines": favorLines} {
		for _, o := range []Options{
			{MaxNewTokens: 80},
			{MaxNewTokens: 60, MinNewTokens: 40, Sampling: Sampling{Temperature: 1, Seed: 3}},
			{MaxNewTokens: 80, Sampling: Sampling{Temperature: 0.7, TopP: 0.9, RepetitionPenalty: 1.3, Seed: 4}},
			{MaxNewTokens: 50, Raw: true, Sampling: Sampling{Temperature: 1, Seed: 5}},
			{MaxNewTokens: 50, Raw: true},
		} {
			for _, n := range []int{1, 3, 12} {
				guessing, _, _ := newFake(t, favored)
				plain, _, _ := newFake(t, favored)
				plain.DecodeOneByOne()
				for _, prompt := range [][]int32{repeatingPrompt, somePrompt} { // the second finds what the first left in the cache
					got, err := guessing.Continue(context.Background(), prompt, n, o, nil)
					if err != nil {
						t.Fatal(err)
					}
					want, err := plain.Continue(context.Background(), prompt, n, o, nil)
					if err != nil {
						t.Fatal(err)
					}
					what := fmt.Sprintf("%s, %+v, %d continuations", name, o, n)
					for i := range want {
						if !slices.Equal(got[i].IDs, want[i].IDs) || got[i].Stopped != want[i].Stopped {
							t.Errorf("%s: continuation %d is %q, without guesses %q", what, i, got[i].Text, want[i].Text)
						}
					}
					if !slices.Equal(guessing.read, guessing.cache.(*fakeCache).tokens[0]) {
						t.Errorf("%s: sequence 0 has other tokens than the generator believes", what)
					}
				}
			}
		}
	}
}

func TestGenerator_GuessesSavePasses(t *testing.T) {
	t.Parallel()
	passes := func(prompt []int32, oneByOne bool) (passes, tokens int) {
		w, model, _ := newFake(t, favorLines)
		w.noGuesses = oneByOne
		done, err := w.Continue(context.Background(), prompt, 1, Options{MaxNewTokens: 80}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return model.passes, len(done[0].IDs)
	}
	for name, c := range map[string]struct {
		prompt []int32
		most   float64 // passes per token
	}{"nothing to repeat": {somePrompt, 0.8}, "lines to repeat": {repeatingPrompt, 0.5}} {
		if got, tokens := passes(c.prompt, true); got != tokens-1 {
			t.Errorf("%s: %d passes one by one for %d tokens", name, got, tokens)
		}
		if got, tokens := passes(c.prompt, false); float64(got) > c.most*float64(tokens) {
			t.Errorf("%s: %d passes for %d tokens", name, got, tokens)
		}
	}
}

// The text between two choices of a line.
func TestGenerator_ForcedTokens(t *testing.T) {
	t.Parallel()
	w, _, tokenizer := newFake(t, nil)
	if _, err := w.newDrafts([][]int32{somePrompt}, Options{MaxNewTokens: 80}, nil); err != nil {
		t.Fatal(err)
	}
	for after, want := range map[string][]string{
		``:                               {`delta`, `":`}, // ` "<` could also be ` "` and a longer token
		`delta": "<1m`:                   {`",`, ` "`, `reply`, `_to`, `":`},
		`delta": "<1m", "reply_to": n`:   nil,
		`delta": "<1m", "reply_to": "hi`: nil,
		`delta": "<1m", "reply_to": null, "content_type": "text", "text": "hi"`: {"}\n"},
	} {
		var got []string
		for _, id := range w.forcedTokens(lineGrammar.after(startState, []byte(after))) {
			got = append(got, string(tokenizer.TokenBytes(id)))
		}
		if !slices.Equal(got, want) && after != `delta": "<1m", "reply_to": n` {
			t.Errorf("after %q: %q, want %q", after, got, want)
		}
	}
}
