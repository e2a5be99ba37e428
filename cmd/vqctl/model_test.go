package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"ventriloquist/internal/usererr"
)

// Row "Ctrl-C in pull": what was downloaded is kept, and the same command goes on.
func TestRunModelPull_Interrupted(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		interrupt()
		<-r.Context().Done()
	}))
	t.Cleanup(server.Close)
	t.Setenv("HF_ENDPOINT", server.URL)
	t.Setenv("HF_HUB_OFFLINE", "")
	t.Setenv("VENTRILOQUIST_MODELS", t.TempDir())
	err := runModelPull(ctx, "someone/small", io.Discard)
	if !errors.Is(err, context.Canceled) || err.Error() != "interrupted" || !strings.Contains(usererr.Of(err), "run the command again") {
		t.Errorf("%v, hint %q", err, usererr.Of(err))
	}
}
