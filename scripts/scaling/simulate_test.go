package main

import (
	"math"
	"os"
	"strings"
	"testing"

	"ventriloquist/internal/load/memplan"
)

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-9*max(math.Abs(a), math.Abs(b), 1e-9) }

func TestReplay_ConstructedCases(t *testing.T) {
	t.Parallel()
	exchange := Exchange{Gradient: 1, Parameters: 0.5}
	for _, c := range []struct {
		name    string
		t       Timeline
		seconds float64
		waited  []float64
	}{
		{"one rank only computes", Timeline{MicroBatches: [][]float64{{2, 3}}, Exchange: exchange, EachRound: true, Update: 0.25}, 5.25, []float64{0}},
		{"free exchange of equal ranks", Timeline{MicroBatches: [][]float64{{2, 2}, {2, 2}}, EachRound: true}, 4, []float64{0, 0}},
		{"each round is exchanged", Timeline{MicroBatches: [][]float64{{2, 2}, {2, 2}}, Exchange: exchange, EachRound: true}, 2 + 1 + 2 + 1 + 0.5, []float64{2, 2}},
		{"once per step", Timeline{MicroBatches: [][]float64{{2, 2}, {2, 2}}, Exchange: exchange}, 4 + 1 + 0.5, []float64{1, 1}},
		{"overlap hides all but the last", Timeline{MicroBatches: [][]float64{{2, 2}, {2, 2}}, Exchange: exchange, EachRound: true, Overlap: true}, 4 + 1 + 0.5, []float64{1, 1}},
		{"the exchange binds where it is longer", Timeline{MicroBatches: [][]float64{{2, 2}, {2, 2}}, Exchange: Exchange{Gradient: 5}, EachRound: true, Overlap: true}, 2 + 5 + 5, []float64{8, 8}},
		{"all wait for a slow rank", Timeline{MicroBatches: [][]float64{{2, 2}, {3, 3}}, EachRound: true}, 6, []float64{2, 0}},
		{"slow in turn: once per step hides it", Timeline{MicroBatches: [][]float64{{2, 3}, {3, 2}}}, 5, []float64{0, 0}},
		{"slow in turn: each round does not", Timeline{MicroBatches: [][]float64{{2, 3}, {3, 2}}, EachRound: true}, 6, []float64{1, 1}},
		{"a rank without a micro-batch waits", Timeline{MicroBatches: [][]float64{{2, 2}, {2}}, EachRound: true}, 4, []float64{0, 2}},
	} {
		r := c.t.Replay()
		if !near(r.Seconds, c.seconds) {
			t.Errorf("%s: %v s, want %v", c.name, r.Seconds, c.seconds)
		}
		for rank, want := range c.waited {
			if !near(r.Waited[rank], want) {
				t.Errorf("%s: rank %d waited %v s, want %v", c.name, rank, r.Waited[rank], want)
			}
		}
	}
}

// The planner's formula and the timeline agree where both apply.
func TestReplay_AgreesWithThePlanner(t *testing.T) {
	t.Parallel()
	for _, s := range setups() {
		if !s.eachRound || s.overlap {
			continue
		}
		timeline := s.timeline()
		timeline.Update = 0
		cluster := memplan.Cluster{Machines: s.machines, PerMachine: s.perNode, Network: s.network / 0.9, Link: s.link / 0.8}
		step := cluster.Step(microBatch, s.rounds*s.machines*s.perNode, uint64(s.adapter))
		if got := timeline.Replay().Seconds; math.Abs(got-step.Seconds()) > 1e-6*got {
			t.Errorf("%s, %d rounds: %v s, the planner says %v", s.name, s.rounds, got, step.Seconds())
		}
	}
}

func TestTable_IsInTheDocument(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/scaling.md")
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	writeTable(&table)
	if !strings.Contains(string(page), table.String()) {
		t.Errorf("docs/scaling.md has another table; go run ./scripts/scaling prints:\n%s", table.String())
	}
}
