package memplan

import (
	"math"
	"testing"
)

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-9*max(math.Abs(a), math.Abs(b)) }

func TestCluster_StepByHand(t *testing.T) {
	t.Parallel()
	// Two machines with two GPUs: a rank sends three slices of 250 bytes, two of them to the other machine. Four exchanges.
	c := Cluster{Machines: 2, PerMachine: 2, Network: 100 / networkShare, Link: 50 / linkShare}
	s := c.Step(10, 12, 1000)
	if s.Rounds != 3 || s.Idle != 0 || !near(s.Compute, 30) {
		t.Errorf("%+v: want 3 rounds of 10 s", s)
	}
	if want := 4.0 * 2 * 2 * 250; !near(s.Bytes, want) || !near(s.Network, want/100) {
		t.Errorf("%+v: want %v bytes per machine", s, want)
	}
	if want := 4.0 * 250 / 50; !near(s.Link, want) || !near(s.Seconds(), 30+40) || !near(s.Speedup, 120.0/70) || !near(s.Efficiency(), 30.0/70) {
		t.Errorf("%+v: want %v s on the links, 70 s in all", s, want)
	}
	if s.Limit() != "the network between the machines" {
		t.Error(s.Limit())
	}
}

func TestCluster_StepOfOneMachineUsesNoNetwork(t *testing.T) {
	t.Parallel()
	s := Cluster{Machines: 1, PerMachine: 8, Link: 450e9}.Step(0.3, 8, 1<<30)
	if s.Network != 0 || s.Bytes != 0 || s.Efficiency() < 0.95 || s.Limit() != "the GPUs' arithmetic" {
		t.Errorf("%+v, %s", s, s.Limit())
	}
}

func TestCluster_StepCountsIdleRanks(t *testing.T) {
	t.Parallel()
	s := Cluster{Machines: 1, PerMachine: 8, Link: 450e9}.Step(1, 9, 1000)
	if s.Rounds != 2 || s.Idle != 7 || s.Limit() != "GPUs without a micro-batch" || !near(math.Round(s.Speedup*100), 450) {
		t.Errorf("%+v, %s", s, s.Limit())
	}
}

func TestParseNetwork(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]float64{
		"100g": 12.5e9, "100G": 12.5e9, "10GbE": 1.25e9, "400 Gb/s": 50e9, "25gbit/s": 3.125e9, "800m": 1e8, "1.6t": 2e11, "2.5Gbps": 312.5e6,
	} {
		if got, err := ParseNetwork(text); err != nil || !near(got, want) {
			t.Errorf("%s: %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "100", "g", "-1g", "0g", "100x", "9999999999g", "1e9g"} {
		if got, err := ParseNetwork(text); err == nil {
			t.Errorf("%q: accepted as %v", text, got)
		}
	}
}

func TestGPU_LinkIsKnownForEveryCard(t *testing.T) {
	t.Parallel()
	for _, g := range GPUs {
		if rate, name := g.Link(); rate < 30e9 || rate > 900e9 || name == "" {
			t.Errorf("%s: %v, %q", g.Name, rate, name)
		}
	}
}
