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

	"ventriloquist/internal/generate"
	"ventriloquist/internal/usererr"
)

const (
	probeTimeout = 5 * time.Second
	largestLine  = 4 << 20  // of a stream
	largestReply = 64 << 20 // in all
)

// client sends requests to one server.
type client struct {
	address Address
	key     string
	http    *http.Client
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

// request sends a request and returns the body of the answer. value nil is a GET.
func (c *client) request(ctx context.Context, path string, value any) (io.ReadCloser, error) {
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
	r, err := http.NewRequestWithContext(ctx, method, c.address.at(path), body)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	if c.key != "" {
		r.Header.Set("Authorization", "Bearer "+c.key)
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return nil, c.failed(ctx, err)
	}
	if answer.StatusCode != http.StatusOK {
		defer answer.Body.Close()
		said, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<10))
		return nil, &statusError{answer.StatusCode, strings.Join(strings.Fields(string(said)), " ")}
	}
	return answer.Body, nil
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
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	body, err := c.request(ctx, path, nil)
	if err != nil {
		return err
	}
	defer body.Close()
	return json.NewDecoder(io.LimitReader(body, largestLine)).Decode(into)
}

// post decodes the answer to a POST.
func (c *client) post(ctx context.Context, path string, value, into any) error {
	body, err := c.request(ctx, path, value)
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
	body, err := c.request(ctx, path, value)
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
		if last, err := f(line); last || err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return c.cutOff(ctx, err)
	}
	return c.cutOff(ctx, io.ErrUnexpectedEOF)
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
