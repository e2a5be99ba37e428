package describe

import (
	"context"
	"sync"
	"time"
)

// rateLimiter limits the requests of all workers to a number per minute, and stops them while the server asks everyone to wait.
type rateLimiter struct {
	clock clock
	gap   time.Duration // between the starts of two requests

	mu   sync.Mutex
	next time.Time // earliest start of the next request
}

func newRateLimiter(c clock, perMinute int) *rateLimiter {
	p := &rateLimiter{clock: c}
	if perMinute > 0 {
		p.gap = time.Minute / time.Duration(perMinute)
	}
	return p
}

// wait returns when a request may start.
func (p *rateLimiter) wait(ctx context.Context) error {
	for {
		p.mu.Lock()
		now := p.clock.now()
		delay := p.next.Sub(now)
		if delay <= 0 {
			p.next = now.Add(p.gap)
			p.mu.Unlock()
			return ctx.Err()
		}
		p.mu.Unlock()
		if err := p.clock.sleep(ctx, delay); err != nil {
			return err
		}
	}
}

// hold delays all requests.
func (p *rateLimiter) hold(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if until := p.clock.now().Add(d); until.After(p.next) {
		p.next = until
	}
}

// clock is the time; tests replace it.
type clock struct {
	now   func() time.Time
	sleep func(context.Context, time.Duration) error
}

var wallClock = clock{now: time.Now, sleep: func(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}}
