package memplan

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"ventriloquist/engine"
	"ventriloquist/internal/usererr"
)

// FewHours is how long a run may take before other settings are suggested.
const FewHours = 3

// A Faster is settings that make a run shorter.
type Faster struct {
	Preprocess string `json:"preprocess,omitempty"` // flags for preprocess
	Train      string `json:"train,omitempty"`      // flags for train
	GPU        string `json:"gpu,omitempty"`        // another device: a card's title
	Hours      Hours  `json:"hours"`
	Means      string `json:"means,omitempty"` // in words, if the flags do not say it
}

// A Base is a base model that a run could use.
type Base struct {
	Name  string
	Model engine.ModelConfig // without a weight format
}

// A Plan is a run, and what is needed to compare it with others.
type Plan struct {
	Settings Settings
	Budget   MemoryBudget
	Work     Work
	Speeds   Speeds
	// What the run's flags allow to change.
	Epochs  float64 // 0: MaxSteps sets the length of the run, so other windows save nothing
	Smaller []Base  // base models smaller than that of the settings, largest first
	BF16    bool    // the run computes in f32, but the device has bf16
	FP8     bool    // the device multiplies in fp8
	Other   []GPU   // other devices
}

// Faster returns settings that make a plan of more than FewHours shorter, each with its hours. If no single change is enough, the
// last ones combine two.
func (p Plan) Faster(now *Hours) ([]Faster, error) {
	if now == nil || now.To <= FewHours {
		return nil, nil
	}
	f := fasterFinder{plan: p, now: now.To}
	f.windows()
	f.shorterRun()
	f.arithmetic()
	f.bases(p.Work, "")
	f.elsewhere()
	if p.Epochs > 0 && !slices.ContainsFunc(f.found, func(c Faster) bool { return c.GPU == "" && c.Hours.To <= FewHours }) {
		f.combined()
	}
	return f.found, f.err
}

type fasterFinder struct {
	plan  Plan
	now   float64
	found []Faster
	err   error
}

// enough is the share of the hours that a change must at least save to be worth naming.
const enough = 0.1

// add adds a change if its settings fit and save time.
func (f *fasterFinder) add(s Settings, w Work, preprocess, train, means string) {
	if f.err != nil {
		return
	}
	s.Targets = max(s.Targets, w.Targets)
	fit, err := FitTo(s.Run(), f.plan.Budget, 0)
	if err != nil {
		f.err = err
		return
	}
	hours := Cost(s, fit, w, f.plan.Speeds)
	if fit.Fits && hours != nil && hours.To <= (1-enough)*f.now {
		f.found = append(f.found, Faster{Preprocess: preprocess, Train: train, Hours: *hours, Means: means})
	}
}

// leastMessages is the smallest window that is worth halving.
const leastMessages = 20

// leastLimit is the smallest number of windows that is worth training on.
const leastLimit = 100

// strides are those that are suggested, as shares of a window's messages.
var strides = []float64{0.1, 0.5}

// windows adds other flags of preprocess.
func (f *fasterFinder) windows() {
	p, w := f.plan, f.plan.Work
	if p.Epochs == 0 || w.Messages < 4 {
		return
	}
	for _, share := range strides {
		if stride := math.Round(share * float64(w.Messages)); stride > w.Stride {
			next := w.WithStride(stride)
			f.add(p.Settings, next, fmt.Sprintf("%v %.0f", usererr.Option("stride"), stride), "",
				fmt.Sprintf("each message is still learned once, with %.4g messages before it on average instead of %.4g", next.Context(), w.Context()))
		}
	}
	if w.Messages < leastMessages || w.Stride > float64(w.Messages/2) {
		return
	}
	half := w.WithMessages(w.Messages / 2)
	if stride := math.Round(float64(half.Messages) / 2); stride > w.Stride {
		half = half.WithStride(stride)
	}
	f.add(p.Settings, half, fmt.Sprintf("%v %d %v %.0f", usererr.Option("window"), half.Messages, usererr.Option("stride"), half.Stride), "",
		fmt.Sprintf("shorter windows: %.4g messages before a target on average", half.Context()))
}

// shorterRun adds runs over fewer windows.
func (f *fasterFinder) shorterRun() {
	p, w := f.plan, f.plan.Work
	if p.Epochs == 0 {
		return
	}
	if p.Epochs > 1 {
		once := w
		once.Windows /= p.Epochs
		f.add(p.Settings, once, "", fmt.Sprintf("%v 1", usererr.Option("num_epochs")), "each window is read once")
	}
	each := w.Windows / max(p.Epochs, 1)
	limit := roundDown(each * FewHours / f.now)
	if limit < leastLimit || limit >= each {
		return
	}
	some := w
	some.Windows *= limit / each
	f.add(p.Settings, some, "", fmt.Sprintf("%v %.0f", usererr.Option("limit"), limit), fmt.Sprintf("learns from the first %s of the windows", percent(limit/each)))
}

func percent(share float64) string {
	if share < 0.01 {
		return fmt.Sprintf("%.2g%%", 100*share)
	}
	return fmt.Sprintf("%.0f%%", 100*share)
}

// roundDown returns a number with one digit other than zero, at most n.
func roundDown(n float64) float64 {
	if n < 1 {
		return 0
	}
	unit := math.Pow(10, math.Floor(math.Log10(n)))
	return math.Floor(n/unit) * unit
}

// arithmetic adds formats that compute faster.
func (f *fasterFinder) arithmetic() {
	p, s := f.plan, f.plan.Settings
	if p.BF16 {
		s.Precision = engine.BF16
		f.add(s, p.Work, "", fmt.Sprintf("%v bf16", usererr.Option("precision")), "computes in bf16 instead of f32")
	}
	s = p.Settings
	if p.FP8 && s.Model.Weights != engine.FP8GEMM {
		s.Model.Weights = engine.FP8GEMM
		f.add(s, p.Work, "", fmt.Sprintf("%v fp8", usererr.Option("precision")), "multiplies in fp8")
	}
}

// bases adds smaller base models.
func (f *fasterFinder) bases(w Work, preprocess string) {
	for _, base := range f.plan.Smaller {
		s := f.plan.Settings
		weights := s.Model.Weights
		s.Model = base.Model
		s.Model.Weights = weights
		f.add(s, w, preprocess, fmt.Sprintf("%v %s", usererr.Option("base_model"), base.Name), "")
	}
}

// elsewhere adds other devices, each with the first weight format that fits.
func (f *fasterFinder) elsewhere() {
	for _, gpu := range f.plan.Other {
		other := fasterFinder{plan: f.plan, now: f.now}
		other.plan.Budget, other.plan.Speeds = OfGPU(gpu, gpu.Memory), SpeedsOf(gpu)
		for _, weights := range []struct {
			format engine.WeightFormat
			flags  string
		}{{engine.Plain, ""}, {engine.Int8, in8Bit.String()}, {engine.NF4, in4Bit.String()}} {
			s := f.plan.Settings
			s.Precision, s.Model.Weights = engine.BF16, weights.format
			other.add(s, f.plan.Work, "", weights.flags, "")
			if len(other.found) > 0 {
				break
			}
		}
		for _, c := range other.found {
			c.GPU = gpu.Title
			f.found = append(f.found, c)
		}
		f.err = errors.Join(f.err, other.err)
	}
}

// combined adds the largest stride with smaller base models, the largest models first.
func (f *fasterFinder) combined() {
	w := f.plan.Work
	if w.Messages < 4 {
		return
	}
	stride := math.Round(strides[len(strides)-1] * float64(w.Messages))
	if stride <= w.Stride {
		return
	}
	f.bases(w.WithStride(stride), fmt.Sprintf("%v %.0f", usererr.Option("stride"), stride))
}
