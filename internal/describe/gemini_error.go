package describe

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"google.golang.org/genai"

	"ventriloquist/internal/usererr"
)

// lastHeaders is what the headers of the last response said; the library's errors do not include it.
type lastHeaders struct {
	status int
	after  time.Duration
}

type keptKey struct{}

func (k *lastHeaders) in(ctx context.Context) context.Context {
	return context.WithValue(ctx, keptKey{}, k)
}

// headerKeeper records response headers.
type headerKeeper struct{ http.RoundTripper }

func (h *headerKeeper) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := h.RoundTripper.RoundTrip(r)
	if k, ok := r.Context().Value(keptKey{}).(*lastHeaders); ok {
		*k = lastHeaders{}
		if err == nil {
			*k = lastHeaders{response.StatusCode, retryAfter(response.Header, time.Now())}
		}
	}
	return response, err
}

// retryAfter parses the Retry-After header: seconds, or a date (RFC 9110, 10.2.3).
func retryAfter(h http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.ParseFloat(value, 64); err == nil && seconds > 0 && seconds < 1e9 {
		return time.Duration(seconds * float64(time.Second))
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

// failure translates an error of the library into words that quote nothing private.
func (g *Gemini) failure(ctx context.Context, k *lastHeaders, r *Request, err error) error {
	var mine *Failure
	var api genai.APIError
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &mine), errors.Is(err, errDamaged):
		return err
	case errors.As(err, &api):
		return g.apiFailure(k, r, &api)
	case k.status >= 300: // the library has lost the details
		return g.apiFailure(k, r, &genai.APIError{Code: k.status})
	case k.status != 0:
		return &Failure{Outlook: Later, Message: "the server's answer is malformed"}
	}
	return unanswered(err)
}

// unanswered is the failure of a request without an answer.
func unanswered(err error) *Failure {
	words := "the connection was lost"
	if known := usererr.Network(err); usererr.IsNetwork(known) {
		words = known.Error()
	}
	return &Failure{Outlook: Silent, Message: "the server does not answer: " + words}
}

// apiFailure reads an error of the API (https://ai.google.dev/gemini-api/docs/troubleshooting).
func (g *Gemini) apiFailure(k *lastHeaders, r *Request, e *genai.APIError) *Failure {
	status := k.status
	if status == 0 {
		status = e.Code
	}
	f := statusFailure(status, serverWords(e.Message, g.key, r), max(k.after, askedDelay(e.Details)))
	switch {
	case isKeyError(e) || status == 401 || status == 403:
		f.Outlook, f.Hint = Fatal, "check GEMINI_API_KEY; create a key at https://aistudio.google.com/apikey"
	case status == 404:
		f.Hint = fmt.Sprintf("%v must name a Gemini model; the default is %s", modelOption, DefaultModel)
	case status == 400 && e.Status == "FAILED_PRECONDITION":
		f.Outlook, f.Hint = Fatal, "the API is not available to this account or in this country"
	case status == 429 && isDaily(e.Details):
		f.Outlook, f.Hint = Fatal, "today's quota is used up: run the command again tomorrow, the descriptions so far are kept"
	}
	return f
}

// isKeyError reports whether the key is wrong, which the API calls an invalid argument.
func isKeyError(e *genai.APIError) bool {
	for _, d := range e.Details {
		if reason, _ := d["reason"].(string); reason == "API_KEY_INVALID" || reason == "API_KEY_EXPIRED" {
			return true
		}
	}
	return strings.Contains(e.Message, "API key not valid") || strings.Contains(e.Message, "API key expired")
}

// askedDelay returns the delay in a google.rpc.RetryInfo.
func askedDelay(details []map[string]any) time.Duration {
	for _, d := range details {
		if delay, ok := d["retryDelay"].(string); ok {
			if wait, err := time.ParseDuration(delay); err == nil {
				return max(0, wait)
			}
		}
	}
	return 0
}

// isDaily reports whether a google.rpc.QuotaFailure names a daily quota.
func isDaily(details []map[string]any) bool {
	for _, d := range details {
		violations, _ := d["violations"].([]any)
		for _, v := range violations {
			violation, _ := v.(map[string]any)
			if id, _ := violation["quotaId"].(string); strings.Contains(id, "PerDay") {
				return true
			}
		}
	}
	return false
}
