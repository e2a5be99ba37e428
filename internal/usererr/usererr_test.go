package usererr_test

import (
	"errors"
	"fmt"
	"testing"

	"ventriloquist/internal/usererr"
)

func TestOf_FindsTheOutermostHint(t *testing.T) {
	t.Parallel()
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
	t.Parallel()
	err := fmt.Errorf("train: %w", usererr.With(usererr.Usage("x %d", 1), "advice"))
	if !errors.Is(err, usererr.ErrUsage) || errors.Is(errors.New("other"), usererr.ErrUsage) {
		t.Error("usage errors are not told apart")
	}
}

func TestField_IsWrongUsageAndNamesTheOption(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("train: %w", usererr.Invalid("batch_size", "must be at least %d", 1))
	var field *usererr.Field
	if !errors.As(err, &field) || field.Name != "batch_size" || !errors.Is(err, usererr.ErrUsage) {
		t.Errorf("%v names %+v", err, field)
	}
	if err.Error() != "train: batch_size must be at least 1" {
		t.Errorf("error is %v", err)
	}
}

func TestOption_IsSpelledAsTheCommandLineSays(t *testing.T) {
	t.Parallel()
	usererr.SpellOptions(func(field string) string { return "<" + field + ">" })
	defer usererr.SpellOptions(func(field string) string { return field })
	if got := usererr.Of(usererr.With(errors.New("x"), "raise %v", usererr.Option("max_steps"))); got != "raise <max_steps>" {
		t.Errorf("hint is %q", got)
	}
}
