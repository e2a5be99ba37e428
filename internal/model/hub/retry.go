package hub

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"ventriloquist/internal/usererr"
)

// transientError is an error that is worth retrying.
type transientError struct {
	err     error
	after   time.Duration // the server's Retry-After, 0 if there is none
	network bool          // there was no connection
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
			err = fmt.Errorf("%w (%d attempts)", err, attempt)
			if again.network {
				return usererr.With(err, "check the network and run the command again: it continues where it stopped; HF_ENDPOINT sets a mirror, and a model folder copied from another machine can be used with %v", usererr.Option("base_model"))
			}
			return usererr.With(err, "run the command again later: it continues where it stopped")
		}
		wait := c.backoff << (attempt - 1)
		wait += time.Duration(rand.Int64N(int64(wait)/2 + 1)) // so that parallel downloads do not retry at the same time
		if again.after > 0 {
			wait = min(again.after, maxWait)
		}
		c.Log.Info("trying again", zap.Error(err), zap.Int("attempt", attempt), zap.Duration("after", wait))
		c.sayRetry(err, attempt+1, wait)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

// sayRetry reports that an attempt follows, once for all downloads that fail together.
func (c *Client) sayRetry(err error, attempt int, wait time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.Retrying == nil || c.said == attempt && time.Now().Before(c.saidUntil) {
		return
	}
	c.said, c.saidUntil = attempt, time.Now().Add(wait)
	c.Retrying(err, attempt, maxAttempts, wait)
}

// refusal turns an unsuccessful status into an error with advice. Only what may pass is tried again.
func (c *Client) refusal(repo string, r *http.Response) error {
	err := fmt.Errorf("%s: the server answered %s", withoutQuery(r.Request.URL), r.Status)
	code := r.Header.Get("X-Error-Code")
	if code != "" {
		err = fmt.Errorf("%w (%s)", err, shown(code))
	}
	if message := r.Header.Get("X-Error-Message"); message != "" {
		err = fmt.Errorf("%w: %s", err, shown(message))
	}
	if mayPass(r.StatusCode) {
		return &transientError{err: err, after: retryAfter(r.Header.Get("Retry-After"), time.Now())}
	}
	if c.isElsewhere(r.Request.URL) && (r.StatusCode == http.StatusForbidden || r.StatusCode == http.StatusBadRequest) {
		return transient(err) // an expired signed address: the next attempt gets a new one
	}
	switch {
	case code == "GatedRepo" || r.StatusCode == http.StatusForbidden:
		return usererr.With(err, "%s is gated: accept its conditions at %s/%s, and set HF_TOKEN to a token of that account", repo, c.Endpoint, repo)
	case r.StatusCode == http.StatusUnauthorized && c.Token != "":
		return usererr.With(err, "no model %s that your token can read: check the name and the token (HF_TOKEN, or the file of hf auth login)", repo)
	case r.StatusCode == http.StatusUnauthorized:
		return usererr.With(err, "no public model %s: check the name; for a private model set HF_TOKEN to a token that can read it", repo)
	case code == "RevisionNotFound":
		return usererr.With(err, "check the revision of %s: it is owner/name@revision, with a branch, a tag or a whole commit of 40 digits", repo)
	case r.StatusCode == http.StatusNotFound:
		return usererr.With(err, "check the name of the model; it is owner/name, such as Qwen/Qwen3-0.6B-Base")
	}
	return usererr.With(err, "the server refuses the request; it is not sent again")
}

// mayPass reports whether another attempt may succeed.
func mayPass(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	case http.StatusNotImplemented, http.StatusHTTPVersionNotSupported:
		return false
	}
	return status >= 500
}

// retryAfter parses a Retry-After header: seconds or a date. It returns 0 for anything else.
func retryAfter(header string, now time.Time) time.Duration {
	if seconds, err := strconv.Atoi(header); err == nil {
		return time.Duration(min(max(0, seconds), int(maxWait/time.Second))) * time.Second
	}
	if date, err := http.ParseTime(header); err == nil {
		return max(0, date.Sub(now))
	}
	return 0
}

// shown quotes and shortens a server's text: it may hold anything.
func shown(text string) string {
	const most = 300
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "…"
	}
	return strconv.Quote(text)
}

// withoutQuery returns an address without what must not be shown: a signature, a password.
func withoutQuery(address *url.URL) string {
	if address.Host == "" { // where a redirect leads on the same host, or a file
		return address.EscapedPath()
	}
	return address.Scheme + "://" + address.Host + address.EscapedPath()
}

// unreachable turns the error of a request into one without the address's query. Only what may pass is tried again.
func unreachable(err error) error {
	var failed *url.Error
	if errors.As(err, &failed) {
		if address, parseErr := url.Parse(failed.URL); parseErr == nil {
			err = fmt.Errorf("%s: %w", withoutQuery(address), usererr.Network(failed.Err))
		} else {
			err = usererr.Network(failed.Err)
		}
	}
	err = fmt.Errorf("cannot reach the server: %w", err)
	var authority x509.UnknownAuthorityError
	var hostname x509.HostnameError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &authority), errors.As(err, &hostname), errors.As(err, &invalid):
		return usererr.With(err, "the server's certificate is not trusted: check the clock, the proxy, and HF_ENDPOINT")
	case errors.As(err, &record):
		return usererr.With(err, "the server does not speak https: check the proxy and HF_ENDPOINT")
	case errors.Is(err, errRedirect):
		return usererr.With(err, "the server or a proxy sends requests astray: check HF_ENDPOINT")
	}
	if isMalformed(err) {
		return usererr.With(err, "what answers is not a server for models, or a proxy damages its answers: check the proxy and HF_ENDPOINT")
	}
	return &transientError{err: err, network: true}
}

// isMalformed reports whether a response broke the rules of HTTP, which the next one would too.
func isMalformed(err error) bool {
	var header textproto.ProtocolError
	if errors.As(err, &header) {
		return true
	}
	text := err.Error() // net/http has no type for these
	var network net.Error
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &network) {
		return false // the connection broke
	}
	return strings.Contains(text, "transport connection broken") || strings.Contains(text, "malformed HTTP") ||
		strings.Contains(text, "server response headers exceeded") || strings.Contains(text, "server gave HTTP response to HTTPS client")
}

// isElsewhere reports whether a response came from another host than the endpoint's, through a redirect.
func (c *Client) isElsewhere(address *url.URL) bool {
	endpoint, err := url.Parse(c.Endpoint)
	return err != nil || address.Host != endpoint.Host
}

// slowest is how many bytes must arrive within stall: less than the slowest modem sends.
const slowest = 1 << 10

// watched is a body that calls giveUp when fewer than slowest bytes arrive within stall.
type watched struct {
	body  io.Reader
	timer *time.Timer
	stall time.Duration
	since int // bytes since the timer was set
}

func watch(body io.Reader, stall time.Duration, giveUp func()) *watched {
	return &watched{body: body, timer: time.AfterFunc(stall, giveUp), stall: stall}
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.body.Read(p)
	if w.since += n; w.since >= slowest {
		w.timer.Reset(w.stall)
		w.since = 0
	}
	return n, err
}
