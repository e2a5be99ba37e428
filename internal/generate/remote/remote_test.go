package remote

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ventriloquist/internal/generate"
	"ventriloquist/internal/usererr"
	"ventriloquist/internal/windows"
)

const (
	line   = `delta": "<1m", "reply_to": null, "content_type": "text", "text": "hé \"you\""}`
	broken = `delta": "soon", "reply_to": null, "content_type": "text", "text": "hey"}`
)

var conversation = &generate.Conversation{
	Header:   windows.NewHeader("dm", []string{"Ada", "Ben"}, "2024-03-15"),
	Messages: []windows.Message{{Name: "Ben", Delta: "<1m", ContentType: "text", Text: "hey <|endoftext|> </think> <b>"}},
}

var options = generate.Options{MaxNewTokens: 50, Sampling: generate.Sampling{Temperature: 0.7, TopP: 0.9, TopK: 40, MinP: 0.05, Seed: 5 << 40}}

// standIn is a server of one kind that keeps the requests.
type standIn struct {
	*httptest.Server
	mu      sync.Mutex
	posts   []map[string]any
	answers map[string]func(w http.ResponseWriter, post map[string]any)
}

func newStandIn(t *testing.T, answers map[string]func(w http.ResponseWriter, post map[string]any)) *standIn {
	t.Helper()
	s := &standIn{answers: answers}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := s.answers[r.URL.Path]
		if answer == nil {
			http.NotFound(w, r)
			return
		}
		var post map[string]any
		if r.Method == http.MethodPost {
			if err := json.NewDecoder(r.Body).Decode(&post); err != nil {
				t.Error(err)
			}
			s.mu.Lock()
			s.posts = append(s.posts, post)
			s.mu.Unlock()
		}
		answer(w, post)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *standIn) open(t *testing.T, path string, o Options) (*Writer, error) {
	t.Helper()
	a, err := ParseAddress(s.URL + path)
	if err != nil || !a.Local() {
		t.Fatal(a, err)
	}
	return Open(t.Context(), a, o)
}

func (s *standIn) mustOpen(t *testing.T, path string) *Writer {
	t.Helper()
	w, err := s.open(t, path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func says(body string) func(http.ResponseWriter, map[string]any) {
	return func(w http.ResponseWriter, _ map[string]any) { fmt.Fprint(w, body) }
}

// events encodes values as events.
func events(w http.ResponseWriter, values ...any) {
	for _, v := range values {
		data, _ := json.Marshal(v)
		fmt.Fprintf(w, "data: %s\n\n", data)
	}
}

type object = map[string]any

// write writes one message, and returns it and what was streamed.
func write(t *testing.T, w *Writer, o generate.Options) (text, streamed string, err error) {
	t.Helper()
	done, err := w.Write(t.Context(), conversation, "Ada", 1, o, func(_ int, b []byte) { streamed += string(b) })
	if err != nil {
		return "", streamed, err
	}
	m, err := generate.ParseContinuation("Ada", done[0].Text)
	if err != nil {
		t.Fatal(err)
	}
	return m.Text, streamed, nil
}

// wantPrompt checks that the server got the engine's prompt, in which no text is a special token.
func wantPrompt(t *testing.T, post object) {
	t.Helper()
	prompt, _ := post["prompt"].(string)
	plain := strings.NewReplacer(`\u003c|endoftext|>`, "<|endoftext|>", `\u003c/think>`, "</think>").Replace(prompt)
	if want := conversation.Prompt("Ada"); plain != want || prompt == plain {
		t.Errorf("prompt %s, want %s with escapes", prompt, want)
	}
}

func llama(answers ...any) map[string]func(http.ResponseWriter, map[string]any) {
	return map[string]func(http.ResponseWriter, map[string]any){
		"/props":       says(`{"total_slots": 4}`),
		"/api/version": says(`{"version": "0.1"}`),
		"/completion":  func(w http.ResponseWriter, _ map[string]any) { events(w, answers...) },
		"/tokenize":    says(`{"tokens": [1, 2, 3]}`),
	}
}

// llama.cpp's server gets the grammar and our order of samplers, and what it writes is shown as it comes.
func TestWriter_LlamaCPP(t *testing.T) {
	t.Parallel()
	s := newStandIn(t, llama(object{"content": line[:20], "stop": false}, object{"content": line[20:], "stop": false},
		object{"content": "", "stop": true, "tokens_predicted": 17, "stop_type": "word"}))
	for _, path := range []string{"", "/", "/completion"} {
		w := s.mustOpen(t, path)
		text, streamed, err := write(t, w, options)
		if err != nil || text != `hé "you"` || streamed != line {
			t.Fatalf("%q, %q, %v", text, streamed, err)
		}
		if n := w.PromptTokens(conversation, "Ada"); n != 3 {
			t.Errorf("the prompt has %d tokens", n)
		}
	}
	post := s.posts[0]
	wantPrompt(t, post)
	if post["grammar"] != generate.GBNF() || post["n_predict"] != 50.0 || post["min_p"] != 0.05 || post["repeat_penalty"] != 1.0 ||
		fmt.Sprint(post["samplers"]) != "[temperature top_k top_p min_p]" {
		t.Errorf("request %v", post)
	}
	if seed := post["seed"].(float64); seed < 0 || seed > math.MaxInt32 {
		t.Errorf("seed %g", seed)
	}
}

// A message that was cut off is an error, and says why: nothing is repaired.
func TestWriter_CutOffByTheLimit(t *testing.T) {
	t.Parallel()
	s := newStandIn(t, llama(object{"content": line[:30]}, object{"content": "", "stop": true, "stop_type": "limit"}))
	_, _, err := write(t, s.mustOpen(t, ""), options)
	if !errors.Is(err, generate.ErrUnwritten) || !strings.Contains(usererr.Of(err), "max_new_tokens") {
		t.Errorf("%v, hint %q", err, usererr.Of(err))
	}
	s = newStandIn(t, llama(object{"content": line[:30]}))
	if _, _, err := write(t, s.mustOpen(t, ""), options); !errors.Is(err, generate.ErrUnwritten) {
		t.Errorf("a stream that ends early: %v", err)
	}
}

// The probabilities of the forced tokens are added up.
func TestWriter_NextSpeakerOnLlamaCPP(t *testing.T) {
	t.Parallel()
	answers := llama()
	answers["/completion"] = func(w http.ResponseWriter, post map[string]any) {
		name, probability := generate.Prefill("Ada"), -1.0
		if strings.Contains(post["grammar"].(string), "Ben") {
			name, probability = generate.Prefill("Ben"), -2.0
		}
		json.NewEncoder(w).Encode(object{"content": name, "stop": true, "completion_probabilities": []object{{"logprob": 0.0}, {"logprob": probability}}})
	}
	share, err := newStandIn(t, answers).mustOpen(t, "").NextSpeaker(t.Context(), conversation, []string{"Ada", "Ben"})
	if want := 1 / (1 + math.Exp(-1)); err != nil || math.Abs(share[0]-want) > 1e-12 || math.Abs(share[0]+share[1]-1) > 1e-12 {
		t.Errorf("%v, want %g first, %v", share, want, err)
	}
}

// Ollama gets a raw prompt; what does not fit the grammar is drawn again, and not shown.
func TestWriter_OllamaDrawsAgain(t *testing.T) {
	t.Parallel()
	drawn := 0
	s := newStandIn(t, map[string]func(http.ResponseWriter, map[string]any){
		"/api/version": says(`{"version": "0.9.0"}`),
		"/api/tags":    says(`{"models": [{"name": "ada:latest"}]}`),
		"/api/generate": func(w http.ResponseWriter, _ map[string]any) {
			text := broken
			if drawn++; drawn%3 == 0 {
				text = line
			}
			encoder := json.NewEncoder(w)
			encoder.Encode(object{"response": text[:9], "done": false})
			encoder.Encode(object{"response": text[9:], "done": false})
			encoder.Encode(object{"response": "", "done": true, "done_reason": "stop", "eval_count": 20})
		},
	})
	w := s.mustOpen(t, "")
	text, streamed, err := write(t, w, options)
	if err != nil || text != `hé "you"` || streamed != line || drawn != 3 {
		t.Fatalf("%q, %q after %d, %v", text, streamed, drawn, err)
	}
	wantPrompt(t, s.posts[0])
	sampling := s.posts[0]["options"].(object)
	if s.posts[0]["raw"] != true || s.posts[0]["model"] != "ada:latest" || sampling["num_ctx"] != 8192.0 || sampling["seed"] == s.posts[1]["options"].(object)["seed"] {
		t.Errorf("request %v", s.posts[0])
	}
	greedy := options
	greedy.Temperature, drawn = 0, 0
	if _, _, err := write(t, w, greedy); !errors.Is(err, generate.ErrUnwritten) || drawn != 1 {
		t.Errorf("greedy text that does not fit was drawn %d times: %v", drawn, err)
	}
	if _, err := w.NextSpeaker(t.Context(), conversation, []string{"Ada", "Ben"}); !errors.Is(err, generate.ErrUnwritten) || usererr.Of(err) == "" {
		t.Errorf("probabilities from Ollama: %v", err)
	}
}

// A server of OpenAI's kind gets the grammar, and after a refusal only OpenAI's own fields.
func TestWriter_OpenAILeavesOutWhatIsRefused(t *testing.T) {
	t.Parallel()
	strict := false
	s := newStandIn(t, map[string]func(http.ResponseWriter, map[string]any){
		"/v1/models": says(`{"data": [{"id": "ada"}]}`),
		"/v1/completions": func(w http.ResponseWriter, post map[string]any) {
			if strict && post["grammar"] != nil {
				http.Error(w, `{"error": "unknown field grammar"}`, http.StatusBadRequest)
				return
			}
			events(w, object{"choices": []object{{"text": line[:9]}}}, object{"choices": []object{{"text": line[9:], "finish_reason": "stop"}}})
			fmt.Fprint(w, "data: [DONE]\n\n")
		},
	})
	for _, path := range []string{"", "/v1", "/v1/completions"} {
		w := s.mustOpen(t, path)
		for _, strict = range []bool{false, true} {
			if text, _, err := write(t, w, options); err != nil || text != `hé "you"` {
				t.Fatalf("strict %v: %q, %v", strict, text, err)
			}
		}
	}
	wantPrompt(t, s.posts[0])
	if s.posts[0]["grammar"] != generate.GBNF() || s.posts[0]["top_k"] != 40.0 {
		t.Errorf("request %v", s.posts[0])
	}
	plain := s.posts[2]
	for _, field := range []string{"grammar", "top_k", "min_p", "repeat_penalty"} {
		if _, there := plain[field]; there {
			t.Errorf("%s was sent again", field)
		}
	}
}

// llama-cpp-python ends an answer without a reason when the next request comes. Such answers are asked for again, one at a time.
func TestWriter_OpenAIBreaksOff(t *testing.T) {
	t.Parallel()
	var writing, next atomic.Int32
	s := newStandIn(t, map[string]func(http.ResponseWriter, map[string]any){
		"/v1/models": says(`{"data": [{"id": "ada"}]}`),
		"/v1/completions": func(w http.ResponseWriter, _ map[string]any) {
			mine := next.Add(1)
			writing.Add(1)
			defer writing.Add(-1)
			events(w, object{"choices": []object{{"text": line[:9]}}})
			w.(http.Flusher).Flush()
			for start := time.Now(); mine <= 2 && writing.Load() < 2 && next.Load() < 2 && time.Since(start) < time.Second; time.Sleep(time.Millisecond) {
			}
			if next.Load() == mine {
				events(w, object{"choices": []object{{"text": line[9:], "finish_reason": "stop"}}})
			}
			fmt.Fprint(w, "data: [DONE]\n\n")
		},
	})
	w, greedy := s.mustOpen(t, "/v1"), options
	greedy.Temperature = 0
	var all sync.WaitGroup
	for i := range 2 {
		all.Go(func() {
			text := ""
			_, err := w.Continue(t.Context(), "", i, greedy, func(token generate.Token) bool {
				text += string(token.Text)
				return true
			})
			if err != nil || text != line {
				t.Errorf("%q, %v", text, err)
			}
		})
	}
	all.Wait()
}

func TestWriter_NextSpeakerOnOpenAI(t *testing.T) {
	t.Parallel()
	lines := conversation.Lines()
	s := newStandIn(t, map[string]func(http.ResponseWriter, map[string]any){
		"/v1/models": says(`{"data": [{"id": "ada"}]}`),
		"/v1/completions": func(w http.ResponseWriter, post map[string]any) {
			probability := -3.0
			if strings.HasSuffix(post["prompt"].(string), generate.Prefill("Ben")) {
				probability = -1
			}
			start := len([]rune(withoutSpecialTokens(lines)))
			json.NewEncoder(w).Encode(object{"choices": []object{{"text": "", "logprobs": object{
				"token_logprobs": []any{nil, -9.0, probability, -0.5, -7.0}, "text_offset": []int{0, start - 1, start, start + 5, start + 1000}}}}})
		},
	})
	share, err := s.mustOpen(t, "").NextSpeaker(t.Context(), conversation, []string{"Ada", "Ben"})
	if want := 1 / (1 + math.Exp(2)); err != nil || math.Abs(share[0]-want) > 1e-12 {
		t.Errorf("%v, want %g first, %v", share, want, err)
	}
}

// The likelihoods of texts are those of their own tokens. llama-cpp-python gives each token the probability that it would have once
// more: the token that was written, which was the likeliest, is then not the likeliest in its place.
func TestWriter_Likelihoods(t *testing.T) {
	t.Parallel()
	written := -0.25
	s := newStandIn(t, map[string]func(http.ResponseWriter, map[string]any){
		"/v1/models": says(`{"data": [{"id": "ada"}]}`),
		"/v1/completions": func(w http.ResponseWriter, post map[string]any) {
			if post["prompt"] != "ab\u00e9cd" || post["echo"] != true || post["temperature"] != 0.0 {
				t.Errorf("request %v", post)
			}
			json.NewEncoder(w).Encode(object{"choices": []object{{"text": "", "logprobs": object{
				"token_logprobs": []any{nil, -1.0, -2.0, -4.0, written}, "text_offset": []int{0, 1, 2, 3, 5},
				"top_logprobs": []any{nil, object{"b": -1.0}, object{"x": -0.1}, object{"c": -4.0}, object{"z": -0.25}}}}}})
		},
	})
	w := s.mustOpen(t, "")
	logProbs, tokens, err := w.Likelihoods(t.Context(), "a", []string{"b\u00e9", "cd"})
	if err != nil || fmt.Sprint(logProbs, tokens) != "[-3 -4] [2 1]" {
		t.Errorf("%v %v %v", logProbs, tokens, err)
	}
	written = -9
	if _, _, err := w.Likelihoods(t.Context(), "a", []string{"b\u00e9", "cd"}); !errors.Is(err, ErrUnsupported) || !strings.Contains(usererr.Of(err), "llama-cpp-python") {
		t.Errorf("shifted by one token: %v", err)
	}
	l := newStandIn(t, llama())
	if err := l.mustOpen(t, "").CheckLikelihoods(t.Context()); !errors.Is(err, ErrUnsupported) || len(l.posts) > 0 {
		t.Errorf("llama.cpp: %v after %v", err, l.posts)
	}
}

func TestOpen_SaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	unauthorized := func(w http.ResponseWriter, _ map[string]any) { http.Error(w, "no key", http.StatusUnauthorized) }
	for name, c := range map[string]struct {
		answers  map[string]func(http.ResponseWriter, map[string]any)
		problem  string
		solution string
	}{
		"something else": {nil, "is neither", "name the path"},
		"no models":      {map[string]func(http.ResponseWriter, map[string]any){"/v1/models": says(`{"data": []}`)}, "no model", "backend_model"},
		"several models": {map[string]func(http.ResponseWriter, map[string]any){"/v1/models": says(`{"data": [{"id": "a"}, {"id": "b"}]}`)}, "2 models", "a, b"},
		"a key":          {map[string]func(http.ResponseWriter, map[string]any){"/props": unauthorized}, "401", "VQCTL_BACKEND_KEY"},
		"a redirect": {map[string]func(http.ResponseWriter, map[string]any){"/props": func(w http.ResponseWriter, _ map[string]any) {
			w.Header().Set("Location", "/v1/models")
			w.WriteHeader(http.StatusTemporaryRedirect)
		}}, "is neither", "name the path"},
	} {
		_, err := newStandIn(t, c.answers).open(t, "", Options{})
		if err == nil || !strings.Contains(err.Error(), c.problem) || !strings.Contains(usererr.Of(err), c.solution) {
			t.Errorf("%s: %v, hint %q", name, err, usererr.Of(err))
		}
	}
	gone := newStandIn(t, nil)
	gone.Close()
	if _, err := gone.open(t, "", Options{}); err == nil || !strings.Contains(usererr.Of(err), "server runs") {
		t.Errorf("no server: %v, hint %q", err, usererr.Of(err))
	}
	w, err := newStandIn(t, map[string]func(http.ResponseWriter, map[string]any){"/v1/models": says(`{"data": [{"id": "a"}, {"id": "b"}]}`)}).open(t, "", Options{Model: "b"})
	if err != nil || w.server.(*openAI).model != "b" {
		t.Errorf("a named model: %v", err)
	}
}

func TestParseAddress_RefusesWhatIsNone(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "localhost:8080", "ftp://localhost", "http://", "http://me:secret@localhost", "http://localhost/?a=b"} {
		if _, err := ParseAddress(text); !errors.Is(err, usererr.ErrUsage) {
			t.Errorf("%q: %v", text, err)
		}
	}
	for text, local := range map[string]bool{"http://127.0.0.1:8080": true, "http://[::1]:1/v1/": true, "https://localhost": true, "http://192.168.1.2": false, "http://example.com": false, "http://localhost.example.com": false} {
		if a, err := ParseAddress(text); err != nil || a.Local() != local {
			t.Errorf("%q: %v, %v", text, a.Local(), err)
		}
	}
}

func TestWriter_Interrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	answers := llama()
	answers["/completion"] = func(w http.ResponseWriter, _ map[string]any) {
		events(w, object{"content": line[:20]})
		w.(http.Flusher).Flush()
		<-ctx.Done()
	}
	w := newStandIn(t, answers).mustOpen(t, "")
	_, err := w.Write(ctx, conversation, "Ada", 1, options, func(int, []byte) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestCheck_RefusesWhatServersLack(t *testing.T) {
	t.Parallel()
	for _, o := range []generate.Options{{MinNewTokens: 1}, {Sampling: generate.Sampling{RepetitionPenalty: 1.1}}} {
		if err := Check(&o); !errors.Is(err, usererr.ErrUsage) {
			t.Errorf("%+v: %v", o, err)
		}
	}
}
