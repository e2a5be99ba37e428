package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Names of training runs that are compared.
const (
	plainRun   = "bf16, tuned"
	untunedRun = "bf16"
	oldRun     = "bf16, no wgmma"
	fp8Run     = "fp8, tuned"
)

// Relative differences of the first step between two ways of computing it. Without wgmma, the same roundings in another order;
// in fp8, operands have three bits of fraction.
var closeness = []struct {
	name, a, b string
	loss, norm float64
}{
	{"step with and without wgmma", plainRun, oldRun, 0.01, 0.05},
	{"step with and without tuned GEMMs", plainRun, untunedRun, 0.01, 0.05},
	{"step in fp8 and in bf16", plainRun, fp8Run, 0.05, 0.3},
}

// compare checks what several commands saw.
func compare(r *report) []comparison {
	var all []comparison
	add := func(name string, ok bool, format string, args ...any) {
		all = append(all, comparison{name, fmt.Sprintf(format, args...), ok})
	}
	if i := r.Machine.Instructions; i != "" {
		add("opening", !strings.Contains(i, "wrong"), "%s", i)
	}
	if n := len(r.Sizes); n > 0 {
		worst := slices.MaxFunc(r.Sizes, func(a, b sizeCheck) int {
			switch x, y := a.relative(), b.relative(); {
			case x < y:
				return -1
			case x > y:
				return 1
			}
			return 0
		})
		add("ops at real sizes", worst.OK, "%d results; worst: %s, error %.2g of at most %.2g", n, worst.Name, worst.Error, worst.Limit)
	}
	for _, what := range r.silent() {
		add(what, false, "it passed and reported nothing")
	}
	for _, t := range r.Training {
		switch {
		case t.Error != "":
			add("training, "+t.Variant, false, "%s", t.Error)
			continue
		case math.IsNaN(t.FirstLoss) || t.FirstLoss <= 0:
			add("training, "+t.Variant, false, "the first loss is %v", t.FirstLoss)
		}
		if t.SameBytes != nil {
			add("the same steps twice, "+t.Variant, *t.SameBytes, "%s", map[bool]string{true: "the same bytes", false: "other bytes"}[*t.SameBytes])
		}
		if t.Unaligned > 0 {
			add("alignment, "+t.Variant, false, "%d GEMMs are not aligned to 16 bytes", t.Unaligned)
		}
		add("memory, "+t.Variant, t.Used <= t.Plan*1.02+0.1, "%.2f GiB used, %.2f GiB planned", t.Used, t.Plan)
	}
	for _, c := range closeness {
		a, b := r.trained(c.a), r.trained(c.b)
		if a == nil || b == nil {
			continue
		}
		loss, norm := relative(a.FirstLoss, b.FirstLoss), relative(a.FirstNorm, b.FirstNorm)
		add(c.name, loss <= c.loss && norm <= c.norm, "loss %.5g and %.5g (%.2g apart, at most %.2g), gradient norm %.5g and %.5g (%.2g, at most %.2g)",
			a.FirstLoss, b.FirstLoss, loss, c.loss, a.FirstNorm, b.FirstNorm, norm, c.norm)
	}
	return all
}

// silent lists what passed without a result: a test pattern that matches nothing, say.
func (r *report) silent() []string {
	var all []string
	for _, e := range []struct {
		what, stage string
		results     int
	}{
		{"goldens", goldenStage, r.passedTests("goldens")},
		{"tests of the ops", testStage, r.passedTests("ops")},
		{"tests of CUDA", testStage, r.passedTests("cuda")},
		{"ops at real sizes", sizesStage, len(r.Sizes)},
		{"training", trainingStage, len(r.Training)},
		{"kernels", kernelStage, len(r.Kernels)},
	} {
		if e.results == 0 && r.outcome(e.stage) == passed {
			all = append(all, e.what)
		}
	}
	return all
}

func (r *report) passedTests(name string) int {
	if t := r.Tests[name]; t != nil {
		return t.Passed
	}
	return 0
}

func (s sizeCheck) relative() float64 {
	switch {
	case !s.OK:
		return math.Inf(1)
	case s.Limit == 0:
		return 0
	}
	return s.Error / s.Limit
}

// trained is the last run of this name that gave figures.
func (r *report) trained(variant string) *training {
	for i := len(r.Training) - 1; i >= 0; i-- {
		if t := &r.Training[i]; t.Variant == variant && t.Error == "" {
			return t
		}
	}
	return nil
}

// relative is how far apart two figures are; infinite if either is not finite.
func relative(a, b float64) float64 {
	d := math.Abs(a-b) / max(math.Abs(a), math.Abs(b), 1e-30)
	if math.IsNaN(d) {
		return math.Inf(1)
	}
	return d
}
