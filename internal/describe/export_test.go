package describe

import (
	"context"
	"sync"
	"time"

	"ventriloquist/internal/messages"
)

// OneLine, FormatOf, WithoutMetadata and Orientation are exported for tests.
var (
	OneLine         = oneLine
	FormatOf        = formatOf
	WithoutMetadata = withoutMetadata
	Orientation     = orientation
	ExifWith        = exifWith
	RetryAfter      = retryAfter
)

// Clock is a time that passes only in sleeps, which take no real time, and records them.
type Clock struct {
	mu    sync.Mutex
	at    time.Time
	slept []time.Duration
}

// Use makes a run and a service use the clock.
func (c *Clock) Use(p *RunOptions, s Service) {
	c.at = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	k := clock{now: c.now, sleep: c.sleep}
	p.clock = &k
	if g, ok := s.(*Gemini); ok {
		g.clock = k
	}
}

func (c *Clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *Clock) sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
	c.slept = append(c.slept, d)
	return ctx.Err()
}

// Slept returns the length of each sleep.
func (c *Clock) Slept() []time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]time.Duration(nil), c.slept...)
}

// Found returns where the Locator finds a file, "" if nowhere; for a member of a zip, the member.
func (l *Locator) Found(p messages.FilePlace) string {
	f, err := l.find(p)
	switch {
	case err != nil:
		return ""
	case f.member != nil:
		return f.member.Name
	}
	return f.path
}
