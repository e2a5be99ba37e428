package generate

import (
	"context"
	"slices"
	"testing"
)

// textOf returns the text of a continuation of somePrompt.
func textOf(t *testing.T, c *Continuation) string {
	t.Helper()
	m, err := ParseContinuation("J", c.Text)
	if err != nil {
		t.Fatal(err)
	}
	return m.Text
}

// afterSomePrompt is a Writer that continues somePrompt.
type afterSomePrompt struct{ *Generator }

func (w afterSomePrompt) Write(ctx context.Context, _ *Conversation, _ string, n int, o Options, s Stream) ([]Continuation, error) {
	return w.Continue(ctx, somePrompt, n, o, s)
}

// -n gives different messages. The first of them are those that -n 1, 2, … gives.
func TestWriteDifferent_GivesDifferentTexts(t *testing.T) {
	t.Parallel()
	// A text of one or two bytes, of which few are likely: many repeat.
	w, _, _ := newFake(t, map[string]float32{"\"}\n": 12, "hey": 14, " hey": 14, "text": 12})
	o := Options{Sampling: Sampling{Temperature: 1, Seed: 5}, MaxNewTokens: 200}
	plain, err := w.Continue(context.Background(), somePrompt, 6, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	var same []string
	for i := range plain {
		same = append(same, textOf(t, &plain[i]))
	}
	slices.Sort(same)
	if len(slices.Compact(same)) == 6 {
		t.Fatal("the model repeats nothing: the test shows nothing")
	}
	different, err := WriteDifferent(context.Background(), afterSomePrompt{w}, nil, "J", 6, o, nil)
	if err != nil || len(different) != 6 {
		t.Fatalf("%d continuations, %v", len(different), err)
	}
	var texts []string
	for i := range different {
		texts = append(texts, textOf(t, &different[i]))
	}
	if texts[0] != textOf(t, &plain[0]) {
		t.Errorf("the first is %q, want %q", texts[0], textOf(t, &plain[0]))
	}
	slices.Sort(texts)
	if len(slices.Compact(texts)) != 6 {
		t.Errorf("texts repeat: %q", texts)
	}
}

// A model that writes only one text is not asked for ever.
func TestWriteDifferent_IsBounded(t *testing.T) {
	t.Parallel()
	for _, temperature := range []float64{0, 1} {
		w, _, _ := newFake(t, map[string]float32{` "`: 50, " null": 60, "hey": 90, "\"}\n": 85})
		draws := 0
		o := Options{Sampling: Sampling{Temperature: temperature, RepetitionPenalty: 10}, MaxNewTokens: 200}
		done, err := WriteDifferent(context.Background(), afterSomePrompt{w}, nil, "J", 3, o, func(_ int, text []byte) {
			if string(text) == "\"}\n" {
				draws++
			}
		})
		if err != nil || len(done) != 1 {
			t.Errorf("temperature %g: %d continuations, %v", temperature, len(done), err)
		}
		if want := map[float64]int{0: 1, 1: 3 * extraDraws}[temperature]; draws != want {
			t.Errorf("temperature %g: %d draws, want %d", temperature, draws, want)
		}
	}
}

// The penalty counts the tokens of the message's text alone: the line around it repeats its quotes and is not touched.
func TestGenerator_RepetitionPenaltyCountsTheText(t *testing.T) {
	t.Parallel()
	w, _, tokenizer := newFake(t, map[string]float32{` "`: 9, " null": 20, "hey": 60, " hey": 52, "text": 44, "content": 36, "\"}\n": 28})
	o := Options{Sampling: Sampling{RepetitionPenalty: 5}, MaxNewTokens: 200}
	done, err := w.Continue(context.Background(), somePrompt, 1, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	ids := done[0].IDs
	at := slices.Index(ids, int32(slices.IndexFunc(tokenizer.tokens, func(b []byte) bool { return string(b) == "hey" })))
	if text := textOf(t, &done[0]); at < 0 || text != "hey heytextcontent" {
		t.Errorf("%q, want each favored token once", done[0].Text)
	}
	o.RepetitionPenalty = 1
	greedy, err := w.Continue(context.Background(), somePrompt, 1, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(greedy[0].IDs[:at], ids[:at]) {
		t.Errorf("before the text %q, without the penalty %q", done[0].Text, greedy[0].Text)
	}
}
