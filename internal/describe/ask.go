package describe

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"go.uber.org/zap"

	"ventriloquist/internal/usererr"
)

// How often a request is made before it counts as failed, and how long is waited in between: twice as long each time,
// less a random part so that workers do not come back all at once.
const (
	attempts     = 6
	silentTries  = 3 // of these, how many may get no answer
	firstWait    = time.Second
	longestWait  = time.Minute
	longestAsked = 10 * time.Minute // what a server may ask for; a longer wait ends the run
)

// asker asks a service, and asks again.
type asker struct {
	service Service
	pace    *pace
	clock   clock
	timeout time.Duration // of one request
	log     *zap.Logger
}

// ask returns the answer, or the error of the last attempt. What was billed is counted in any case.
func (a *asker) ask(ctx context.Context, r *Request) (answer Answer, billed Usage, err error) {
	for attempt := range attempts {
		if err := a.pace.wait(ctx); err != nil {
			return Answer{}, billed, err
		}
		asked := time.Now()
		answer, err = a.once(ctx, r)
		a.log.Debug("asked", zap.Duration("took", time.Since(asked)), zap.Bool("answered", err == nil))
		billed.add(answer.Usage)
		if err == nil { // also of a run that is being interrupted: it is paid for
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
				Hint: "run the command again then: what is described so far is kept"}
		}
		if failure.Outlook == Silent && attempt+1 >= silentTries {
			return Answer{}, billed, lastFailure(err, attempt+1)
		}
		wait := max(backoff(attempt), failure.After)
		a.log.Info("asking again", zap.Int("attempt", attempt+1), zap.Bool("throttled", failure.Outlook == Throttled),
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

// once asks once, for as long as a request may take.
func (a *asker) once(ctx context.Context, r *Request) (Answer, error) {
	limited, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	answer, err := a.service.Describe(limited, r)
	if err != nil && ctx.Err() == nil && limited.Err() != nil {
		return answer, &Failure{Outlook: Silent, Message: fmt.Sprintf("the server did not answer within %v", a.timeout),
			Hint: fmt.Sprintf("%v gives it longer", usererr.Option("timeout"))}
	}
	return answer, err
}

// lastFailure says that asking again did not help. A server that keeps asking for patience ends the run: it is no fault of
// the attachment.
func lastFailure(err error, tries int) error {
	var failure *Failure
	if !errors.As(err, &failure) {
		return err
	}
	last := *failure
	last.Message = fmt.Sprintf("%s, %d times", failure.Message, tries)
	if last.Outlook == Throttled {
		last.Outlook = Fatal
		last.Hint = fmt.Sprintf("ask less often with %v, or run the command again later: what is described so far is kept", usererr.Option("rpm"))
	}
	return &last
}

// backoff is how long to wait after an attempt: between the half and the whole of its share.
func backoff(attempt int) time.Duration {
	wait := min(firstWait<<attempt, longestWait)
	return wait/2 + rand.N(wait/2+1)
}

func (u *Usage) add(v Usage) {
	u.Input += v.Input
	u.Sound += v.Sound
	u.Output += v.Output
}

// explained is a failure as an error for the user.
func explained(f *Failure) error {
	if f.Hint == "" {
		return errors.New(f.Message)
	}
	return usererr.With(errors.New(f.Message), "%s", f.Hint)
}
