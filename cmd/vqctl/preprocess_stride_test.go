package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"ventriloquist/internal/usererr"
)

func TestParseStride(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{"auto": 0, "1": 1, "25": 25} {
		if got, err := parseStride(text); got != want || err != nil {
			t.Errorf("--stride %s is %d (%v), want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"0", "-1", "ten", "", "1.5", "Auto"} {
		if _, err := parseStride(text); !errors.Is(err, usererr.ErrUsage) || !strings.Contains(err.Error(), "--stride") {
			t.Errorf("--stride %q: %v", text, err)
		}
	}
}

// The report says which stride auto is, what it saves, and why nothing is held out of a short history.
func TestPreprocess_ReportsStrideAndHeldOut(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*preprocessOptions)
		want   []string
	}{
		"Auto": {func(o *preprocessOptions) { o.window, o.stride, o.heldOut = 8, 0, 10 },
			[]string{"stride 2 (--stride auto: a quarter of the window)", "no conversation has 60 messages", "--held-out 1 only 6", "with --stride 1", "tokens per epoch"}},
		"Given": {func(o *preprocessOptions) { o.window, o.stride, o.heldOut = 8, 1, 0 },
			[]string{"stride 1: training learns from the last 1 message of a window", "nothing (--held-out 0)"}},
		"SomeHeldOut": {func(o *preprocessOptions) { o.window, o.stride, o.heldOut = 8, 8, 1 },
			[]string{"held out: nothing, because no conversation has 6 messages"}},
	} {
		t.Run(name, func(t *testing.T) {
			o := collected(t)
			c.change(&o)
			o.baseModel = "tiny"
			var out bytes.Buffer
			if err := runPreprocess(t.Context(), o, &out); err != nil {
				t.Fatal(err)
			}
			for _, want := range c.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("it does not say %q:\n%s", want, out.String())
				}
			}
		})
	}
}
