package generate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"ventriloquist/internal/usererr"
	"ventriloquist/internal/windows"
)

var somePrompt = []int32{'{', '"', 'n', 'a', 'm', 'e', '"', ':', ' ', '"', 'J', '"', ',', ' ', '"'}

// Whatever the logits and however few tokens there are, each continuation is a line that reads back as a message and renders
// to the same bytes.
func TestGenerator_GrammarMakesWellFormedMessages(t *testing.T) {
	t.Parallel()
	for _, max := range []int{40, 41, 43, 50, 80, 200} {
		for _, favored := range []map[string]float32{nil, {`\u`: 9, "\xF0\x9F": 8, " ": 8}, {`a"}`: 9}, {"\xC2": 9}} {
			w, _, _ := newFake(t, favored)
			for seed := range uint64(6) {
				o := Options{Sampling: Sampling{Temperature: 1, Seed: seed}, MaxNewTokens: max}
				done, err := w.Continue(context.Background(), somePrompt, 2, o, nil)
				if err != nil {
					t.Fatal(err)
				}
				for _, c := range done {
					checkLine(t, &c, max)
				}
			}
		}
	}
}

func checkLine(t *testing.T, c *Continuation, max int) {
	t.Helper()
	if c.Stopped != EndOfLine || len(c.IDs) > max {
		t.Fatalf("%q stopped for reason %d after %d of %d tokens", c.Text, c.Stopped, len(c.IDs), max)
	}
	line := slices.Concat([]byte(Prefill("J")), c.Text)
	m, err := windows.ParseMessage(line)
	if err != nil {
		t.Fatal(err)
	}
	if again := windows.AppendMessage(nil, &m); !bytes.Equal(again, line) {
		t.Fatalf("%q renders as %q", line, again)
	}
	if strings.TrimSpace(m.Text) == "" || !windows.ValidDelta(m.Delta) || !windows.ValidContentType(m.ContentType) {
		t.Fatalf("%q is not a message", line)
	}
}

func TestGenerator_MinNewTokens(t *testing.T) {
	t.Parallel()
	for _, o := range []Options{
		{MinNewTokens: 60, MaxNewTokens: 60},
		{MinNewTokens: 60, MaxNewTokens: 61},
		{MinNewTokens: 60, MaxNewTokens: 120},
		{MinNewTokens: 60, MaxNewTokens: 60, Raw: true},
	} {
		t.Run(fmt.Sprintf("%+v", o), func(t *testing.T) {
			w, _, _ := newFake(t, map[string]float32{"\"}\n": 9, "\"": 9, "\n": 9, "<|endoftext|>": 20})
			for seed := range uint64(20) {
				o.Sampling = Sampling{Temperature: 1, Seed: seed}
				done, err := w.Continue(context.Background(), somePrompt, 1, o, nil)
				if err != nil {
					t.Fatal(err)
				}
				if n := len(done[0].IDs); n < o.MinNewTokens || n > o.MaxNewTokens {
					t.Fatalf("%d new tokens", n)
				}
				if !o.Raw {
					checkLine(t, &done[0], o.MaxNewTokens)
				}
			}
		})
	}
}

func TestGenerator_TooFewTokens(t *testing.T) {
	t.Parallel()
	w, model, _ := newFake(t, nil)
	_, err := w.Continue(context.Background(), somePrompt, 1, Options{MaxNewTokens: 5}, nil)
	if !errors.Is(err, usererr.ErrUsage) || usererr.Of(err) == "" {
		t.Fatalf("error %v", err)
	}
	if len(model.reads) != 0 {
		t.Error("the prompt was read before the refusal")
	}
}

func TestGenerator_RawStops(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		favored string
		want    StopReason
		n       int
	}{{"\n\n", EndOfLine, 1}, {"<|endoftext|>", EndOfText, 1}, {"hey", MaxNewTokens, 7}} {
		w, _, _ := newFake(t, map[string]float32{c.favored: 50})
		done, err := w.Continue(context.Background(), somePrompt, 1, Options{MaxNewTokens: 7, Raw: true}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if done[0].Stopped != c.want || len(done[0].IDs) != c.n {
			t.Errorf("%q: stopped for reason %d after %d tokens", c.favored, done[0].Stopped, len(done[0].IDs))
		}
		if c.want == EndOfText && len(done[0].Text) != 0 {
			t.Errorf("the end of text is in the text %q", done[0].Text)
		}
	}
}

// Continuation i of n does not depend on n.
func TestGenerator_ContinuationsAreIndependent(t *testing.T) {
	t.Parallel()
	w, _, _ := newFake(t, nil)
	o := Options{Sampling: Sampling{Temperature: 1, Seed: 7}, MaxNewTokens: 80}
	many, err := w.Continue(context.Background(), somePrompt, 5, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	few, err := w.Continue(context.Background(), somePrompt, 2, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range few {
		if !slices.Equal(few[i].IDs, many[i].IDs) {
			t.Errorf("continuation %d is %q and %q", i, few[i].Text, many[i].Text)
		}
	}
	if slices.Equal(many[0].IDs, many[1].IDs) {
		t.Error("all continuations are the same")
	}
}

func TestGenerator_ContinueEachMatchesContinue(t *testing.T) {
	t.Parallel()
	w, _, _ := newFake(t, nil)
	o := Options{MaxNewTokens: 80}
	prompts := [][]int32{somePrompt, somePrompt[:5], append(slices.Clone(somePrompt), 'x', 'y')}
	each, err := w.ContinueEach(context.Background(), prompts, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range prompts {
		alone, err := w.Continue(context.Background(), p, 1, o, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(alone[0].IDs, each[i].IDs) {
			t.Errorf("prompt %d: %q alone, %q with others", i, alone[0].Text, each[i].Text)
		}
	}
}

// A prompt that begins with the last prompt and its answer costs only its new tokens, and is answered as if it were read
// from the start.
func TestGenerator_ReusesPrefix(t *testing.T) {
	t.Parallel()
	w, model, _ := newFake(t, nil)
	if err := w.Reserve(1000, 1); err != nil {
		t.Fatal(err)
	}
	o := Options{MaxNewTokens: 80}
	first, err := w.Continue(context.Background(), somePrompt, 1, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	next := slices.Concat(somePrompt, first[0].IDs, []int32{'n', 'e', 'w'})
	model.reads = nil
	second, err := w.Continue(context.Background(), next, 1, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := []int{len("new") + 1}; !slices.Equal(model.reads, want) { // the answer's last token was drawn, not read
		t.Errorf("read %v tokens, want %v", model.reads, want)
	}
	if model.caches != 1 {
		t.Errorf("%d caches", model.caches)
	}
	fresh, _, _ := newFake(t, nil)
	again, err := fresh.Continue(context.Background(), next, 1, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(again[0].IDs, second[0].IDs) {
		t.Errorf("with the cache %q, without %q", second[0].Text, again[0].Text)
	}
	// The same prompt again, and one that leaves the path early.
	for _, prompt := range [][]int32{next, slices.Concat(somePrompt[:4], []int32{'z'})} {
		got, err := w.Continue(context.Background(), prompt, 1, o, nil)
		if err != nil {
			t.Fatal(err)
		}
		want, err := fresh.Continue(context.Background(), prompt, 1, o, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got[0].IDs, want[0].IDs) {
			t.Errorf("with the cache %q, without %q", got[0].Text, want[0].Text)
		}
	}
}

func TestGenerator_ReturnsInterruptedContinuation(t *testing.T) {
	t.Parallel()
	w, _, _ := newFake(t, map[string]float32{"hey": 50})
	ctx, cancel := context.WithCancel(context.Background())
	var streamed []byte
	done, err := w.Continue(ctx, somePrompt, 1, Options{MaxNewTokens: 1000, Raw: true}, func(_ int, text []byte) {
		if streamed = append(streamed, text...); len(streamed) > 20 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v", err)
	}
	if done[0].Stopped != Unfinished || !bytes.Equal(done[0].Text, streamed) {
		t.Errorf("got %q, streamed %q", done[0].Text, streamed)
	}
}

// Progress is reported and Ctrl-C checked between the parts, and what was read stays in the cache.
func TestGenerator_PrefillsInParts(t *testing.T) {
	t.Parallel()
	long := slices.Repeat([]int32{'x'}, 2*prefillTokens+100)
	w, model, _ := newFake(t, nil)
	ctx, cancel := context.WithCancel(context.Background())
	var reported []int
	w.Reading = func(done, total int) {
		if reported = append(reported, done); done > 0 {
			cancel()
		}
		if total != len(long) {
			t.Errorf("total %d, want %d", total, len(long))
		}
	}
	if _, err := w.Continue(ctx, long, 1, Options{MaxNewTokens: 80}, nil); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v", err)
	}
	if want := []int{0, prefillTokens}; !slices.Equal(reported, want) {
		t.Errorf("reported %v, want %v", reported, want)
	}
	w.Reading = nil
	got, err := w.Continue(context.Background(), long, 1, Options{MaxNewTokens: 80}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := []int{prefillTokens, prefillTokens, 100}; !slices.Equal(model.reads, want) {
		t.Errorf("read %v tokens, want %v", model.reads, want)
	}
	fresh, _, _ := newFake(t, nil)
	if want, err := fresh.Continue(context.Background(), long, 1, Options{MaxNewTokens: 80}, nil); err != nil || !slices.Equal(got[0].IDs, want[0].IDs) {
		t.Errorf("%q after an interruption, %q without, error %v", got[0].Text, want[0].Text, err)
	}
}
