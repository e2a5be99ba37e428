package main

import (
	"fmt"
	"io"
	"strings"
)

// A setup is a row of the table: machines with GPUs, and how they exchange.
type setup struct {
	name               string
	machines, perNode  int
	network, link      float64 // bytes per second and direction that an exchange reaches
	adapter            float64 // bytes of its parameters, and of the gradient, in f32
	rounds             int     // micro-batches per rank and step
	eachRound, overlap bool
	gradientBytes      float64 // per parameter
}

// The rates that exchanges are assumed to reach, in bytes per second and direction.
const (
	nvlink4 = 0.8 * 450e9
	gbe100  = 0.9 * 12.5e9
	gbe10   = 0.9 * 1.25e9
)

// Qwen3-8B on an H100 in bf16, windows of 4,096 tokens: one per micro-batch. All three are reasoned, not measured.
const (
	microBatch = 0.291
	adamW      = 0.0037 // of the whole adapter of rank 128
	rank128    = 1.396e9
	rank32     = rank128 / 4
)

// exchange returns the times of a setup's exchanges. In one order, each rank sends every other rank a slice of the gradient of every
// micro-batch. Summed once per step, a machine's ranks first sum among themselves, and each machine sends every other one a slice.
func (s setup) exchange() Exchange {
	ranks, k := float64(s.machines*s.perNode), float64(s.perNode)
	gradient := s.adapter * s.gradientBytes / 4
	sent := func(bytes float64, direct bool) float64 {
		network := k * (ranks - k) / ranks * bytes
		if !direct {
			network = (ranks - k) / ranks * bytes
		}
		seconds := (k - 1) / ranks * bytes / s.link
		if !direct {
			seconds = (k - 1) / k * bytes / s.link
		}
		if s.machines > 1 {
			seconds = max(seconds, network/s.network)
		}
		return seconds
	}
	return Exchange{Gradient: sent(gradient, s.eachRound), Parameters: sent(s.adapter, s.eachRound)}
}

func (s setup) timeline() Timeline {
	ranks := s.machines * s.perNode
	t := Timeline{Exchange: s.exchange(), Update: adamW * s.adapter / rank128 / float64(ranks), EachRound: s.eachRound, Overlap: s.overlap}
	for range ranks {
		list := make([]float64, s.rounds)
		for i := range list {
			list[i] = microBatch
		}
		t.MicroBatches = append(t.MicroBatches, list)
	}
	return t
}

// setups are the rows of docs/scaling.md.
func setups() (list []setup) {
	add := func(name string, machines, perNode int, network float64, adapter float64, rounds int, eachRound, overlap bool, gradientBytes float64) {
		list = append(list, setup{name, machines, perNode, network, nvlink4, adapter, rounds, eachRound, overlap, gradientBytes})
	}
	add("8 GPUs, NVLink", 1, 8, 0, rank128, 1, true, false, 4)
	add("8 GPUs, NVLink", 1, 8, 0, rank32, 1, true, false, 4)
	add("4 machines of 1 GPU, 100 GbE", 4, 1, gbe100, rank128, 8, true, false, 4)
	add("4 machines of 1 GPU, 100 GbE", 4, 1, gbe100, rank32, 8, true, false, 4)
	add("4 machines of 1 GPU, 100 GbE", 4, 1, gbe100, rank128, 8, true, true, 4)
	add("4 machines of 1 GPU, 100 GbE", 4, 1, gbe100, rank128, 8, false, false, 4)
	add("4 machines of 8 GPUs, 100 GbE", 4, 8, gbe100, rank128, 8, true, false, 4)
	add("4 machines of 8 GPUs, 100 GbE", 4, 8, gbe100, rank128, 8, false, false, 4)
	add("4 machines of 8 GPUs, 100 GbE", 4, 8, gbe100, rank32, 8, false, false, 4)
	add("4 machines of 1 GPU, 10 GbE", 4, 1, gbe10, rank32, 8, true, false, 4)
	add("4 machines of 1 GPU, 10 GbE", 4, 1, gbe10, rank32, 8, false, false, 2)
	add("4 machines of 1 GPU, 10 GbE", 4, 1, gbe10, rank128, 8, false, false, 2)
	add("4 machines of 1 GPU, 10 GbE", 4, 1, gbe10, rank128, 32, false, false, 2)
	return list
}

// writeTable prints the table in Markdown.
func writeTable(out io.Writer) {
	fmt.Fprintln(out, "| machines | r | micro-batches per GPU | gradients are summed | exchange, ms | step, s | efficiency |")
	fmt.Fprintln(out, "|---|---|---|---|---|---|---|")
	for _, s := range setups() {
		e, replay := s.exchange(), s.timeline().Replay()
		fmt.Fprintf(out, "| %s | %.0f | %d | %s | %.3g + %.3g | %.3g | %.1f%% |\n", s.name, s.adapter/rank128*128, s.rounds, s.order(),
			1000*e.Gradient, 1000*e.Parameters, replay.Seconds, 100*replay.Efficiency())
	}
}

// order says how gradients are summed.
func (s setup) order() string {
	words := []string{"once per step"}
	if s.eachRound {
		words[0] = "each round"
	}
	if s.overlap {
		words = append(words, "overlapped")
	}
	if s.gradientBytes == 2 {
		words = append(words, "in bf16")
	}
	return strings.Join(words, ", ")
}
