package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// echoServer stands in for a server of OpenAI's kind: every byte is a token, each of log-probability -0.5, and every message is the same.
func echoServer(t *testing.T, echoes bool) string {
	t.Helper()
	const line = `delta": "<1m", "reply_to": null, "content_type": "text", "text": "yes"}`
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var q struct {
			Prompt string
			Echo   bool
		}
		_ = json.NewDecoder(r.Body).Decode(&q)
		switch {
		case strings.HasSuffix(r.URL.Path, "/models"):
			io.WriteString(w, `{"data": [{"id": "ada"}]}`)
		case q.Echo && echoes:
			probs, offsets := make([]float64, len(q.Prompt)), make([]int, len(q.Prompt))
			for i := range probs {
				probs[i], offsets[i] = -0.5, i
			}
			_ = json.NewEncoder(w).Encode(map[string]any{"choices": []any{map[string]any{"logprobs": map[string]any{"token_logprobs": probs, "text_offset": offsets}}}})
		case q.Echo:
			io.WriteString(w, `{"choices": [{"text": ""}]}`)
		default:
			text, _ := json.Marshal(line)
			fmt.Fprintf(w, "data: {\"choices\": [{\"text\": %s, \"finish_reason\": \"stop\"}]}\n\ndata: [DONE]\n\n", text)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL + "/v1"
}

func TestEvaluate_Backend(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var lines []string
	for i := range 4 {
		text, _ := json.Marshal(`{"type": "dm", "members": ["Ada", "Ben"], "start": "2024-03-15"}` + "\n" +
			`{"name": "Ada", "delta": "<1m", "reply_to": null, "content_type": "text", "text": "are you there?"}` + "\n" +
			fmt.Sprintf(`{"name": "Ben", "delta": "<1m", "reply_to": null, "content_type": "text", "text": "no %d"}`, i) + "\n")
		lines = append(lines, fmt.Sprintf(`{"text": %s}`, text))
	}
	path := filepath.Join(dir, "windows.jsonl")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(url string, args ...string) (string, string, error) {
		cmd := command(dir, nil, append([]string{"evaluate", "--json", "--data-path", path, "--backend", url}, args...)...)
		var out, words strings.Builder
		cmd.Stdout, cmd.Stderr = &out, &words
		err := cmd.Run()
		return out.String(), words.String(), err
	}
	out, words, err := run(echoServer(t, true))
	var r struct {
		Windows    int
		Loss       float64
		Tokens     int `json:"target_tokens"`
		Generation struct {
			Samples int
			Valid   float64 `json:"json_valid_rate"`
		}
	}
	if err != nil || json.Unmarshal([]byte(out), &r) != nil || r.Windows != 2 || r.Loss != 0.5 || r.Tokens != 2*90 || r.Generation.Samples != 2 || r.Generation.Valid != 1 {
		t.Errorf("%s %s %v", out, words, err)
	}
	// A server that does not say how likely texts are is refused before a message is sent, and --skip-loss measures the rest.
	silent := echoServer(t, false)
	if out, words, err = run(silent); err == nil || !strings.Contains(words, "how likely a given text is") || !strings.Contains(words, "--skip-loss") {
		t.Errorf("%s %s %v", out, words, err)
	}
	out, words, err = run(silent, "--skip-loss", "--style")
	if err != nil || strings.Contains(out, `"loss"`) || !strings.Contains(out, `"generation"`) || !strings.Contains(out, `"style"`) {
		t.Errorf("%s %s %v", out, words, err)
	}
	out, words, err = run(silent, "--side-by-side", "1")
	if err != nil || !strings.Contains(out, `"text": "yes"`) {
		t.Errorf("%s %s %v", out, words, err)
	}
	if out, words, err = run(silent, "--blind-test", filepath.Join(dir, "test.html"), "--blind-written", "1"); err != nil || !strings.Contains(out, `"moments":2`) {
		t.Errorf("%s %s %v", out, words, err)
	}
	for _, flag := range []string{"--with-base", "--who-said-it"} {
		if _, words, err := run(silent, flag); err == nil || !strings.Contains(words, flag+" does not go with --backend") {
			t.Errorf("%s: %s %v", flag, words, err)
		}
	}
}
