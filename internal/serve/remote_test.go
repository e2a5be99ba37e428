package serve_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"ventriloquist/internal/generate"
	"ventriloquist/internal/generate/remote"
	"ventriloquist/internal/serve"
)

// llamaServer stands in for llama.cpp's server.
type llamaServer struct {
	write func(w http.ResponseWriter, r *http.Request, post map[string]any)

	mu     sync.Mutex
	posts  []map[string]any
	live   int // requests that it is answering
	most   int // at the same time
	gone   chan struct{}
	logged []string
}

func (l *llamaServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/props" {
		fmt.Fprint(w, `{"total_slots": 4}`)
		return
	}
	var post map[string]any
	json.NewDecoder(r.Body).Decode(&post)
	l.mu.Lock()
	l.posts = append(l.posts, post)
	l.live++
	l.most = max(l.most, l.live)
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		l.live--
		l.mu.Unlock()
		l.gone <- struct{}{}
	}()
	l.write(w, r, post)
}

// waitFor waits until it is answering so many requests.
func (l *llamaServer) waitFor(want int) {
	for live := 0; live < want; time.Sleep(time.Millisecond) {
		l.mu.Lock()
		live = l.live
		l.mu.Unlock()
	}
}

// say writes pieces of an answer.
func say(w http.ResponseWriter, pieces ...string) {
	for _, p := range pieces {
		data, _ := json.Marshal(map[string]any{"content": p})
		fmt.Fprintf(w, "data: %s\n\n", data)
	}
	w.(http.Flusher).Flush()
}

func sayEnd(w http.ResponseWriter) {
	fmt.Fprint(w, `data: {"content": "", "stop": true, "tokens_predicted": 9, "tokens_evaluated": 77, "stop_type": "word"}`+"\n\n")
}

const lineStart = `delta": "<5m", "reply_to": null, "content_type": "text", "text": "`

// openRemote serves Ada and Ben, whom another server writes.
func openRemote(t *testing.T, l *llamaServer, change func(*serve.Options)) *httptest.Server {
	t.Helper()
	l.gone = make(chan struct{}, 100)
	upstream := httptest.NewServer(l)
	t.Cleanup(upstream.Close)
	address, err := remote.ParseAddress(upstream.URL)
	if err != nil {
		t.Fatal(err)
	}
	w, err := remote.Open(t.Context(), address, remote.Options{})
	if err != nil {
		t.Fatal(err)
	}
	o := serve.Options{Owner: "Ben", Parallel: 3, Queue: 2, Timeout: time.Minute, MaxTokens: 512, Loopback: true,
		Models:   []*serve.Model{{People: []string{"Ada", "Ben"}, Remote: w}},
		Defaults: generate.Options{Sampling: generate.Sampling{Temperature: 0.7, TopP: 0.9, RepetitionPenalty: 1}, MaxNewTokens: 40},
		Failed: func(err error) {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.logged = append(l.logged, err.Error())
		}}
	if change != nil {
		change(&o)
	}
	s := serve.New(o)
	t.Cleanup(s.Close)
	h := httptest.NewServer(s.Handler())
	t.Cleanup(h.Close)
	return h
}

func TestRemote_AnswersWithAnotherServer(t *testing.T) {
	t.Parallel()
	l := &llamaServer{write: func(w http.ResponseWriter, _ *http.Request, post map[string]any) {
		say(w, lineStart[:30], lineStart[30:], "h", `i \"`, `you\"`, fmt.Sprint(post["seed"]), `"}`)
		sayEnd(w)
	}}
	h := openRemote(t, l, nil)
	status, answer := post(t, h, "/v1/chat/completions", chatBody(`"seed": 7, "n": 2, `, "which <|im_end|> ubuntu?"))
	if status != 200 || at(answer, "choices", 0, "message", "content") != `hi "you"7` || at(answer, "choices", 1, "message", "content") != `hi "you"8` ||
		at(answer, "choices", 0, "message", "delta") != "<5m" || at(answer, "choices", 1, "finish_reason") != "stop" || at(answer, "usage", "prompt_tokens") != 77.0 {
		t.Fatalf("%d: %v", status, answer)
	}
	got := l.posts[0]["prompt"].(string)
	if !strings.HasSuffix(got, "which \\u003c|im_end|> ubuntu?\"}\n{\"name\": \"Ada\", \"") || l.posts[0]["grammar"] != generate.GBNF() {
		t.Errorf("the other server was sent %v", l.posts[0])
	}
	status, answer = post(t, h, "/v1/completions", `{"model": "Ada", "prompt": "a\nb", "echo": true, "max_tokens": 3, "seed": 1}`)
	if text, _ := at(answer, "choices", 0, "text").(string); status != 200 || !strings.HasPrefix(text, "a\nb"+lineStart) {
		t.Errorf("%d: %v", status, answer)
	}
	if last := l.posts[2]; last["prompt"] != "a\nb" || last["grammar"] != nil || last["stop"] != nil || last["n_predict"] != 3.0 {
		t.Errorf("the other server was sent %v", last)
	}
}

// A stop sequence, the most tokens and a client that leaves end the request to the other server too.
func TestRemote_StopsTheOtherServer(t *testing.T) {
	t.Parallel()
	l := &llamaServer{write: func(w http.ResponseWriter, r *http.Request, _ map[string]any) {
		say(w, lineStart, "one ", "two ", "three ")
		<-r.Context().Done()
	}}
	h := openRemote(t, l, nil)
	for extra, want := range map[string]string{`"max_tokens": 2, `: "one two ", `"stop": "two", `: "one "} {
		status, answer := post(t, h, "/v1/chat/completions", chatBody(extra, "hey"))
		if status != 200 || at(answer, "choices", 0, "message", "content") != want {
			t.Errorf("%s %d: %v", extra, status, answer)
		}
		<-l.gone
	}
	ctx, cancel := context.WithCancel(t.Context())
	r, _ := http.NewRequestWithContext(ctx, http.MethodPost, h.URL+"/v1/chat/completions", strings.NewReader(chatBody(`"stream": true, "n": 3, `, "hey")))
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if lines := bufio.NewScanner(response.Body); !lines.Scan() || !strings.Contains(lines.Text(), "data:") {
		t.Errorf("the stream begins with %q", lines.Text())
	}
	l.waitFor(3)
	cancel()
	for range 3 {
		<-l.gone
	}
}

// The limits hold: no more answers at the same time than allowed, and no more requests that wait.
func TestRemote_KeepsTheLimits(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	l := &llamaServer{write: func(w http.ResponseWriter, _ *http.Request, _ map[string]any) {
		<-release
		say(w, lineStart, "hi", `"}`)
		sayEnd(w)
	}}
	h := openRemote(t, l, nil)
	var all sync.WaitGroup
	statuses := make(chan int, 8)
	ask := func(n int) {
		for range n {
			all.Go(func() {
				status, _ := post(t, h, "/v1/chat/completions", chatBody("", "hey"))
				statuses <- status
			})
		}
	}
	for want := 1; want <= 3; want++ { // each is being written before the next comes: none of them waits for long
		ask(1)
		l.waitFor(want)
	}
	ask(5) // two wait, and three are refused
	counts := map[int]int{}
	for range 3 {
		counts[<-statuses]++
	}
	close(release)
	all.Wait()
	close(statuses)
	for s := range statuses {
		counts[s]++
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if counts[200] != 5 || counts[429] != 3 || l.most != 3 {
		t.Errorf("answers by status %v, at most %d at the same time", counts, l.most)
	}
}

func TestRemote_SaysWhatFails(t *testing.T) {
	t.Parallel()
	l := &llamaServer{write: func(w http.ResponseWriter, _ *http.Request, _ map[string]any) {
		http.Error(w, "the slot is gone", http.StatusInternalServerError)
	}}
	h := openRemote(t, l, nil)
	status, answer := post(t, h, "/v1/chat/completions", chatBody("", "hey"))
	if words, _ := at(answer, "error", "message").(string); status != 502 || !strings.Contains(words, "the slot is gone") || len(l.logged) != 1 {
		t.Errorf("%d: %v, log %v", status, answer, l.logged)
	}
	for field, extra := range map[string]string{"logprobs": `"logprobs": true, `, "logit_bias": `"logit_bias": {"1": 5}, `, "repetition_penalty": `"repetition_penalty": 1.1, `,
		"frequency_penalty": `"frequency_penalty": 1, `, "presence_penalty": `"presence_penalty": 1, `} {
		status, answer := post(t, h, "/v1/chat/completions", chatBody(extra, "hey"))
		if status != 400 || at(answer, "error", "param") != field {
			t.Errorf("%s: %d, %v", field, status, answer)
		}
	}
	for _, prompt := range []string{`[1, 2]`, `[[1]]`, `[[]]`, `""`} {
		if status, answer := post(t, h, "/v1/completions", `{"model": "Ada", "prompt": `+prompt+`}`); status != 400 {
			t.Errorf("prompt %s: %d, %v", prompt, status, answer)
		}
	}
	if len(l.posts) != 1 {
		t.Errorf("%d requests went to the other server", len(l.posts)-1)
	}
}
