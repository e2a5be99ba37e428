package usererr_test

import (
	"errors"
	"fmt"
	"testing"

	"ventriloquist/internal/usererr"
)

func TestOf_FindsTheOutermostHint(t *testing.T) {
	cause := errors.New("cause")
	inner := usererr.With(cause, "inner %d", 1)
	if got := usererr.Of(fmt.Errorf("wrapped: %w", inner)); got != "inner 1" {
		t.Errorf("hint %q", got)
	}
	if got := usererr.Of(usererr.With(inner, "outer")); got != "outer" {
		t.Errorf("hint %q", got)
	}
	if usererr.Of(cause) != "" || usererr.With(nil, "x") != nil {
		t.Error("a hint out of nothing")
	}
	if !errors.Is(inner, cause) || inner.Error() != "cause" {
		t.Errorf("%v does not stand for its cause", inner)
	}
}

func TestUsage_IsToldApart(t *testing.T) {
	err := fmt.Errorf("train: %w", usererr.With(usererr.Usage("--x %d", 1), "advice"))
	if !errors.Is(err, usererr.ErrUsage) || errors.Is(errors.New("other"), usererr.ErrUsage) {
		t.Error("usage errors are not told apart")
	}
}
