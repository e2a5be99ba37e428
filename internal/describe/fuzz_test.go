package describe_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"ventriloquist/internal/describe"
	"ventriloquist/internal/describe/describetest"
	"ventriloquist/internal/messages"
)

// Whatever servers of both kinds answer, nothing panics, and errors are of the package's types, with a message that is short
// and has neither line breaks nor the key.
func FuzzAnswers(f *testing.F) {
	const key = "a-secret-key"
	for _, body := range []string{`{}`, `null`, `[]`, `{"candidates": [null]}`, `{"candidates": [{"content": {"parts": [null, {"text": 3}]}}]}`,
		`{"candidates": [{"content": {"parts": [{"text": "A cat."}]}, "finishReason": "STOP"}], "usageMetadata": {"promptTokenCount": "x"}}`,
		`{"promptFeedback": {"blockReason": "SAFETY"}}`, `{"choices": [{"message": {"content": "A cat."}}]}`, `{"choices": [null]}`, `{"choices": [{"message": {"content": [1]}}]}`,
		`{"error": "` + key + `"}`, `{"error": {"message": "line\nbreak ` + strings.Repeat("QUJD", 100) + `"}}`, `{"error": {"code": "x", "details": [null, 1]}}`,
		describetest.GoogleError(429, "RESOURCE_EXHAUSTED", "quota", `{"violations": [null, {"quotaId": 3}]}`, `{"retryDelay": "-5s"}`), "<html>", ""} {
		for _, status := range []uint16{200, 400, 429, 500} {
			f.Add(status, body)
		}
	}
	var status atomic.Uint32
	var body atomic.Value
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(int(status.Load()))
		_, _ = w.Write(body.Load().([]byte))
	}))
	f.Cleanup(server.Close)
	f.Setenv("GOOGLE_GEMINI_BASE_URL", server.URL)
	gemini, err := describe.NewGemini(f.Context(), describe.DefaultModel, key)
	if err != nil {
		f.Fatal(err)
	}
	local, err := describe.NewOpenAI(f.Context(), server.URL+"/v1", "m", key)
	if err != nil {
		f.Fatal(err)
	}
	path := filepath.Join(f.TempDir(), "a.jpg")
	if err := os.WriteFile(path, photo(1), 0o600); err != nil {
		f.Fatal(err)
	}
	request := &describe.Request{Kind: messages.Image, Media: []describe.Medium{{Format: "image/jpeg", Path: path, Size: 1}}}
	f.Fuzz(func(t *testing.T, code uint16, text string) {
		status.Store(uint32(200 + code%400))
		body.Store([]byte(text))
		for _, s := range []describe.Service{gemini, local} {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			_, err := s.Describe(ctx, request)
			cancel()
			var refusal *describe.Refusal
			var failure *describe.Failure
			switch {
			case err == nil:
				continue
			case !errors.As(err, &refusal) && !errors.As(err, &failure):
				t.Errorf("error is a %T: %v", err, err)
			}
			if said := err.Error(); strings.Contains(said, key) || strings.ContainsAny(said, "\r\n") || utf8.RuneCountInString(said) > 300 || !utf8.ValidString(said) {
				t.Errorf("error is %q", said)
			}
		}
	})
}
