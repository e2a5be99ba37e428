package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// markdown is the report on one page.
func (r *report) markdown() string {
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	p("# gpu-check: %s", r.Verdict)
	p("")
	p("%s, %s, %s. %s after %.0f of %.0f s.", r.describe, r.Version, r.Started.UTC().Format("2006-01-02 15:04 MST"), r.State, r.Seconds, r.Deadline)
	p("")
	r.stageTable(p)
	r.comparisonTable(p)
	r.trainingTable(p)
	r.kernelTable(p)
	r.testLines(p)
	return b.String()
}

type printer func(format string, args ...any)

func (r *report) stageTable(p printer) {
	p("| stage | outcome | s | |")
	p("|---|---|---|---|")
	for _, s := range r.Stages {
		p("| %s | %s | %.1f | %s |", s.Name, s.Outcome, s.Seconds, cell(joined(s.Note, s.GPU)))
	}
	p("")
}

func (r *report) comparisonTable(p printer) {
	if len(r.Comparisons) == 0 {
		return
	}
	p("| check | | |")
	p("|---|---|---|")
	for _, c := range r.Comparisons {
		p("| %s | %s | %s |", c.Name, map[bool]string{true: "ok", false: "**wrong**"}[c.OK], cell(c.Text))
	}
	p("")
}

func (r *report) trainingTable(p printer) {
	if len(r.Training) == 0 && len(r.Peers) == 0 {
		return
	}
	p("| training | tokens/s | TFLOP/s | recomputed layers | memory, GiB: used / planned | decode, tokens/s |")
	p("|---|---|---|---|---|---|")
	for _, t := range r.Training {
		if t.Error != "" {
			continue
		}
		p("| %s %s, %s | %.0f | %.1f | %d | %.2f / %.2f | %s |", t.Shape, t.Weights, t.Variant, t.Rate, t.TFLOPs, t.Recomputed, t.Used, t.Plan, rate(t.Decode))
	}
	for _, peer := range r.Peers {
		p("| %v, %v | %v | | | | |", peer["shape"], peer["trainer"], peer["train_tokens_per_second"])
	}
	p("")
}

func rate(x float64) string {
	if x == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f", x)
}

// The layers of the shapes of csrc/tests/bench/bench.h.
var layers = map[string]int{"8b": 36, "0.6b": 28, "tiny": 2}

// The kernels that are shown each; the JSON has all.
const mostKernels = 16

func (r *report) kernelTable(p printer) {
	for _, c := range r.Ceilings {
		if rate, ok := c["tflops"]; ok {
			p("- ceiling: %v, %v TFLOP/s", c["ceiling"], rate)
		} else {
			p("- ceiling: %v, %v GB/s", c["ceiling"], c["gb_per_s"])
		}
	}
	groups := map[string]float64{}
	for _, k := range r.Kernels {
		if k.Variant == "" && k.Count > 0 {
			groups[k.Group] += k.perLayer()
		}
	}
	var layer, step float64
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		p("- %s: %.3f ms per layer, forward and backward", name, groups[name]/1000)
		layer += groups[name] / 1000
	}
	for _, k := range r.Kernels {
		if k.Count == 0 {
			step += k.Micros / 1000
		}
	}
	if t := r.trained(plainRun); t != nil && t.Rate > 0 && layer > 0 {
		p("- %d layers of %.3f ms and %.1f ms once per step are %.0f ms; a step took %.0f ms", layers[t.Shape], layer, step,
			layer*float64(layers[t.Shape])+step, 1000*float64(t.Tokens)/t.Rate)
	}
	if len(r.Kernels) == 0 {
		return
	}
	p("")
	p("| kernel | calls per layer | us | TFLOP/s | GB/s | of its ceiling |")
	p("|---|---|---|---|---|---|")
	slowest := slices.SortedFunc(slices.Values(r.Kernels), func(a, b kernel) int { return cmp.Compare(b.perLayer(), a.perLayer()) })
	for _, k := range slowest[:min(len(slowest), mostKernels)] {
		p("| %s | %s | %.1f | %s | %.0f | %.0f%% |", cell(strings.TrimSuffix(k.Name+", "+k.Variant, ", ")), calls(k.Count), k.Micros, rate(k.TFLOPs), k.Bandwidth, 100*k.Share)
	}
	p("")
}

// perLayer is the time in a layer; of what runs once per step, its time.
func (k kernel) perLayer() float64 { return k.Micros * float64(max(1, k.Count)) }

func calls(count int) string {
	if count == 0 {
		return "once per step"
	}
	return fmt.Sprint(count)
}

func (r *report) testLines(p printer) {
	for _, name := range slices.Sorted(maps.Keys(r.Tests)) {
		t := r.Tests[name]
		p("- tests, %s: %d passed, %d skipped, %d failed %s", name, t.Passed, t.Skipped, len(t.Failed), strings.Join(t.Failed, " "))
	}
	const most = 12
	for _, line := range r.Other[:min(len(r.Other), most)] {
		p("- %s", line)
	}
}

func cell(text string) string { return strings.ReplaceAll(text, "|", "\\|") }
