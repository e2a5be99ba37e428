package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"time"

	"ventriloquist/internal/generate"
)

var errTimeout = failed(http.StatusGatewayTimeout, "server_error", "timeout", "the request took too long")

// writeTimeout is how long a client may take to read what was sent.
const writeTimeout = 30 * time.Second

// usage counts the tokens of an answer.
type usage struct {
	Prompt     int `json:"prompt_tokens"`
	Completion int `json:"completion_tokens"`
	Total      int `json:"total_tokens"`
	Details    struct {
		Cached int `json:"cached_tokens"`
	} `json:"prompt_tokens_details"`
}

// newTask makes the task of a request: n continuations of a prompt, as messages by a person or, where that is "", raw.
func newTask(r *http.Request, m *Model, q *request, prompt prompt, as string) *task {
	a := newAnswer(q.n)
	job := &generate.Job{Prompt: prompt.ids, N: q.n, Options: q.sampling}
	job.Options.LogProbs = q.logProbs
	choices := make([]*choice, q.n)
	for i := range choices {
		choices[i] = &choice{number: i, stops: q.stop, maxTokens: q.maxTokens, logProbs: q.logProbs}
		if as != "" {
			choices[i].line = generate.NewMessageReader(as)
		}
	}
	job.Token = func(i int) generate.TokenStream {
		return func(t generate.Token) bool {
			p, goesOn := choices[i].token(t)
			if p.text != "" || p.begins != nil || p.tokens > 0 {
				a.add(p)
			}
			return goesOn
		}
	}
	job.Done = func(i int, c generate.Continuation) { a.add(choices[i].end(c.Stopped)) }
	client := q.user
	if client == "" {
		client, _, _ = net.SplitHostPort(r.RemoteAddr)
	}
	return &task{model: m, prompt: prompt, job: job, client: client, answer: a}
}

// check returns an error if the task can never run.
func (t *task) check() *apiError {
	if t.model.Remote != nil {
		return nil // the other server knows its limits
	}
	switch err := t.model.Pool.Check(t.job); {
	case errors.Is(err, generate.ErrTooLarge):
		return tooLong(t.prompt.length)
	case err != nil:
		return invalid("max_tokens", "invalid_value", "%v", err)
	}
	return nil
}

func tooLong(tokens int) *apiError {
	return invalid("messages", "context_length_exceeded", "the prompt of %d tokens and its answers are longer than the server's context", tokens)
}

// run queues a task and hands each of its pieces to use, until it is over or use fails.
func (s *Server) run(r *http.Request, t *task, use func(piece) error) *apiError {
	ctx, cancel := context.WithTimeout(r.Context(), s.options.Timeout)
	defer cancel()
	if err := s.scheduler.submit(t); err != nil {
		return err
	}
	for {
		pieces, over, err := t.answer.next(ctx)
		for _, p := range pieces {
			if use(p) != nil {
				s.scheduler.cancel(t)
				return errTimeout // no one reads it
			}
		}
		if over {
			return nil
		}
		if err != nil {
			s.scheduler.cancel(t)
			return err
		}
	}
}

// events is a stream of server-sent events. Its header is sent with the first.
type events struct {
	w       http.ResponseWriter
	control *http.ResponseController
	begun   bool
}

func newEvents(w http.ResponseWriter) *events {
	return &events{w: w, control: http.NewResponseController(w)}
}

func (e *events) send(value any) error {
	var data bytes.Buffer
	out := json.NewEncoder(&data)
	out.SetEscapeHTML(false)
	if err := out.Encode(value); err != nil {
		return err
	}
	return e.write(bytes.TrimSuffix(data.Bytes(), []byte("\n")))
}

func (e *events) write(data []byte) error {
	if !e.begun {
		e.begun = true
		e.w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		e.w.Header().Set("X-Accel-Buffering", "no")
		e.w.WriteHeader(http.StatusOK)
	}
	if err := e.control.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if _, err := e.w.Write([]byte("data: " + string(data) + "\n\n")); err != nil {
		return err
	}
	return e.control.Flush()
}

// end ends the stream; before its first event an error still has a status.
func (e *events) end(err *apiError) {
	switch {
	case err != nil && !e.begun:
		err.write(e.w)
	case err != nil:
		e.send(map[string]any{"error": err})
	default:
		e.write([]byte("[DONE]"))
	}
}
