// Scaling works out how fast several processes train together, from times that were measured on one: it replays them as a timeline.
//
//	go run ./scripts/scaling              prints the table of docs/scaling.md
//	go run ./scripts/scaling TIMES        replays measured times; see measured.go for the file
package main

// An Exchange is the time in which all ranks have each other's data: the same for all, from the moment when the last is ready.
type Exchange struct {
	Gradient   float64 // seconds, after a round of micro-batches or after the step's last
	Parameters float64 // seconds, after the update
}

// A Timeline is one optimizer step of several ranks.
type Timeline struct {
	MicroBatches [][]float64 // by rank: the seconds of each of its micro-batches
	Exchange     Exchange
	Update       float64 // seconds of a rank's part of AdamW
	// EachRound: gradients are exchanged after every round of micro-batches, so that they are summed in one order; otherwise once per
	// step, after each rank has summed its own.
	EachRound bool
	// Overlap: the exchange of a round runs while the next round computes.
	Overlap bool
}

// A Replay is what came of a timeline.
type Replay struct {
	Seconds float64
	Alone   float64   // what one rank would need for all micro-batches, and for the whole update
	Waited  []float64 // by rank: seconds without work before the last exchange began
}

// Efficiency is the share of the ranks' time that one rank alone would need.
func (r Replay) Efficiency() float64 { return r.Alone / (r.Seconds * float64(len(r.Waited))) }

// Replay plays the step. A rank with fewer micro-batches than others has none in the last rounds.
func (t Timeline) Replay() Replay {
	ranks := len(t.MicroBatches)
	r := Replay{Waited: make([]float64, ranks), Alone: t.Update * float64(ranks)}
	rounds := 0
	for _, list := range t.MicroBatches {
		rounds = max(rounds, len(list))
		for _, seconds := range list {
			r.Alone += seconds
		}
	}
	free := make([]float64, ranks) // when each rank has computed what it has begun
	sent := 0.0                    // when the exchange before has ended
	for round := range rounds {
		if t.EachRound && !t.Overlap && round > 0 {
			wait(free, sent, r.Waited)
		}
		for rank, list := range t.MicroBatches {
			if round < len(list) {
				free[rank] += list[round]
			}
		}
		if ranks > 1 && (t.EachRound || round == rounds-1) {
			sent = max(sent, latest(free)) + t.Exchange.Gradient
		}
	}
	wait(free, sent, r.Waited)
	r.Seconds = latest(free) + t.Update
	if ranks > 1 {
		r.Seconds += t.Exchange.Parameters
	}
	return r
}

// wait lets all ranks wait until a moment.
func wait(free []float64, until float64, waited []float64) {
	for rank := range free {
		if free[rank] < until {
			waited[rank] += until - free[rank]
			free[rank] = until
		}
	}
}

func latest(times []float64) (last float64) {
	for _, t := range times {
		last = max(last, t)
	}
	return last
}
