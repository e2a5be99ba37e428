package hint_test

import (
	"errors"
	"fmt"
	"testing"

	"ventriloquist/internal/hint"
)

func TestOf_FindsTheOutermostHint(t *testing.T) {
	cause := errors.New("cause")
	inner := hint.With(cause, "inner %d", 1)
	if got := hint.Of(fmt.Errorf("wrapped: %w", inner)); got != "inner 1" {
		t.Errorf("hint %q", got)
	}
	if got := hint.Of(hint.With(inner, "outer")); got != "outer" {
		t.Errorf("hint %q", got)
	}
	if hint.Of(cause) != "" || hint.With(nil, "x") != nil {
		t.Error("a hint out of nothing")
	}
	if !errors.Is(inner, cause) || inner.Error() != "cause" {
		t.Errorf("%v does not stand for its cause", inner)
	}
}

func TestUsage_IsToldApart(t *testing.T) {
	err := fmt.Errorf("train: %w", hint.With(hint.Usage("--x %d", 1), "advice"))
	if !errors.Is(err, hint.ErrUsage) || errors.Is(errors.New("other"), hint.ErrUsage) {
		t.Error("usage errors are not told apart")
	}
}
