package describetest

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"time"
)

// Asked is a request about media.
type Asked struct {
	Model  string
	Prompt string // all text parts
	Media  []Media
	Key    string
	// MaxTokens limits the answer; 0 if not set.
	MaxTokens int
	// Thinking is the thinking level, or the budget in digits.
	Thinking string
}

// Media is a file in a request.
type Media struct {
	Format    string // a MIME type; for sound in OpenAI's form the name of a format
	Data      []byte
	Uploaded  bool
	EndOffset string
}

// Reply is the answer of a server.
type Reply struct {
	Text   string
	Finish string // finish reason; "" for the usual one
	Block  string // Gemini's block reason, if there is no answer
	// Status and Body, if set, replace the answer.
	Status int
	Body   string
	Header http.Header
	// Cut closes the connection in the middle of the answer, HangUp before it; Wait delays it.
	Cut, HangUp bool
	Wait        time.Duration
}

// Server is a fake server of either kind.
type Server struct {
	*httptest.Server
	// Answer is called for each request about media, numbered from 0, one at a time.
	Answer func(n int, a *Asked) Reply
	// Key, if not empty, is the only valid key.
	Key string

	mu    sync.Mutex
	asked []Asked
	now   int // requests in progress
	most  int
	files files
	calls []string // method and path of every request
}

// Asked returns all requests about media.
func (s *Server) Asked() []Asked {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Asked(nil), s.asked...)
}

// Calls returns the methods and paths of all requests.
func (s *Server) Calls() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.calls...)
}

// Most returns the maximum number of concurrent requests.
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

// reply answers a request about media; body formats an answer in words.
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

// refuse answers with an error in Google's format.
func refuse(w http.ResponseWriter, status int, code, message string) {
	w.WriteHeader(status)
	_, _ = w.Write([]byte(GoogleError(status, code, message)))
}
