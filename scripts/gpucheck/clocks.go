package main

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// sample is a line of nvidia-smi.
type sample struct {
	clock, power, temperature, memory float64 // MHz, W, °C, MiB
	reasons                           uint64  // why clocks are not higher
}

// watch samples the GPU's clocks and power twice a second until the result is called, which says what was seen.
func (m machine) watch() func() string {
	if m.GPU == "" {
		return func() string { return "" }
	}
	ctx, cancel := context.WithCancel(context.Background())
	var samples []sample
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		query := command{args: []string{"nvidia-smi", "--query-gpu=clocks.sm,power.draw,temperature.gpu,memory.used," + m.reasons,
			"--format=csv,noheader,nounits", "-i", m.index, "-lms", "500"}}
		_ = execute(ctx, query, func(line string) {
			if s, ok := parseSample(line); ok {
				samples = append(samples, s)
			}
		})
	}()
	return func() string {
		cancel()
		select {
		case <-ended:
			return summary(samples)
		case <-time.After(2 * killGrace):
			return "nvidia-smi does not answer"
		}
	}
}

func parseSample(line string) (sample, bool) {
	fields := strings.Split(line, ", ")
	if len(fields) != 5 {
		return sample{}, false
	}
	var s sample
	for i, to := range []*float64{&s.clock, &s.power, &s.temperature, &s.memory} {
		value, err := strconv.ParseFloat(strings.TrimSpace(fields[i]), 64)
		if err != nil && i == 0 {
			return sample{}, false
		}
		*to = value // some GPUs do not report all of them
	}
	s.reasons, _ = strconv.ParseUint(strings.TrimPrefix(strings.TrimSpace(fields[4]), "0x"), 16, 64)
	return s, true
}

// The bits of nvidia-smi that say that the GPU is held back.
var throttling = []struct {
	bit  uint64
	text string
}{{0x4, "power limit"}, {0x8, "hardware slowdown"}, {0x20, "temperature"}, {0x40, "hardware temperature"}, {0x80, "power brake"}}

func summary(samples []sample) string {
	if len(samples) == 0 {
		return ""
	}
	lowest, highest := math.Inf(1), 0.0
	var power, hottest, memory float64
	held := map[uint64]int{}
	for _, s := range samples {
		lowest, highest = min(lowest, s.clock), max(highest, s.clock)
		power, hottest, memory = max(power, s.power), max(hottest, s.temperature), max(memory, s.memory)
		for _, t := range throttling {
			if s.reasons&t.bit != 0 {
				held[t.bit]++
			}
		}
	}
	text := fmt.Sprintf("SM %.0f-%.0f MHz, up to %.0f W, %.0f °C, %.1f GiB used", lowest, highest, power, hottest, memory/1024)
	for _, t := range throttling {
		if n := held[t.bit]; n > 0 {
			text += fmt.Sprintf("; held back by %s in %d of %d samples", t.text, n, len(samples))
		}
	}
	return text
}
