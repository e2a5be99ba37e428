package exportcheck_test

import (
	"strings"
	"testing"

	"ventriloquist/engine"
	"ventriloquist/internal/batch"
	"ventriloquist/internal/exportcheck"
	"ventriloquist/internal/load"
	"ventriloquist/internal/model"
	"ventriloquist/internal/model/gguf"
)

// Runs of the same model are the same; those of a model with another adapter are outside the limits of every type.
func TestCompare_FindsAnotherModel(t *testing.T) {
	t.Parallel()
	location, err := model.Resolve(model.Tiny)
	if err != nil {
		t.Fatal(err)
	}
	l, err := load.Open(location, "", load.Options{Precision: "f32", Device: load.CPU, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var windows []batch.Window
	for _, words := range []string{"hey", "are you coming tonight?"} {
		ids := l.Tokenizer.Encode(`{"type": "dm", "members": ["Ada", "Ben"], "start": "2024-03-15"}` + "\n")
		line := l.Tokenizer.Encode(`{"name": "Ada", "delta": "<1m", "reply_to": null, "content_type": "text", "text": "` + words + "\"}\n")
		windows = append(windows, batch.Window{IDs: append(ids, line...), Targets: []int{len(line)}})
	}
	run := func(a *engine.Adapter) *exportcheck.Run {
		settings := exportcheck.Settings{Model: l.Model, Adapter: a, Ends: func(id int32) bool { return strings.HasSuffix(l.Tokenizer.Decode([]int32{id}), "\n") }}
		r, err := exportcheck.NewRun(t.Context(), settings, windows)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	other, err := load.Adapter(l.Model, newAdapter(t, l.Base, 0.5))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	base, again, tuned := run(nil), run(nil), run(other)
	for _, kind := range gguf.Types {
		for _, exactly := range []bool{true, false} {
			limits := exportcheck.LimitsOf(kind, exactly)
			same, err := exportcheck.Compare(base, again, kind)
			if err != nil || same.KL != 0 || same.Equal != 2 || same.Within(limits) != nil {
				t.Errorf("%s: the same model: %+v, %v", kind, same, err)
			}
			different, err := exportcheck.Compare(base, tuned, kind)
			if err != nil || different.Within(limits) == nil {
				t.Errorf("%s: another model: %+v, %v", kind, different, err)
			}
		}
	}
}
