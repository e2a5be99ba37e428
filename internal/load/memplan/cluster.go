package memplan

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// A Cluster is the machines of a run of several processes, one per GPU. Rates are bytes per second in one direction.
type Cluster struct {
	Machines, PerMachine int
	Network              float64 // of a machine, to the others
	Link                 float64 // of a GPU, to the others of its machine
}

// Ranks is the number of processes, 0 for a run that is no cluster's.
func (c Cluster) Ranks() int { return c.Machines * c.PerMachine }

// The shares of published rates that an exchange is assumed to reach. NCCL's tests report 360 to 370 GB/s on NVLink of 450.
const (
	networkShare = 0.9
	linkShare    = 0.8
)

// Link returns the published rate, in bytes per second and direction, between two cards of a machine: of NVLink where every
// pair of cards of the product has it, else of PCIe.
func (g GPU) Link() (rate float64, name string) {
	const giga = 1e9
	switch g.Name {
	case "b200":
		return 900 * giga, "NVLink 5"
	case "h100", "h200", "h20", "gh200":
		return 450 * giga, "NVLink 4"
	case "a100", "a100-40gb":
		return 300 * giga, "NVLink 3"
	case "h100-pcie", "h100-nvl", "h200-nvl", "rtx5080", "rtx5090":
		return 63 * giga, "PCIe 5 x16"
	}
	if strings.HasPrefix(g.Name, "rtx-pro-") {
		return 63 * giga, "PCIe 5 x16"
	}
	return 31.5 * giga, "PCIe 4 x16"
}

var networkPattern = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?)\s*(?i:(m|g|t)(?:bit/s|b/s|bps|bit|b|be|e)?)$`)

// ParseNetwork parses the rate of a network as its makers write it, in bits: 100g, 10GbE, 400Gb/s, 800m. It returns bytes per second.
func ParseNetwork(text string) (float64, error) {
	parts := networkPattern.FindStringSubmatch(strings.TrimSpace(text))
	if parts == nil {
		return 0, fmt.Errorf("%q is not the rate of a network", text)
	}
	rate, err := strconv.ParseFloat(parts[1], 64)
	unit := map[string]float64{"m": 1e6, "g": 1e9, "t": 1e12}[strings.ToLower(parts[2])]
	if bytes := rate * unit / 8; err == nil && bytes >= 1e5 && bytes <= 1e13 {
		return bytes, nil
	}
	return 0, fmt.Errorf("%q is out of range", text)
}

// A ClusterStep is the time of an optimizer step of several processes.
type ClusterStep struct {
	Ranks   int     `json:"processes"`
	Rounds  int     `json:"rounds"`       // micro-batches that a process computes
	Idle    int     `json:"idle"`         // processes without a micro-batch in the last round
	Compute float64 `json:"compute"`      // seconds
	Network float64 `json:"network"`      // seconds that exchanges take on the network
	Link    float64 `json:"link"`         // the same between the GPUs of a machine
	Bytes   float64 `json:"bytes_sent"`   // by a machine to others, per step
	Speedup float64 `json:"times_of_one"` // how often as fast as one process
}

// Seconds is the time of the step: computing, and then exchanging, which does not overlap. The network and the links work at the same
// time.
func (s ClusterStep) Seconds() float64 { return s.Compute + s.Exchange() }

// Exchange is the time of the exchanges.
func (s ClusterStep) Exchange() float64 { return max(s.Network, s.Link) }

// Efficiency is the share of the processes' time that one process alone would need for the same work.
func (s ClusterStep) Efficiency() float64 { return s.Speedup / float64(s.Ranks) }

// Limit says what keeps the step from being as fast as there are processes.
func (s ClusterStep) Limit() string {
	idle := float64(s.Idle) / float64(s.Ranks*s.Rounds) * s.Compute
	switch {
	case s.Exchange() < s.Compute/20 && idle < s.Compute/20:
		return "the GPUs' arithmetic"
	case idle > s.Exchange():
		return "GPUs without a micro-batch"
	case s.Network > s.Link:
		return "the network between the machines"
	}
	return "the links between the GPUs of a machine"
}

// Step plans a step of this many micro-batches, of so many seconds each, with an adapter of so many bytes. The engine deals
// micro-batches to the ranks in turn. After each round of them every rank sends each other rank that rank's slice of the gradient;
// after the step, its own slice of the parameters.
func (c Cluster) Step(microBatch float64, microBatches int, adapter uint64) ClusterStep {
	ranks := c.Ranks()
	rounds := (microBatches + ranks - 1) / ranks
	s := ClusterStep{Ranks: ranks, Rounds: rounds, Idle: rounds*ranks - microBatches, Compute: float64(rounds) * microBatch}
	slice := float64(adapter) / float64(ranks)
	exchanges := float64(rounds + 1)
	s.Bytes = exchanges * float64(c.PerMachine*(ranks-c.PerMachine)) * slice
	if s.Bytes > 0 {
		s.Network = s.Bytes / (c.Network * networkShare)
	}
	if c.PerMachine > 1 {
		s.Link = exchanges * float64(c.PerMachine-1) * slice / (c.Link * linkShare)
	}
	s.Speedup = float64(microBatches) * microBatch / s.Seconds()
	return s
}
