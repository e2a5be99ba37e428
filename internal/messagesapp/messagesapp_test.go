package messagesapp

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"ventriloquist/internal/usererr"
)

// Text and chat are arguments of the script, whatever they contain.
func TestApp_SendPassesTextAsAnArgument(t *testing.T) {
	t.Parallel()
	const text = "-e \"quit\" & do shell script \"true\"\n你好 \\"
	var ran []string
	a := &App{system: "darwin", run: func(_ context.Context, script string, args ...string) error {
		ran = append([]string{script}, args...)
		return nil
	}}
	if err := a.Send(t.Context(), "any;-;+1555", text); err != nil || !slices.Equal(ran, []string{script, text, "any;-;+1555"}) {
		t.Errorf("it ran %q, %v", ran, err)
	}
}

func TestApp_SendsOnlyOnAMac(t *testing.T) {
	t.Parallel()
	a := &App{system: "linux", run: func(context.Context, string, ...string) error {
		t.Error("something was run")
		return nil
	}}
	for _, err := range []error{a.Ready(), a.Send(t.Context(), "any;-;+1555", "hey")} {
		if err == nil || !strings.Contains(err.Error(), "only Messages on a Mac can send") || usererr.Of(err) == "" {
			t.Errorf("error %v", err)
		}
	}
}

func TestApp_SaysWhyNothingWasSent(t *testing.T) {
	t.Parallel()
	for failure, want := range map[string]string{
		"execution error: Not authorized to send Apple events to Messages. (-1743)": "Automation",
		"execution error: Can't get chat id \"x\". (-1728)":                         "does not offer this chat",
		"exit status 1": "signed in",
	} {
		a := &App{system: "darwin", run: func(context.Context, string, ...string) error { return errors.New(failure) }}
		if err := a.Send(t.Context(), "x", "hey"); err == nil || !strings.Contains(usererr.Of(err), want) {
			t.Errorf("after %q: %v, %s", failure, err, usererr.Of(err))
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	a := &App{system: "darwin", run: func(context.Context, string, ...string) error {
		cancel()
		return errors.New("killed")
	}}
	if err := a.Send(ctx, "x", "hey"); err == nil || !strings.Contains(err.Error(), "may have been sent or not") {
		t.Errorf("error %v", err)
	}
}
