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

// Medium is a file, or words, that a request shows to the model.
type Medium struct {
	Format string // a MIME type
	Path   string // of the file
	Size   int64
	Text   string // the words of a document, instead of a file
}

// Request asks for the words of one attachment.
type Request struct {
	Kind   messages.Kind
	Media  []Medium
	Frames bool // of a video, instead of the video
}

// size is how many bytes it carries.
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
	Cut   bool // its length was at its limit
	Usage Usage
}

// Takes says what a service takes as it is.
type Takes struct {
	Formats map[string]bool
	// Video is whether it takes videos at all; if not, it is shown frames of one.
	Video bool
	// Sound is what others are turned into: FLAC or WAV.
	Sound string
	// Largest is how many bytes a request may carry.
	Largest int64
}

// Service is a model that looks and listens.
type Service interface {
	// Model is the model's name, and Where whose machine it runs on, for people.
	Model() string
	Where() string
	// Local is whether that is this machine: then nothing leaves it.
	Local() bool
	Takes() Takes
	// Describe asks once. Its errors are [Refusal] and [Failure], or the context's; what was billed is told in any case.
	Describe(ctx context.Context, r *Request) (Answer, error)
}

// Refusal is an error: the model would not describe it.
type Refusal struct{ Reason string }

func (r *Refusal) Error() string { return "the model refuses: " + r.Reason }

// Outlook is what to expect of asking again.
type Outlook int

const (
	// Hopeless is about this attachment: it will not be described.
	Hopeless Outlook = iota
	// Later may do: the server is busy or out of order.
	Later
	// Silent is Later where no answer came at all.
	Silent
	// Throttled is Later for all that is asked of the server.
	Throttled
	// Untaken is about attachments of its kind: the server takes none.
	Untaken
	// Fatal is about all attachments: the key, the model, the quota of the day.
	Fatal
)

// reasonNames are how Google names reasons.
var reasonNames = regexp.MustCompile(`^[A-Z_]{1,60}$`)

// refusal is one for a reason that the server names.
func refusal(reason string) *Refusal {
	if !reasonNames.MatchString(reason) {
		reason = "for another reason"
	}
	return &Refusal{reason}
}

// Failure is an error of a request.
type Failure struct {
	Outlook Outlook
	Message string
	Hint    string
	Status  int // of HTTP, 0 if there was no answer
	// After is how long the server asks to wait, 0 if it does not say.
	After time.Duration
}

func (f *Failure) Error() string { return f.Message }

// serverWords are words of a server's error message that may be shown: no more than a sentence, nothing that is encoded,
// and not the key. What a message says to a request with words in it is not shown, for it may quote them.
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

// statusFailure is the failure that an HTTP status stands for.
func statusFailure(status int, words string, after time.Duration) *Failure {
	f := &Failure{Message: fmt.Sprintf("the server answered %d%s", status, words), Status: status, After: after}
	switch {
	case status >= 300 && status < 400:
		f.Outlook, f.Hint = Fatal, "it points to another server, which nobody agreed to: name that one, if it is meant"
	case status == 401 || status == 403:
		f.Outlook, f.Hint = Fatal, "check the key"
	case status == 402:
		f.Outlook, f.Hint = Fatal, "the account has no credit: what is described so far is kept"
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
