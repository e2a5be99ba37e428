package describe

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"go.uber.org/zap"

	"ventriloquist/internal/usererr"
)

// Number of attempts before a request counts as failed, and the waits between them: twice as long each time, minus a random
// part so that workers do not retry at the same time.
const (
	attempts     = 6
	silentTries  = 3 // how many of these may get no answer
	firstWait    = time.Second
	longestWait  = time.Minute
	longestAsked = 10 * time.Minute // the longest wait that a server may ask for; a longer one ends the run
)

// asker sends requests to a service, and retries.
type asker struct {
	service Service
	pace    *rateLimiter
	clock   clock
	timeout time.Duration // per request
	log     *zap.Logger
}

// ask returns the answer, or the error of the last attempt. It counts what was billed in any case.
func (a *asker) ask(ctx context.Context, r *Request) (answer Answer, billed Usage, err error) {
	for attempt := range attempts {
		if err := a.pace.wait(ctx); err != nil {
			return Answer{}, billed, err
		}
		asked := time.Now()
		answer, err = a.once(ctx, r)
		a.log.Debug("asked", zap.Duration("took", time.Since(asked)), zap.Bool("answered", err == nil))
		billed.add(answer.Usage)
		if err == nil { // even if the run is being interrupted: the answer is paid for
			return answer, billed, nil
		}
		if ctx.Err() != nil {
			return Answer{}, billed, ctx.Err()
		}
		var failure *Failure
		if !errors.As(err, &failure) {
			return Answer{}, billed, err
		}
		if failure.Outlook != Later && failure.Outlook != Silent && failure.Outlook != Throttled {
			return Answer{}, billed, err
		}
		if failure.After > longestAsked {
			return Answer{}, billed, &Failure{Outlook: Fatal, Message: fmt.Sprintf("the server asks to wait %v", failure.After.Round(time.Second)),
				Hint: "run the command again then: the descriptions so far are kept"}
		}
		if failure.Outlook == Silent && attempt+1 >= silentTries {
			return Answer{}, billed, lastFailure(err, attempt+1)
		}
		wait := max(backoff(attempt), failure.After)
		a.log.Info("retrying", zap.Int("attempt", attempt+1), zap.Bool("throttled", failure.Outlook == Throttled),
			zap.Bool("no_answer", failure.Outlook == Silent), zap.Duration("after", wait))
		if failure.Outlook == Throttled {
			a.pace.hold(wait)
		} else if attempt+1 < attempts {
			if err := a.clock.sleep(ctx, wait); err != nil {
				return Answer{}, billed, err
			}
		}
	}
	return Answer{}, billed, lastFailure(err, attempts)
}

// once sends the request once, with the timeout of a request.
func (a *asker) once(ctx context.Context, r *Request) (Answer, error) {
	limited, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	answer, err := a.service.Describe(limited, r)
	if err != nil && ctx.Err() == nil && limited.Err() != nil {
		return answer, &Failure{Outlook: Silent, Message: fmt.Sprintf("the server did not answer within %v", a.timeout),
			Hint: fmt.Sprintf("raise %v", usererr.Option("timeout"))}
	}
	return answer, err
}

// lastFailure returns the error after the last attempt. If the server keeps throttling, the error ends the run, because the
// attachment is not to blame.
func lastFailure(err error, tries int) error {
	var failure *Failure
	if !errors.As(err, &failure) {
		return err
	}
	last := *failure
	last.Message = fmt.Sprintf("%s, %d times", failure.Message, tries)
	if last.Outlook == Throttled {
		last.Outlook = Fatal
		last.Hint = fmt.Sprintf("lower %v, or run the command again later: the descriptions so far are kept", usererr.Option("rpm"))
	}
	return &last
}

// backoff returns the wait after an attempt: between half and all of its maximum.
func backoff(attempt int) time.Duration {
	wait := min(firstWait<<attempt, longestWait)
	return wait/2 + rand.N(wait/2+1)
}

// add adds what one request was billed for. The numbers are a server's, which may be wrong: sums stay in range.
func (u *Usage) add(v Usage) {
	const most = 1 << 40
	for _, n := range []struct {
		sum  *int64
		more int64
	}{{&u.Input, v.Input}, {&u.Sound, v.Sound}, {&u.Output, v.Output}} {
		*n.sum = min(*n.sum+min(max(n.more, 0), most), math.MaxInt64-most)
	}
}

// withAdvice returns a failure as an error with advice.
func withAdvice(f *Failure) error {
	if f.Hint == "" {
		return errors.New(f.Message)
	}
	return usererr.With(errors.New(f.Message), "%s", f.Hint)
}
