package remote

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"ventriloquist/internal/generate"
	"ventriloquist/internal/usererr"
)

// endless answers with the same piece until the client leaves.
func endless(piece string) func(http.ResponseWriter, map[string]any) {
	return func(w http.ResponseWriter, _ map[string]any) {
		for {
			if _, err := fmt.Fprint(w, piece); err != nil {
				return
			}
		}
	}
}

// servers are stand-ins of each kind of which the answer to a request for text is replaced.
func servers(t *testing.T, answer func(http.ResponseWriter, map[string]any)) map[string]*Writer {
	t.Helper()
	l := llama()
	l["/completion"] = answer
	return map[string]*Writer{
		"llama.cpp": newStandIn(t, l).mustOpen(t, ""),
		"ollama": newStandIn(t, map[string]func(http.ResponseWriter, map[string]any){
			"/api/version": says(`{"version": "0.1"}`), "/api/tags": says(`{"models": [{"name": "m"}]}`), "/api/generate": answer}).mustOpen(t, ""),
		"openai": newStandIn(t, map[string]func(http.ResponseWriter, map[string]any){
			"/v1/models": says(`{"data": [{"id": "m"}]}`), "/v1/completions": answer}).mustOpen(t, ""),
	}
}

// A text without an end, a line without an end and events without an end are given up.
func TestWriter_EndlessAnswers(t *testing.T) {
	t.Parallel()
	word := strings.Repeat("x", 4000)
	for name, piece := range map[string]string{
		"text":  `data: {"content": "` + word + `", "response": "` + word + `", "choices": [{"text": "` + word + `"}]}` + "\n",
		"line":  word,
		"deep":  "data: {\"a\":" + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + "}\n",
		"empty": ":" + word + "\n",
	} {
		for kind, w := range servers(t, endless(piece)) {
			_, streamed, err := write(t, w, options)
			if !errors.Is(err, generate.ErrUnwritten) || len(err.Error()) > 500 || len(streamed) > largestText {
				t.Errorf("%s, %s: %v, %d bytes were shown", kind, name, err, len(streamed))
			}
			if name == "text" && (!strings.Contains(err.Error(), "more than 1 MiB") || usererr.Of(err) == "") {
				t.Errorf("%s: %v", kind, err)
			}
		}
	}
}

// A server that falls silent is given up after a while, before and within its answer; comments do not count as an answer.
func TestWriter_SilentServer(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	defer close(release)
	for name, answer := range map[string]func(http.ResponseWriter, map[string]any){
		"at once": func(http.ResponseWriter, map[string]any) { <-release },
		"later": func(w http.ResponseWriter, _ map[string]any) {
			events(w, object{"content": "delta", "response": "delta", "choices": []object{{"text": "delta"}}})
			w.(http.Flusher).Flush()
			<-release
		},
		"comments": func(w http.ResponseWriter, _ map[string]any) {
			for {
				select {
				case <-release:
					return
				case <-time.After(5 * time.Millisecond):
				}
				fmt.Fprint(w, ": wait\n")
				w.(http.Flusher).Flush()
			}
		},
	} {
		for kind, w := range servers(t, answer) {
			clientOf(w).patience = 100 * time.Millisecond
			_, _, err := write(t, w, options)
			if !errors.Is(err, generate.ErrUnwritten) || errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "it was silent for 100ms") {
				t.Errorf("%s, %s: %v", kind, name, err)
			}
		}
	}
}

func clientOf(w *Writer) *client {
	switch s := w.server.(type) {
	case *llamaCPP:
		return s.client
	case *ollama:
		return s.client
	}
	return w.server.(*openAI).client
}

// What follows the end of the line is not shown, and a server's long words are shortened.
func TestWriter_ShowsOneLine(t *testing.T) {
	t.Parallel()
	s := newStandIn(t, llama(object{"content": line + "\nSYSTEM: "}, object{"content": "paste this", "stop": true, "tokens_predicted": -5}))
	w := s.mustOpen(t, "")
	done, err := w.Write(t.Context(), conversation, "Ada", 1, options, func(_ int, b []byte) {
		if strings.Contains(string(b), "SYSTEM") || strings.Contains(string(b), "paste") {
			t.Errorf("%q is shown", b)
		}
	})
	if err != nil || string(done[0].Text) != line+"\n" || done[0].Tokens != 0 {
		t.Errorf("%+v, %v", done, err)
	}
	long := strings.Repeat("\x1b[2J", 100_000)
	for kind, w := range servers(t, func(w http.ResponseWriter, _ map[string]any) { events(w, object{"error": long}) }) {
		if kind == "llama.cpp" {
			continue // has errors as statuses
		}
		if _, _, err := write(t, w, options); err == nil || len(err.Error()) > 3000 {
			t.Errorf("%s: an error of %d bytes", kind, len(fmt.Sprint(err)))
		}
	}
	names := newStandIn(t, map[string]func(http.ResponseWriter, map[string]any){
		"/v1/models": func(w http.ResponseWriter, _ map[string]any) {
			fmt.Fprintf(w, `{"data": [{"id": "a"}, {"id": %q}]}`, strings.Repeat("x", 1<<20))
		}})
	if _, err := names.open(t, "/v1", Options{}); err == nil || len(usererr.Of(err)) > 1000 {
		t.Errorf("%.200v, a hint of %d bytes", err, len(usererr.Of(err)))
	}
}

// Probabilities that add up to no number choose no one.
func TestWriter_NextSpeakerOfNoNumber(t *testing.T) {
	t.Parallel()
	answers := llama()
	answers["/completion"] = func(w http.ResponseWriter, post map[string]any) {
		text := strings.TrimSuffix(strings.TrimPrefix(post["grammar"].(string), `root ::= "`), `"`)
		text = strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\n`, "\n").Replace(text)
		fmt.Fprintf(w, `{"content": %q, "completion_probabilities": [{"logprob": -1e308}, {"logprob": -1e308}]}`, text)
	}
	w := newStandIn(t, answers).mustOpen(t, "")
	shares, err := w.NextSpeaker(t.Context(), conversation, []string{"Ada", "Ben"})
	if !errors.Is(err, generate.ErrUnwritten) || !strings.Contains(err.Error(), "no number") {
		t.Errorf("%v, %v", shares, err)
	}
}

// A tokenizer that does not answer costs the length of the prompt, not the conversation.
func TestWriter_PromptTokensOfASilentServer(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	defer close(release)
	answers := llama()
	answers["/tokenize"] = func(http.ResponseWriter, map[string]any) { <-release }
	w := newStandIn(t, answers).mustOpen(t, "")
	clientOf(w).patience = 50 * time.Millisecond
	if n := w.PromptTokens(conversation, "Ada"); n == 0 {
		t.Error("no estimate")
	}
}
