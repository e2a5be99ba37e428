package terminal

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

// Unit is what a Bar counts, in the plural.
type Unit string

// ByteUnit makes a Bar show KiB, MiB and GiB.
const ByteUnit Unit = "B"

// Bar shows how much of a job is done, how fast it goes and how long it will still take.
type Bar struct {
	line  *Line
	unit  Unit
	begun time.Time

	mu          sync.Mutex
	title       string
	done, total int64
	meter       meter
}

// NewBar shows a bar until Finish is called.
func (s *Screen) NewBar(title string, unit Unit) *Bar {
	b := &Bar{title: title, unit: unit, begun: time.Now()}
	b.line = s.Show(b.render)
	return b
}

// Set sets the amount done, and the total, 0 if unknown.
func (b *Bar) Set(done, total int64) {
	if !b.line.screen.Live() {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.done, b.total = done, total
	b.meter.add(time.Now(), done)
}

// Skip notes that n of what Set counts from now on were done before: they do not count as speed.
func (b *Bar) Skip(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range b.meter.points {
		b.meter.points[i].done += n
	}
}

// SetTitle changes the title.
func (b *Bar) SetTitle(title string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.title = title
}

// Finish removes the bar.
func (b *Bar) Finish() { b.line.End() }

// render returns title, bar, share, amounts, rate and time left; without a total the time since the beginning.
func (b *Bar) render(now time.Time, cells int) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	elapsed := Duration(now.Sub(b.begun))
	rate, speed := b.meter.rate(now), ""
	if rate > 0 {
		speed = Rate(rate, b.unit)
	}
	title := Part{b.title, 0}
	if b.total <= 0 {
		amount := ""
		if b.done > 0 {
			amount = Amount(b.done, b.unit)
			if b.unit != ByteUnit {
				amount += " " + string(b.unit)
			}
		}
		return Fit(cells, title, Part{amount, 1}, Part{speed, 3}, Part{elapsed, 2})
	}
	share := min(float64(b.done)/float64(b.total), 1)
	left := elapsed
	if rate > 0 {
		seconds := float64(b.total-b.done) / rate
		left = Duration(time.Duration(seconds*float64(time.Second))) + " left"
	}
	parts := []Part{title, {fmt.Sprintf("%3.0f%%", 100*share), 2}, {Amount(b.done, b.unit) + "/" + Amount(b.total, b.unit), 1}, {speed, 4}, {left, 3}}
	room := cells - Width(Fit(1<<20, parts...)) - len(partGap) - len("[]")
	if room < narrowest {
		return Fit(cells, parts...)
	}
	graphic := Part{"[" + drawing(share, min(room, widest)) + "]", 5}
	return Fit(cells, append([]Part{title, graphic}, parts[1:]...)...)
}

// Cells of a bar without its brackets.
const narrowest, widest = 8, 40

func drawing(share float64, cells int) string {
	full := int(share * float64(cells))
	return strings.Repeat("#", full) + strings.Repeat(".", cells-full)
}

// meter measures the rate of a count over the last seconds. What is there at the first report was not done now.
type meter struct{ points []point }

type point struct {
	at   time.Time
	done int64
}

// meterSpan is the time that a rate is measured over, longer if reports are rarer.
const meterSpan = 10 * time.Second

func (m *meter) add(at time.Time, done int64) {
	n := len(m.points)
	if n > 0 && done < m.points[n-1].done {
		m.points, n = nil, 0 // counted anew
	}
	if n >= 2 && at.Sub(m.points[n-2].at) < redraw {
		m.points[n-1] = point{at, done}
		return
	}
	m.points = append(m.points, point{at, done})
	for len(m.points) > 2 && at.Sub(m.points[1].at) > meterSpan {
		m.points = m.points[1:]
	}
}

// rate returns the units per second, 0 if not known yet.
func (m *meter) rate(now time.Time) float64 {
	if len(m.points) < 2 {
		return 0
	}
	first, last := m.points[0], m.points[len(m.points)-1]
	span := max(last.at.Sub(first.at), now.Sub(first.at)).Seconds()
	if span <= 0 {
		return 0
	}
	return float64(last.done-first.done) / span
}
