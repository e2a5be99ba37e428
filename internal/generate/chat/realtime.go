package chat

import (
	"context"
	"math"
	"math/rand/v2"
	"time"

	"ventriloquist/internal/windows"
)

// delays are the times that a delta stands for, at least and at most.
var delays = map[string][2]time.Duration{
	"<1m": {3 * time.Second, time.Minute}, "<5m": {time.Minute, 5 * time.Minute}, "<1h": {5 * time.Minute, time.Hour},
	"<12h": {time.Hour, 12 * time.Hour}, "<1d": {12 * time.Hour, 24 * time.Hour}, "1d+": {24 * time.Hour, 72 * time.Hour},
}

// announced is a wait that is worth a word.
const announced = 20 * time.Second

// wait waits for as long as the author of m took to write, or until ctx ends.
func (d *Dialogue) wait(ctx context.Context, m *windows.Message) {
	delay := drawDelay(m.Delta, rand.New(rand.NewPCG(d.Sample.Seed+uint64(d.answers), 1<<33)).Float64())
	if delay >= announced {
		d.say("(%s answers%s; Ctrl-C shows it now)", m.Name, later[m.Delta])
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// drawDelay returns a time that a delta stands for, of the same probability per factor: short ones are likelier. mark is from 0 to 1.
func drawDelay(delta string, mark float64) time.Duration {
	least, most := delays[delta][0], delays[delta][1]
	return time.Duration(float64(least) * math.Pow(float64(most)/float64(least), mark))
}
