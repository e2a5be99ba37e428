package describe

import (
	"context"
	"sync"
	"time"
)

// pace spaces requests of many workers so that no more than so many are begun in a minute, and none while the server
// asks everybody to wait.
type pace struct {
	clock clock
	gap   time.Duration // between the beginnings of two requests

	mu   sync.Mutex
	next time.Time // when the next request may begin
}

func newPace(c clock, perMinute int) *pace {
	p := &pace{clock: c}
	if perMinute > 0 {
		p.gap = time.Minute / time.Duration(perMinute)
	}
	return p
}

// wait returns when a request may begin.
func (p *pace) wait(ctx context.Context) error {
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

// hold makes everybody wait.
func (p *pace) hold(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if until := p.clock.now().Add(d); until.After(p.next) {
		p.next = until
	}
}

// clock is the time, which tests make their own.
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
