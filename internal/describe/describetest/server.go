package describetest

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"time"
)

// Asked is one request about media.
type Asked struct {
	Model  string
	Prompt string // all text
	Media  []Media
	Key    string
	// MaxTokens is the limit of the answer, 0 if none was set.
	MaxTokens int
	// Thinking is what was said of it: a level, or a budget in digits.
	Thinking string
}

// Media is a file in a request.
type Media struct {
	Format    string // a MIME type; of sound in OpenAI's form the name of a format
	Data      []byte
	Uploaded  bool
	EndOffset string
}

// Reply is how a server answers.
type Reply struct {
	Text   string
	Finish string // why the answer ends, "" for the usual reason
	Block  string // of Gemini: why there is no answer
	// Status and Body, if set, are an answer of any form.
	Status int
	Body   string
	Header http.Header
	// Cut breaks the connection in the middle of the answer; HangUp before it; Wait is how long it takes.
	Cut, HangUp bool
	Wait        time.Duration
}

// Server is a server of either kind.
type Server struct {
	*httptest.Server
	// Answer is called for each request about media, numbered from 0, never twice at a time.
	Answer func(n int, a *Asked) Reply
	// Key, if not empty, is the only one that is right.
	Key string

	mu    sync.Mutex
	asked []Asked
	now   int // being answered
	most  int
	files files
	calls []string // method and path of all requests
}

// Asked is all that it was asked.
func (s *Server) Asked() []Asked {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Asked(nil), s.asked...)
}

// Calls are the methods and paths of all requests.
func (s *Server) Calls() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.calls...)
}

// Most is how many requests were answered at a time.
func (s *Server) Most() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.most
}

func (s *Server) start(handler func(http.ResponseWriter, *http.Request)) *Server {
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.calls = append(s.calls, r.Method+" "+r.URL.Path)
		s.mu.Unlock()
		handler(w, r)
	}))
	return s
}

// reply answers a request about media; body makes the form of an answer of words.
func (s *Server) reply(w http.ResponseWriter, r *http.Request, a *Asked, body func(*Reply) string) {
	s.mu.Lock()
	n := len(s.asked)
	s.asked = append(s.asked, *a)
	s.now++
	s.most = max(s.most, s.now)
	reply := Reply{Text: "A cat on a sofa."}
	if s.Answer != nil {
		reply = s.Answer(n, a)
	}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.now--
		s.mu.Unlock()
	}()
	select {
	case <-time.After(reply.Wait):
	case <-r.Context().Done():
		return
	}
	if reply.HangUp {
		panic(http.ErrAbortHandler)
	}
	text := reply.Body
	if reply.Status == 0 {
		reply.Status, text = http.StatusOK, body(&reply)
	}
	for name, values := range reply.Header {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", "application/json")
	if reply.Cut {
		w.WriteHeader(reply.Status)
		_, _ = w.Write([]byte(text[:len(text)/2]))
		return
	}
	w.WriteHeader(reply.Status)
	_, _ = w.Write([]byte(text))
}

// refuse answers with an error of Google's form.
func refuse(w http.ResponseWriter, status int, code, message string) {
	w.WriteHeader(status)
	_, _ = w.Write([]byte(GoogleError(status, code, message)))
}
