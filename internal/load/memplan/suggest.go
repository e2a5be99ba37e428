package memplan

import (
	"fmt"

	"ventriloquist/engine"
	"ventriloquist/internal/usererr"
)

// TokensPerTarget is the estimate of the tokens of a target message where no windows are read; a message seldom has more.
const TokensPerTarget = 64

// Settings are what a user can change.
type Settings struct {
	Model                   engine.ModelConfig
	Stored, Precision       engine.DType
	Adapter                 engine.AdapterConfig
	BatchSize, Accumulation int // windows per micro-batch, micro-batches per step
	SeqLength               int // tokens per window
	Targets                 int // target tokens per window
	Ranks                   int // processes that share the run; 0 and 1: one
}

// Run is the run of these settings with windows that are all as long as they may be.
func (s Settings) Run() TrainingRun {
	return TrainingRun{Model: s.Model, Stored: s.Stored, Precision: s.Precision, Adapter: s.Adapter, Limits: engine.TrainLimits{
		MaxTokens: s.BatchSize * s.SeqLength, MaxWindows: s.BatchSize, MaxTargets: s.BatchSize * min(s.Targets, s.SeqLength),
		Ranks: s.Ranks,
	}}
}

// A Suggestion is settings that fit, as options.
type Suggestion struct {
	Flags  string `json:"flags"`
	Total  uint64 `json:"total"` // bytes
	Layers int    `json:"recompute_layers"`
	Hours  *Hours `json:"hours,omitempty"` // of the run, if its data and the device's speed are known
}

// The options of the suggestions.
const (
	in8Bit       = usererr.Option("load_in_8bit")
	in4Bit       = usererr.Option("load_in_4bit")
	batchSize    = usererr.Option("batch_size")
	accumulation = usererr.Option("gradient_accumulation_steps")
)

// The limits of suggestions.
const (
	shortest  = 256 // tokens of a window
	seqStep   = 128
	leastRank = 8
)

// Suggest returns settings that fit and differ from s in one option. If there are none, the weights are quantized to 4 bits
// as well, and then the batch size is one. cost returns the hours of settings that fit; it may be nil.
func Suggest(s Settings, budget MemoryBudget, cost func(Settings, Fit) *Hours) ([]Suggestion, error) {
	f := finder{budget: budget, cost: cost}
	f.changes(s, "")
	if len(f.found) == 0 && f.err == nil && s.Model.Weights != engine.NF4 {
		s.Model.Weights = engine.NF4
		f.changes(s, fmt.Sprintf("%v ", in4Bit))
	}
	if len(f.found) == 0 && f.err == nil && s.BatchSize > 1 {
		s.BatchSize, s.Accumulation = 1, s.Accumulation*s.BatchSize
		f.changes(s, fmt.Sprintf("%v %v 1 %v %d ", in4Bit, batchSize, accumulation, s.Accumulation))
	}
	return f.found, f.err
}

type finder struct {
	budget MemoryBudget
	cost   func(Settings, Fit) *Hours
	found  []Suggestion
	err    error
}

// fits reports whether settings fit, and adds them to the suggestions.
func (f *finder) fits(s Settings, flags string) bool {
	if f.err != nil {
		return false
	}
	c, err := FitTo(s.Run(), f.budget, 0)
	if err != nil {
		f.err = err
		return false
	}
	if c.Fits {
		found := Suggestion{Flags: flags, Total: c.Memory.Total, Layers: c.Limits.RecomputeLayers}
		if f.cost != nil {
			found.Hours = f.cost(s, c)
		}
		f.found = append(f.found, found)
	}
	return c.Fits
}

func (f *finder) changes(s Settings, before string) {
	if s.Model.Weights == engine.Plain {
		f.withWeights(s, engine.Int8, before+in8Bit.String())
	}
	if s.Model.Weights != engine.NF4 {
		f.withWeights(s, engine.NF4, before+in4Bit.String())
	}
	for batch := s.BatchSize - 1; batch >= 1; batch-- {
		t := s
		// As many windows per step, rounded up.
		t.BatchSize, t.Accumulation = batch, (s.BatchSize*s.Accumulation+batch-1)/batch
		if f.fits(t, fmt.Sprintf("%s%v %d %v %d", before, batchSize, batch, accumulation, t.Accumulation)) {
			break
		}
	}
	f.shorter(s, before)
	for rank := s.Adapter.Rank / 2; rank >= leastRank; rank /= 2 {
		t := s
		t.Adapter.Rank = rank
		if f.fits(t, fmt.Sprintf("%s%v %d", before, usererr.Option("lora_r"), rank)) {
			break
		}
	}
}

func (f *finder) withWeights(s Settings, format engine.WeightFormat, flags string) {
	s.Model.Weights = format
	f.fits(s, flags)
}

// shorter suggests the longest windows that fit, in steps of seqStep.
func (f *finder) shorter(s Settings, before string) {
	low, high := shortest/seqStep-1, (s.SeqLength-1)/seqStep // low fits or is too short; nothing above high is shorter than now
	probe := finder{budget: f.budget}
	for low < high {
		middle := (low + high + 1) / 2
		t := s
		t.SeqLength = middle * seqStep
		if probe.fits(t, "") {
			low = middle
		} else {
			high = middle - 1
		}
	}
	if probe.err != nil {
		f.err = probe.err
		return
	}
	if low*seqStep >= shortest {
		s.SeqLength = low * seqStep
		f.fits(s, fmt.Sprintf("%s%v %d", before, usererr.Option("max_seq_length"), s.SeqLength))
	}
}
