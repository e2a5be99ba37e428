package describe

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"ventriloquist/internal/messages"
)

// Medium is a file or a text in a request.
type Medium struct {
	Format string // a MIME type
	Path   string // path of the file
	Size   int64
	Text   string // text of a document, instead of a file
}

// Request asks for the description of one attachment.
type Request struct {
	Kind   messages.Kind
	Media  []Medium
	Frames bool // the media are frames of a video
}

// size returns the number of bytes in the request.
func (r *Request) size() (n int64) {
	for _, m := range r.Media {
		n += m.Size
	}
	return n
}

// Usage is what a request was billed for, in tokens.
type Usage struct {
	Input  int64 // without sound
	Sound  int64
	Output int64
}

// Answer is what a model wrote.
type Answer struct {
	Text  string
	Cut   bool // it reached the maximum length
	Usage Usage
}

// Accepted is what a service accepts.
type Accepted struct {
	Formats map[string]bool
	// Video reports whether it accepts videos; otherwise it gets frames.
	Video bool
	// Sound is the format that other sounds are converted to: FLAC or WAV.
	Sound string
	// Largest is the maximum number of bytes in a request.
	Largest int64
}

// Service is a multimodal model.
type Service interface {
	// Model returns the model's name, and Where the machine it runs on, for people.
	Model() string
	Where() string
	// Local reports whether that is this machine: nothing leaves it then.
	Local() bool
	Accepts() Accepted
	// Describe sends one request. Its errors are [Refusal], [Failure], or the context's; it returns what was billed in any case.
	Describe(ctx context.Context, r *Request) (Answer, error)
}

// Refusal is the error of a model that would not describe an attachment.
type Refusal struct{ Reason string }

func (r *Refusal) Error() string { return "the model refuses: " + r.Reason }

// Outlook is the prospect of another try.
type Outlook int

const (
	// Hopeless: this attachment cannot be described.
	Hopeless Outlook = iota
	// Later: the server is busy or out of order.
	Later
	// Silent is Later without any answer.
	Silent
	// Throttled is Later for all requests to the server.
	Throttled
	// Unsupported: the server accepts no attachments of this kind.
	Unsupported
	// Fatal is about all attachments: the key, the model, the daily quota.
	Fatal
)

// reasonNames matches the names that Google has for reasons.
var reasonNames = regexp.MustCompile(`^[A-Z_]{1,60}$`)

// refusal returns a refusal with the server's reason.
func refusal(reason string) *Refusal {
	if !reasonNames.MatchString(reason) {
		reason = "unknown reason"
	}
	return &Refusal{reason}
}

// Failure is the error of a request.
type Failure struct {
	Outlook Outlook
	Message string
	Hint    string
	Status  int // HTTP status; 0 without an answer
	// After is the wait that the server asks for; 0 if it does not say.
	After time.Duration
}

func (f *Failure) Error() string { return f.Message }

// serverWords returns the part of a server's error message that may be shown: a sentence at most, nothing encoded, and not the
// key. It returns nothing if the request has text, which the message may quote.
func serverWords(message, key string, r *Request) string {
	for _, m := range r.Media {
		if m.Text != "" {
			return ""
		}
	}
	message = plain(strings.ToValidUTF8(message, ""))
	if key != "" {
		message = strings.ReplaceAll(message, key, "…")
	}
	fields := strings.Fields(message)
	for i, f := range fields {
		if utf8.RuneCountInString(f) > 60 {
			fields[i] = "…"
		}
	}
	words := []rune(strings.Join(fields, " "))
	if len(words) > 200 {
		words = append(words[:199], '…')
	}
	if len(words) == 0 {
		return ""
	}
	return ": " + string(words)
}

// statusFailure returns the failure of an HTTP status.
func statusFailure(status int, words string, after time.Duration) *Failure {
	f := &Failure{Message: fmt.Sprintf("the server answered %d%s", status, words), Status: status, After: after}
	switch {
	case status >= 300 && status < 400:
		f.Outlook, f.Hint = Fatal, "it redirects to another server, to which you have not agreed: name that one if you trust it"
	case status == 401 || status == 403:
		f.Outlook, f.Hint = Fatal, "check the key"
	case status == 402:
		f.Outlook, f.Hint = Fatal, "the account has no credit; the descriptions so far are kept"
	case status == 404:
		f.Outlook, f.Hint = Fatal, fmt.Sprintf("check %v and %v", modelOption, endpointOption)
	case status == 413:
		f.Message = "it is too large for the server"
	case status == 429:
		f.Outlook = Throttled
	case status == 408 || status == 409 || status == 425 || status >= 500 && status != 501:
		f.Outlook = Later
	}
	return f
}
