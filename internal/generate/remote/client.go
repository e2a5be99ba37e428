package remote

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"ventriloquist/internal/generate"
	"ventriloquist/internal/usererr"
)

const (
	probeTimeout = 5 * time.Second
	patience     = 10 * time.Minute // between two events; a server may load a model first
	largestLine  = 4 << 20          // of a stream
	largestReply = 64 << 20         // in all
	largestText  = 1 << 20          // of one message
)

// client sends requests to one server.
type client struct {
	address  Address
	key      string
	http     *http.Client
	patience time.Duration
}

// statusError is an answer with a status other than 200.
type statusError struct {
	status int
	said   string
}

func (e *statusError) Error() string {
	if e.said == "" {
		return fmt.Sprintf("status %d", e.status)
	}
	return fmt.Sprintf("status %d: %s", e.status, e.said)
}

// answer is the body of an answer. It ends with an error when the server is silent for too long.
type answer struct {
	io.ReadCloser
	patience time.Duration
	timer    *time.Timer
	ctx      context.Context
	cancel   context.CancelCauseFunc
}

// silentError says for how long a server was silent.
type silentError struct{ patience time.Duration }

func (e *silentError) Error() string { return fmt.Sprintf("it was silent for %s", e.patience) }

// newAnswer starts to wait for an answer.
func newAnswer(ctx context.Context, patience time.Duration) *answer {
	a := &answer{patience: patience}
	a.ctx, a.cancel = context.WithCancelCause(ctx)
	a.timer = time.AfterFunc(patience, func() { a.cancel(&silentError{patience}) })
	return a
}

// heard begins the wait anew.
func (a *answer) heard() { a.timer.Reset(a.patience) }

// explain replaces the error of a request that was given up by its reason.
func (a *answer) explain(err error) error {
	var silent *silentError
	if err != nil && errors.As(context.Cause(a.ctx), &silent) {
		return silent
	}
	return err
}

func (a *answer) Read(p []byte) (int, error) {
	n, err := a.ReadCloser.Read(p)
	return n, a.explain(err)
}

// Close ends the request.
func (a *answer) Close() error {
	a.timer.Stop()
	a.cancel(nil)
	if a.ReadCloser == nil {
		return nil
	}
	return a.ReadCloser.Close()
}

// request sends a request and returns the body of the answer. value nil is a GET.
func (c *client) request(ctx context.Context, path string, value any, patience time.Duration) (*answer, error) {
	method, body := http.MethodGet, io.Reader(nil)
	if value != nil {
		var b bytes.Buffer
		encoder := json.NewEncoder(&b)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(value); err != nil {
			return nil, err
		}
		method, body = http.MethodPost, &b
	}
	a := newAnswer(ctx, patience)
	r, err := http.NewRequestWithContext(a.ctx, method, c.address.at(path), body)
	if err != nil {
		return nil, errors.Join(err, a.Close())
	}
	r.Header.Set("Content-Type", "application/json")
	if c.key != "" {
		r.Header.Set("Authorization", "Bearer "+c.key)
	}
	response, err := c.http.Do(r)
	if err != nil {
		err = c.failed(ctx, a.explain(err))
		a.Close()
		return nil, err
	}
	a.ReadCloser = response.Body
	if response.StatusCode != http.StatusOK {
		defer a.Close()
		said, _ := io.ReadAll(io.LimitReader(a, 1<<10))
		return nil, &statusError{response.StatusCode, strings.Join(strings.Fields(string(said)), " ")}
	}
	return a, nil
}

// failed describes a failure of the connection.
func (c *client) failed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return usererr.With(fmt.Errorf("%w: no answer from %s: %w", generate.ErrUnwritten, c.address.Host(), usererr.Network(err)), "check that the server runs, and its address")
}

// get decodes the answer to a GET.
func (c *client) get(ctx context.Context, path string, into any) error {
	body, err := c.request(ctx, path, nil, min(probeTimeout, c.patience))
	if err != nil {
		return err
	}
	defer body.Close()
	if err := json.NewDecoder(io.LimitReader(body, largestLine)).Decode(into); err != nil {
		return c.cutOff(ctx, err)
	}
	return nil
}

// post decodes the answer to a POST.
func (c *client) post(ctx context.Context, path string, value, into any, patience time.Duration) error {
	body, err := c.request(ctx, path, value, patience)
	if err != nil {
		return c.described(err)
	}
	defer body.Close()
	if err := json.NewDecoder(io.LimitReader(body, largestReply)).Decode(into); err != nil {
		return c.cutOff(ctx, err)
	}
	return nil
}

// stream calls f with each JSON object of an answer that is a stream: lines, as Ollama writes, or events of which each is one. f
// reports whether it was the last.
func (c *client) stream(ctx context.Context, path string, value any, f func(event []byte) (last bool, err error)) error {
	body, err := c.request(ctx, path, value, c.patience)
	if err != nil {
		return c.described(err)
	}
	defer body.Close()
	lines := bufio.NewScanner(io.LimitReader(body, largestReply))
	lines.Buffer(nil, largestLine)
	for lines.Scan() {
		line := bytes.TrimSpace(lines.Bytes())
		if data, isEvent := bytes.CutPrefix(line, []byte("data:")); isEvent {
			line = bytes.TrimSpace(data)
		}
		if bytes.Equal(line, []byte("[DONE]")) {
			return nil
		}
		if len(line) == 0 || line[0] != '{' {
			continue // a comment or another field of an event
		}
		body.heard()
		if last, err := f(line); last || err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return c.cutOff(ctx, err)
	}
	return c.cutOff(ctx, io.ErrUnexpectedEOF)
}

// written is the text of one message as it arrives.
type written struct {
	strings.Builder
	client *client
	stream func(text string) (goesOn bool)
}

// errEnough ends a request whose caller wants no more.
var errEnough = errors.New("the caller wants no more")

// add adds a piece of the text.
func (w *written) add(text string) error {
	if w.Len()+len(text) > largestText {
		return usererr.With(fmt.Errorf("%w: %s does not end the message: it wrote more than %d MiB", generate.ErrUnwritten, w.client.address.Host(), largestText>>20),
			"the server ignores the limit of tokens: use another one")
	}
	w.WriteString(text)
	if !w.stream(text) {
		return errEnough
	}
	return nil
}

// shortened returns the beginning of a server's text, which may be of any length.
func shortened(text string) string {
	const most = 300
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most]) + "…"
}

func (c *client) cutOff(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("%w: the answer of %s cannot be read: %w", generate.ErrUnwritten, c.address.Host(), err)
}

// described adds to a refusal who refused, and what to do.
func (c *client) described(err error) error {
	var refused *statusError
	if !errors.As(err, &refused) {
		return err
	}
	err = fmt.Errorf("%w: %s refused the request: %w", generate.ErrUnwritten, c.address.Host(), err)
	switch refused.status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return usererr.With(err, "put the server's key into VQCTL_BACKEND_KEY")
	case http.StatusNotFound:
		return usererr.With(err, "check %v, and the model's name", usererr.Option("backend"))
	}
	return err
}
