package evaluate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ventriloquist/engine"
	"ventriloquist/internal/generate"
	"ventriloquist/internal/usererr"
	"ventriloquist/internal/windows"
)

// byteEncoder makes an id of each byte.
type byteEncoder struct{}

func (byteEncoder) AppendEncodeOrdinary(dst []int32, text string) []int32 {
	for i := range len(text) {
		dst = append(dst, int32(text[i]))
	}
	return dst
}

// byteLosses computes a hundredth of its id as the loss of each target, and records the batches.
type byteLosses struct {
	limits  engine.TrainLimits
	batch   engine.Batch
	batches int
	fail    float32 // what to give instead
}

func newLosses(l engine.TrainLimits) *byteLosses {
	return &byteLosses{limits: l, batch: engine.Batch{IDs: make([]int32, l.MaxTokens), WindowBegin: make([]int32, l.MaxWindows+1),
		TargetRow: make([]int32, l.MaxTargets), TargetID: make([]int32, l.MaxTargets), TargetWeight: make([]float32, l.MaxTargets)}}
}

func (b *byteLosses) Limits() engine.TrainLimits { return b.limits }
func (b *byteLosses) Batch(int) *engine.Batch    { return &b.batch }

func (b *byteLosses) Evaluate(_, _, targets int, loss []float32) error {
	b.batches++
	for i := range targets {
		loss[i] = float32(b.batch.TargetID[i])/100 + b.fail
	}
	return nil
}

func message(name, text string) windows.Message {
	return windows.Message{Name: name, Delta: "<1m", ContentType: "text", Text: text}
}

// writeWindows writes a window file of n windows, each with the messages so far.
func writeWindows(t *testing.T, n, targets int) windows.List {
	t.Helper()
	path := filepath.Join(t.TempDir(), "windows.jsonl")
	var file []byte
	text := windows.AppendHeader(nil, windows.Header{Type: "dm", Members: []string{"Aidan", "John"}, Start: "2024-03-15"})
	for i := range n + targets - 1 {
		m := message([]string{"Aidan", "John", "John"}[i%3], fmt.Sprintf("message %d", i))
		text = windows.AppendMessage(text, &m)
		if i >= targets-1 {
			file = windows.AppendString(append(file, `{"text": `...), text)
			file = fmt.Appendf(file, `, "targets": %d}`+"\n", targets)
		}
	}
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	source, err := windows.OpenFile(context.Background(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { source.Close() })
	return source
}

func newSet(t *testing.T, source windows.List, maxTokens int) *Set {
	t.Helper()
	list := make([]int, source.Len())
	for i := range list {
		list[i] = i
	}
	s, err := NewSet(context.Background(), source, list, byteEncoder{}, maxTokens, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The tallies equal sums over the text itself.
func TestSet_ScoreSumsTheText(t *testing.T) {
	t.Parallel()
	const targets = 2
	source := writeWindows(t, 200, targets)
	set := newSet(t, source, 1<<20)
	losses := newLosses(set.Limits())
	scores, err := set.Score(context.Background(), losses, nil)
	if err != nil {
		t.Fatal(err)
	}
	all := Tally{Windows: source.Len()}
	each := map[string]*Tally{"Aidan": {}, "John": {}}
	for i := range source.Len() {
		w, err := source.Window(i)
		if err != nil {
			t.Fatal(err)
		}
		has := make(map[string]bool)
		for _, line := range w.Lines[len(w.Lines)-targets:] {
			name := strings.Split(string(line.Text), `"`)[3]
			has[name] = true
			for _, b := range line.Text {
				all.add(1, float64(b)/100)
				each[name].add(1, float64(b)/100)
			}
		}
		for name := range has {
			each[name].Windows++
		}
	}
	check := func(name string, got, want *Tally) {
		if got.Windows != want.Windows || got.TargetTokens != want.TargetTokens || math.Abs(got.Loss()-want.Loss()) > 1e-6 {
			t.Errorf("%s: %+v, want %+v", name, *got, *want)
		}
	}
	check("all", &scores.All, &all)
	if len(scores.PerContact) != len(each) {
		t.Errorf("figures of %d people", len(scores.PerContact))
	}
	for name, want := range each {
		check(name, scores.PerContact[name], want)
	}
	if losses.batches < 2 || losses.batches >= source.Len() {
		t.Errorf("%d windows in %d batches", source.Len(), losses.batches)
	}
}

func TestScore_NotFinite(t *testing.T) {
	t.Parallel()
	set := newSet(t, writeWindows(t, 3, 1), 1<<20)
	losses := newLosses(set.Limits())
	losses.fail = float32(math.NaN())
	if _, err := set.Score(context.Background(), losses, nil); err == nil {
		t.Error("a loss that is no number gave no error")
	}
}

func TestNewSet_CutsAndLeavesOut(t *testing.T) {
	t.Parallel()
	source := writeWindows(t, 5, 1)
	w, err := source.Window(0)
	if err != nil {
		t.Fatal(err)
	}
	one := len(w.Header) + len(w.Lines[0].Text) // a header and one message
	set := newSet(t, source, one)
	if set.CutWindows != 4 || set.CutLines != 1+2+3+4 || set.TooLong != 0 {
		t.Errorf("%d windows lost %d lines, %d were too long", set.CutWindows, set.CutLines, set.TooLong)
	}
	// Windows whose author is Aidan are a byte longer.
	short := newSet(t, source, one-1)
	if want := []int{1, 2, 4}; !slices.Equal(short.Windows, want) || short.TooLong != 2 {
		t.Errorf("windows %v and %d too long, want %v", short.Windows, short.TooLong, want)
	}
	none, err := NewSet(context.Background(), source, []int{0, 1}, byteEncoder{}, 10, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = none.RequireSome()
	if err == nil || !strings.Contains(err.Error(), "windows.jsonl:2") || usererr.Of(err) == "" {
		t.Errorf("error %v", err)
	}
}

// scripted writes the same after every prompt, and records the prompts.
type scripted struct {
	answers []string
	prompts []string
	seeds   map[uint64]bool
	raw     bool
}

func (s *scripted) ContinueEach(_ context.Context, prompts [][]int32, o generate.Options, _ generate.Stream) ([]generate.Continuation, error) {
	var done []generate.Continuation
	if s.seeds == nil {
		s.seeds = make(map[uint64]bool)
	}
	s.seeds[o.Seed] = true
	s.raw = o.Raw
	for _, p := range prompts {
		var text []byte
		for _, id := range p {
			text = append(text, byte(id))
		}
		done = append(done, generate.Continuation{Text: []byte(s.answers[len(s.prompts)%len(s.answers)])})
		s.prompts = append(s.prompts, string(text))
	}
	return done, nil
}

func (s *scripted) Continue(ctx context.Context, prompt []int32, _ int, o generate.Options, st generate.Stream) ([]generate.Continuation, error) {
	return s.ContinueEach(ctx, [][]int32{prompt}, o, st)
}

func TestSet_GenerateCountsValidity(t *testing.T) {
	t.Parallel()
	source := writeWindows(t, 60, 2)
	set := newSet(t, source, 1<<20)
	w := &scripted{answers: []string{
		`delta": "<1m", "reply_to": null, "content_type": "text", "text": "hey"}` + "\n{",
		`delta": "<1m>", "text": " "}` + "\n",
		`delta": "<1m", "reply`,
		`, hello`,
	}}
	got, err := set.Generate(context.Background(), w, 39, generate.Options{MaxNewTokens: 100}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := (Validity{Samples: 39, JSON: 20, Delta: 10, NonEmpty: 10}); got.All != want {
		t.Errorf("%+v, want %+v", got.All, want)
	}
	sum := 0
	for _, v := range got.PerContact {
		sum += v.Samples
	}
	if sum != 39 || len(got.PerContact) != 2 {
		t.Errorf("%d samples of %d people", sum, len(got.PerContact))
	}
	if !w.raw {
		t.Error("validity was measured under the grammar")
	}
	if len(w.seeds) < 3 {
		t.Errorf("only %d groups", len(w.seeds))
	}
	seen := make(map[string]bool)
	for _, p := range w.prompts {
		seen[p] = true
	}
	if len(seen) != 39 {
		t.Errorf("%d different windows", len(seen))
	}
	first, err := source.Window(0)
	if err != nil {
		t.Fatal(err)
	}
	want := string(first.Header) + string(first.Lines[0].Text) + `{"name": "John", "`
	if w.prompts[0] != want {
		t.Errorf("the first prompt is\n%s\nwant\n%s", w.prompts[0], want)
	}
	few, err := set.Generate(context.Background(), w, 1000, generate.Options{MaxNewTokens: 100}, nil)
	if err != nil || few.All.Samples != 60 {
		t.Errorf("%d samples of 60 windows, error %v", few.All.Samples, err)
	}
}

// Fault 16 of the reference: deltas like "<1m>" are not valid.
func TestValidity_ChecksEachField(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]Validity{
		`{"name": "A", "delta": "<1m", "text": "x"}`:        {1, 1, 1, 1},
		`{"name": "A", "delta": "1d+", "text": "\u00a0\t"}`: {1, 1, 1, 0},
		`{"name": "A", "delta": "<1m>", "text": "x"}`:       {1, 1, 0, 1},
		`{"name": "A", "delta": 1, "text": null}`:           {1, 1, 0, 0},
		`{"name": "A"}`:                   {1, 1, 0, 0},
		`{"name": "A", "delta": "<1m"`:    {1, 0, 0, 0},
		`{"name": "A", "delta": "<1m"} x`: {1, 0, 0, 0},
	} {
		var v Validity
		if v.add(line); v != want {
			t.Errorf("%s: %+v, want %+v", line, v, want)
		}
	}
}

func TestSet_PrepareReplacesTheAuthor(t *testing.T) {
	t.Parallel()
	source := writeWindows(t, 4, 2)
	set := newSet(t, source, 1<<20)
	c, prompt, err := set.Prepare(1, "")
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Context) != 2 || c.Context[1].Text != "message 1" || c.Real.Text != "message 2" || c.Generated.Name != "John" || c.Where != "windows.jsonl:2" && !strings.HasSuffix(c.Where, "windows.jsonl:2") {
		t.Errorf("comparison %+v", c)
	}
	w := &scripted{answers: []string{`delta": "<1m", "reply_to": null, "content_type": "text", "text": "hey"}` + "\n"}}
	m, err := GenerateMessage(context.Background(), w, prompt, "John", generate.Options{MaxNewTokens: 100})
	if err != nil || m.Name != "John" || m.Text != "hey" || w.raw {
		t.Errorf("message %+v, error %v, raw %v", m, err, w.raw)
	}
	if !strings.HasSuffix(w.prompts[0], `"text": "message 1"}`+"\n"+`{"name": "John", "`) {
		t.Errorf("prompt\n%s", w.prompts[0])
	}
	if c, _, err := set.Prepare(1, "Aidan"); err != nil || c.Generated.Name != "Aidan" || c.Real.Name != "John" {
		t.Errorf("as Aidan: %+v, %v", c, err)
	}
	for _, bad := range []struct {
		n  int
		as string
	}{{4, ""}, {-1, ""}, {0, "Zoe"}} {
		if _, _, err := set.Prepare(bad.n, bad.as); !errors.Is(err, usererr.ErrUsage) || usererr.Of(err) == "" {
			t.Errorf("%+v: error %v", bad, err)
		}
	}
}

// The report has the names that other programs rely on.
func TestReport_JSON(t *testing.T) {
	t.Parallel()
	scores := &Scores{All: Tally{Windows: 3, TargetTokens: 4, Sum: 8},
		PerContact: map[string]*Tally{"<Zoe>": {Windows: 1, TargetTokens: 2, Sum: 2}, "Al": {Windows: 2, TargetTokens: 2, Sum: 6}}}
	for i := range 6 { // the tallies are not made of these
		scores.Parts = append(scores.Parts, Part{Window: i, Author: "Al", Tokens: i + 1, Sum: 3 * float64(i+1)})
	}
	null := `"generation":{"resampled":"windows","units":0,"json_valid_rate":null,"delta_valid_rate":null,"content_nonempty_rate":null}}`
	samples := &Samples{All: Validity{4, 3, 2, 1}, PerContact: map[string]*Validity{"Al": {4, 3, 2, 1}}}
	for _, c := range []struct {
		name   string
		report *Report
		want   string
	}{
		{"Plain", NewReport(scores, nil, false), `{"windows":3,"target_tokens":4,"loss":2,"perplexity":7.38905609893065}`},
		{"Generation", NewReport(scores, samples, false), `{"windows":3,"target_tokens":4,"loss":2,"perplexity":7.38905609893065,` +
			`"generation":{"samples":4,"json_valid_rate":0.75,"delta_valid_rate":0.5,"content_nonempty_rate":0.25}}`},
		{"PerContact", NewReport(scores, samples, true), `{"windows":3,"target_tokens":4,"loss":2,"perplexity":7.38905609893065,` +
			`"interval":{"resampled":"windows","units":6,"loss":[3,3],"perplexity":[20.085536923187668,20.085536923187668],` + null + `,` +
			`"generation":{"samples":4,"json_valid_rate":0.75,"delta_valid_rate":0.5,"content_nonempty_rate":0.25},"per_contact":{` +
			`"<Zoe>":{"windows":1,"target_tokens":2,"loss":1,"perplexity":2.718281828459045,"interval":{"resampled":"windows","units":0,"loss":null,"perplexity":null}},` +
			`"Al":{"windows":2,"target_tokens":2,"loss":3,"perplexity":20.085536923187668,` +
			`"interval":{"resampled":"windows","units":6,"loss":[3,3],"perplexity":[20.085536923187668,20.085536923187668],` + null + `,` +
			`"generation":{"samples":4,"json_valid_rate":0.75,"delta_valid_rate":0.5,"content_nonempty_rate":0.25}}}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := c.report.JSON()
			if err != nil || string(got) != c.want+"\n" || !json.Valid(got) {
				t.Errorf("%s, error %v, want\n%s", got, err, c.want)
			}
			var out bytes.Buffer
			if err := c.report.Print(&out); err != nil || !strings.Contains(out.String(), "perplexity 7.389") {
				t.Errorf("printed %s, error %v", &out, err)
			}
		})
	}
}
