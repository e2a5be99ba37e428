package generate_test

import (
	"context"
	"slices"
	"testing"

	"ventriloquist/internal/generate"
	"ventriloquist/internal/load"
	"ventriloquist/internal/model"
	"ventriloquist/internal/windows"
)

// openTiny loads the embedded model.
func openTiny(t *testing.T) *load.Loaded {
	t.Helper()
	base, err := model.Resolve(model.Tiny)
	if err != nil {
		t.Fatal(err)
	}
	l, err := load.Open(base, "", load.Options{Precision: "f32", Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func newTinyWriter(t *testing.T, l *load.Loaded) *generate.Generator {
	w := generate.NewGenerator(generate.OnEngine(l.Model, l.Adapter), l.Tokenizer, nil)
	t.Cleanup(w.Close)
	return w
}

// In a conversation that the model writes, a generator that reuses its cache says the same as one that reads everything
// again.
func TestGenerator_EngineReusesPrefix(t *testing.T) {
	t.Parallel()
	l := openTiny(t)
	kept := newTinyWriter(t, l)
	if err := kept.Reserve(2000, 1); err != nil {
		t.Fatal(err)
	}
	reads := 0
	kept.Reading = func(_, total int) { reads += total }
	people := []string{"Ada", "Ben"}
	c := generate.Conversation{Header: windows.NewHeader("", people, "2024-03-15"),
		Messages: []windows.Message{{Name: "Ben", Delta: "<1m", ContentType: "text", Text: "which ubuntu do you have?"}}}
	o := generate.Options{Sampling: generate.Sampling{Temperature: 0.8, TopP: 0.9, Seed: 5}, MaxNewTokens: 60}
	tokens := 0
	for i := range 5 {
		as := people[i%2]
		prompt := c.Tokens(l.Tokenizer, as)
		tokens += len(prompt)
		got, err := kept.Continue(context.Background(), prompt, 1, o, nil)
		if err != nil {
			t.Fatal(err)
		}
		want, err := newTinyWriter(t, l).Continue(context.Background(), prompt, 1, o, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got[0].IDs, want[0].IDs) {
			t.Fatalf("message %d is %q, without the cache %q", i, got[0].Text, want[0].Text)
		}
		m, err := generate.ParseContinuation(as, got[0].Text)
		if err != nil {
			t.Fatal(err)
		}
		c.Messages = append(c.Messages, m)
	}
	if reads > tokens/2 {
		t.Errorf("%d of %d tokens of prompts were read", reads, tokens)
	}
}

// Guessed tokens are decoded together, and drawn as if each were decoded alone.
func TestGenerator_EngineGuesses(t *testing.T) {
	t.Parallel()
	l := openTiny(t)
	guessing, plain := newTinyWriter(t, l), newTinyWriter(t, l)
	plain.DecodeOneByOne()
	c := generate.Conversation{Header: windows.NewHeader("", []string{"Ada", "Ben"}, "2024-03-15")}
	for i := range 12 {
		as := []string{"Ada", "Ben"}[i%2]
		o := generate.Options{Sampling: generate.Sampling{Temperature: 0.8 * float64(i%3), Seed: uint64(i)}, MaxNewTokens: 100}
		got, err := guessing.Continue(context.Background(), c.Tokens(l.Tokenizer, as), 1, o, nil)
		if err != nil {
			t.Fatal(err)
		}
		want, err := plain.Continue(context.Background(), c.Tokens(l.Tokenizer, as), 1, o, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got[0].IDs, want[0].IDs) {
			t.Fatalf("message %d is %q, without guesses %q", i, got[0].Text, want[0].Text)
		}
		m, err := generate.ParseContinuation(as, got[0].Text)
		if err != nil {
			t.Fatal(err)
		}
		c.Messages = append(c.Messages, m)
	}
}

// Several continuations at once are the same as each alone.
func TestGenerator_EngineContinuations(t *testing.T) {
	t.Parallel()
	l := openTiny(t)
	w := newTinyWriter(t, l)
	c := generate.Conversation{Header: windows.NewHeader("", []string{"Ada", "Ben"}, "2024-03-15")}
	prompt := c.Tokens(l.Tokenizer, "Ada")
	o := generate.Options{Sampling: generate.Sampling{Temperature: 1, Seed: 5}, MaxNewTokens: 60}
	many, err := w.Continue(context.Background(), prompt, 4, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	alone, err := w.Continue(context.Background(), prompt, 1, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(many[0].IDs, alone[0].IDs) {
		t.Errorf("%q with others, %q alone", many[0].Text, alone[0].Text)
	}
	greedy := generate.Options{MaxNewTokens: 60}
	prompts := [][]int32{prompt, c.Tokens(l.Tokenizer, "Ben")}
	each, err := w.ContinueEach(context.Background(), prompts, greedy, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range prompts {
		alone, err := w.Continue(context.Background(), p, 1, greedy, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(each[i].IDs, alone[0].IDs) {
			t.Errorf("prompt %d: %q with others, %q alone", i, each[i].Text, alone[0].Text)
		}
	}
}
