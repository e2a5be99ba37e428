package remote

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"ventriloquist/internal/generate"
	"ventriloquist/internal/usererr"
)

// ErrMalformed is in the errors of messages that the grammar rejects.
var ErrMalformed = errors.New("the server did not write a well-formed message")

// draft is one continuation in progress.
type draft struct {
	server  server
	options *generate.Options
	number  int                             // of the continuation
	whole   bool                            // a message that is cut off is an error
	stream  func(text string) (goesOn bool) // nil: no one listens
	live    bool                            // the stream gets the text as it is written, and not only once the grammar has accepted it

	// Of one try.
	begun time.Time // the first text, which comes with the prompt
	text  []byte    // without what comes after the line
	held  []string  // pieces of it that the stream has not got
	ended bool      // the line
}

// write draws until the grammar accepts what was written.
func (d *draft) write(ctx context.Context, prompt string) (generate.Continuation, error) {
	o := d.options
	if err := Check(o); err != nil {
		return generate.Continuation{}, fmt.Errorf("%w: %w", generate.ErrUnwritten, err)
	}
	r := &request{prompt: withoutSpecialTokens(prompt), options: o}
	if !o.Raw {
		r.grammar = generate.GBNF()
	}
	d.live = o.Raw || d.server.restricts()
	var last reply
	brokenOff := false
	for try := range tries {
		if try > 0 && !brokenOff && (o.Temperature == 0 || d.live) {
			break // the same again, or shown already
		}
		r.seed = seedOf(o.Seed, d.number, try)
		d.begun, d.text, d.held, d.ended = time.Time{}, nil, nil, false
		var err error
		last, err = d.server.complete(ctx, r, d.add)
		if brokenOff = errors.Is(err, errBrokenOff) && !d.live && try+1 < tries; brokenOff {
			continue
		}
		switch {
		case errors.Is(err, errEnough):
			return d.end(last, generate.ByCaller), nil
		case err != nil:
			return generate.Continuation{Text: []byte(last.text)}, err
		case o.Raw && last.reached, !d.whole && last.reached && generate.BeginsLine(d.text):
			return d.end(last, generate.MaxNewTokens), nil
		case o.Raw, generate.IsLine(d.text):
			return d.end(last, generate.EndOfLine), nil
		}
	}
	err := fmt.Errorf("%w: %w: %.200q", generate.ErrUnwritten, ErrMalformed, last.text)
	if last.reached {
		return generate.Continuation{}, usererr.With(err, "it was cut off after %d tokens: raise %v", o.MaxNewTokens, usererr.Option("max_new_tokens"))
	}
	return generate.Continuation{}, usererr.With(err, "use a model that was trained on this form: vqctl export writes one")
}

// add takes what the server has written next.
func (d *draft) add(text string) (goesOn bool) {
	if d.begun.IsZero() {
		d.begun = time.Now()
	}
	if d.ended {
		return true
	}
	if !d.options.SeveralLines {
		text, _, d.ended = strings.Cut(text, "\n")
	}
	if text == "" {
		return true
	}
	d.text = append(d.text, text...)
	if !d.live {
		d.held = append(d.held, text)
		return true
	}
	return d.send(text)
}

func (d *draft) send(text string) (goesOn bool) { return d.stream == nil || d.stream(text) }

// end hands on what was held and returns the continuation.
func (d *draft) end(last reply, stopped generate.StopReason) generate.Continuation {
	for _, text := range d.held {
		if !d.send(text) {
			stopped = generate.ByCaller
			break
		}
	}
	return generate.Continuation{Text: d.text, Tokens: last.tokens, Prompt: last.prompt, Decode: time.Since(d.begun), Stopped: stopped}
}

// seedOf is the seed of a continuation: 31 bits, which every server takes.
func seedOf(seed uint64, continuation, try int) int64 {
	seed ^= seed >> 32
	return int64((seed + uint64(continuation) + uint64(try)<<20) & math.MaxInt32)
}
