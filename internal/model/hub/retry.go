package hub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"go.uber.org/zap"

	"ventriloquist/internal/usererr"
)

// transientError is an error that is worth retrying.
type transientError struct {
	err   error
	after time.Duration // the server's Retry-After, 0 if there is none
}

func (e *transientError) Error() string { return e.err.Error() }
func (e *transientError) Unwrap() error { return e.err }

func transient(err error) error { return &transientError{err: err} }

// maxAttempts is the maximum number of consecutive attempts without progress.
const maxAttempts = 6

// maxWait limits a server's Retry-After.
const maxWait = 5 * time.Minute

// retry repeats try while its error is transient, waiting longer each time. An attempt that got further resets the count.
func (c *Client) retry(ctx context.Context, try func() (further bool, err error)) error {
	for attempt := 1; ; attempt++ {
		further, err := try()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if further {
			attempt = 1
		}
		var again *transientError
		if !errors.As(err, &again) {
			return err
		}
		if attempt >= maxAttempts {
			return usererr.With(fmt.Errorf("%w (%d attempts)", err, attempt), "run the command again later: it continues where it stopped")
		}
		wait := c.backoff << (attempt - 1)
		wait += time.Duration(rand.Int64N(int64(wait)/2 + 1)) // so that parallel downloads do not retry at the same time
		if again.after > 0 {
			wait = min(again.after, maxWait)
		}
		c.Log.Info("trying again", zap.Error(err), zap.Int("attempt", attempt), zap.Duration("after", wait))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

// refusal turns an unsuccessful status into an error with advice.
func (c *Client) refusal(repo string, r *http.Response) error {
	where := r.Request.URL
	err := fmt.Errorf("%s://%s%s: the server answered %s", where.Scheme, where.Host, where.Path, r.Status) // without the query, which holds a signature
	code := r.Header.Get("X-Error-Code")
	if code != "" {
		err = fmt.Errorf("%w (%s)", err, code)
	}
	if r.StatusCode == http.StatusTooManyRequests || r.StatusCode >= 500 || r.StatusCode == http.StatusRequestTimeout {
		seconds, _ := strconv.Atoi(r.Header.Get("Retry-After")) // 0 if it is missing or a date
		return &transientError{err: err, after: time.Duration(max(0, seconds)) * time.Second}
	}
	if c.isElsewhere(where) {
		return transient(err) // an expired signed address: the next attempt gets a new one
	}
	switch {
	case code == "GatedRepo" || r.StatusCode == http.StatusForbidden:
		return usererr.With(err, "%s is gated: accept its conditions at %s/%s, and set HF_TOKEN to a token of that account", repo, c.Endpoint, repo)
	case r.StatusCode == http.StatusUnauthorized:
		return usererr.With(err, "no public model %s: check the name; for a private model set HF_TOKEN to a token that can read it", repo)
	case r.StatusCode == http.StatusNotFound:
		return usererr.With(err, "check the name of the model; it is owner/name, such as Qwen/Qwen3-0.6B-Base")
	}
	return err
}

// isElsewhere reports whether a response came from another host than the endpoint's, through a redirect.
func (c *Client) isElsewhere(address *url.URL) bool {
	endpoint, err := url.Parse(c.Endpoint)
	return err != nil || address.Host != endpoint.Host
}

// watched is a body that calls giveUp when no data arrives for a while.
type watched struct {
	body  io.Reader
	timer *time.Timer
	stall time.Duration
}

func watch(body io.Reader, stall time.Duration, giveUp func()) *watched {
	return &watched{body: body, timer: time.AfterFunc(stall, giveUp), stall: stall}
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.body.Read(p)
	w.timer.Reset(w.stall)
	return n, err
}
