package train

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"ventriloquist/internal/usererr"
)

// Options are everything that decides what a run computes. Two runs with equal Options, data, base model, device and thread
// count, and on a GPU equal GEMM tuning, write the same bytes. A checkpoint keeps the options, and a resumed run must have
// the same.
type Options struct {
	LearningRate float64 `json:"learning_rate"`
	Scheduler    string  `json:"lr_scheduler"`
	WarmupRatio  float64 `json:"warmup_ratio"`
	WeightDecay  float64 `json:"weight_decay"`
	MaxGradNorm  float64 `json:"max_grad_norm"` // 0: no clipping

	BatchSize    int     `json:"batch_size"`                  // windows per micro-batch
	Accumulation int     `json:"gradient_accumulation_steps"` // micro-batches per optimizer step
	Epochs       float64 `json:"num_epochs"`
	MaxSteps     int     `json:"max_steps"` // optimizer steps; 0: as many as Epochs take

	MaxSeqLength int    `json:"max_seq_length"`          // maximum tokens per window
	Limit        int    `json:"limit"`                   // train on the first Limit windows only; 0: all
	MemoryTokens int    `json:"memory_tokens,omitempty"` // that memories may have in each window; 0: there are none
	Seed         uint64 `json:"seed"`
	Shuffle      bool   `json:"shuffle"`

	Precision string `json:"precision"`         // compute precision: "f32" or "bf16"
	Weights   string `json:"weights,omitempty"` // format of quantized base weights, by the engine's name
}

// RunSettings decide how a run is carried out. They may differ between a run and its resumption.
type RunSettings struct {
	LoggingSteps    int     `json:"logging_steps"`    // report every LoggingSteps optimizer steps
	SaveSteps       int     `json:"save_steps"`       // write a checkpoint every SaveSteps; 0: not by steps
	SaveMinutes     float64 `json:"save_minutes"`     // also write one every SaveMinutes, and keep only the latest of these; 0: never
	KeepCheckpoints int     `json:"keep_checkpoints"` // keep the newest checkpoints only, and the one with the lowest loss; 0: all
	EvalSteps       int     `json:"eval_steps"`       // evaluate on the held-out windows every EvalSteps, at the start and at the end; 0: never
	Patience        int     `json:"patience"`         // stop after so many evaluations without a lower loss; 0: never
	Samples         int     `json:"samples"`          // held-out messages that are written again at each evaluation; 0: none
	ReportTo        string  `json:"report_to"`        // other formats of the log, "tensorboard,wandb"; "none"
	ReportText      bool    `json:"report_text"`      // also names and samples in these
	Recompute       bool    `json:"recompute"`
	ContinueFrom    string  `json:"continue_from,omitempty"` // the adapter that the run continues; "" for a new one
	OutputDir       string  `json:"-"`
	RunName         string  `json:"-"`
	NoRoomByTime    bool    `json:"-"` // the disk has no room for checkpoints by time
	SkipBase        bool    `json:"-"` // do not evaluate the base model
	NoRoomForBest   bool    `json:"-"` // nor for the best adapter next to the finished one
	// Command has the other options of the command that started the run, by name, for the command that resumes it.
	Command map[string]string `json:"command,omitempty"`
}

// Options named in the advice of errors.
const (
	resumeOption = usererr.Option("resume")
	continueFrom = usererr.Option("continue_from")
	outputDir    = usererr.Option("output_dir")
)

// maxEpochs keeps the number of steps small enough to count.
const maxEpochs = 1e6

// mostSamples keeps an evaluation from taking longer than the training.
const mostSamples = 64

func finite(x float64) bool { return !math.IsInf(x, 0) }

// Validate returns a usererr.Field for the first invalid option.
func (o Options) Validate() error {
	for _, check := range []struct {
		ok      bool
		option  usererr.Option
		problem string
	}{
		{o.LearningRate > 0 && finite(o.LearningRate), "learning_rate", "must be a number above 0"},
		{o.WarmupRatio >= 0 && o.WarmupRatio <= 1, "warmup_ratio", "must be from 0 to 1"},
		{o.WeightDecay >= 0 && finite(o.WeightDecay), "weight_decay", "must not be negative"},
		{o.MaxGradNorm >= 0 && finite(o.MaxGradNorm), "max_grad_norm", "must not be negative (0: no clipping)"},
		{o.BatchSize > 0, "batch_size", "must be at least 1"},
		{o.Accumulation > 0, "gradient_accumulation_steps", "must be at least 1"},
		{o.MaxSteps > 0 || o.Epochs > 0 && o.Epochs <= maxEpochs, "num_epochs", "must be above 0 and at most a million"},
		{o.MaxSteps >= 0, "max_steps", "must not be negative"},
		{o.MaxSeqLength >= 2, "max_seq_length", "must be at least 2"},
		{o.Limit >= 0, "limit", "must not be negative"},
	} {
		if !check.ok {
			return &usererr.Field{Name: check.option, Problem: check.problem}
		}
	}
	if !slices.Contains(ScheduleKinds, o.Scheduler) {
		return usererr.Invalid("lr_scheduler", "%q: must be one of %s", o.Scheduler, strings.Join(ScheduleKinds, ", "))
	}
	return nil
}

// Validate returns a usererr.Field for the first invalid setting.
func (p RunSettings) Validate() error {
	switch {
	case p.LoggingSteps < 1:
		return usererr.Invalid("logging_steps", "must be at least 1")
	case p.SaveSteps < 0:
		return usererr.Invalid("save_steps", "must not be negative (0: not by steps)")
	case !(p.SaveMinutes >= 0 && finite(p.SaveMinutes)):
		return usererr.Invalid("save_minutes", "must not be negative (0: not by time)")
	case p.KeepCheckpoints < 0:
		return usererr.Invalid("keep_checkpoints", "must not be negative (0: all)")
	case p.EvalSteps < 0:
		return usererr.Invalid("eval_steps", "must not be negative (0: never)")
	case p.Samples < 0 || p.Samples > mostSamples:
		return usererr.Invalid("samples", "must be from 0 to %d", mostSamples)
	case p.Patience < 0:
		return usererr.Invalid("patience", "must not be negative (0: train to the end)")
	case p.Patience > 0 && p.EvalSteps == 0:
		return usererr.Invalid("patience", "counts evaluations, of which there are none with %v 0", usererr.Option("eval_steps"))
	case p.OutputDir == "":
		return usererr.Invalid("output_dir", "must not be empty")
	}
	return nil
}

// differences names the options that differ, with both values.
func (o Options) differences(other Options) []string {
	var found []string
	note := func(option usererr.Option, a, b any) {
		if a != b {
			found = append(found, fmt.Sprintf("%v %v (now %v)", option, a, b))
		}
	}
	note("learning_rate", o.LearningRate, other.LearningRate)
	note("lr_scheduler", o.Scheduler, other.Scheduler)
	note("warmup_ratio", o.WarmupRatio, other.WarmupRatio)
	note("weight_decay", o.WeightDecay, other.WeightDecay)
	note("max_grad_norm", o.MaxGradNorm, other.MaxGradNorm)
	note("batch_size", o.BatchSize, other.BatchSize)
	note("gradient_accumulation_steps", o.Accumulation, other.Accumulation)
	note("num_epochs", o.Epochs, other.Epochs)
	note("max_steps", o.MaxSteps, other.MaxSteps)
	note("max_seq_length", o.MaxSeqLength, other.MaxSeqLength)
	note("limit", o.Limit, other.Limit)
	note("seed", o.Seed, other.Seed)
	note("no_shuffle", !o.Shuffle, !other.Shuffle)
	note("precision", o.Precision, other.Precision)
	if before, now := o.Weights == "fp8-products", other.Weights == "fp8-products"; before != now {
		found = append(found, fmt.Sprintf("%v fp8 %v (now %v)", usererr.Option("precision"), before, now))
	}
	note("load_in_8bit", o.Weights == "int8", other.Weights == "int8")
	note("load_in_4bit", o.Weights == "nf4", other.Weights == "nf4")
	note("load_in_fp8", o.Weights == "fp8", other.Weights == "fp8")
	return found
}

// requireSame returns an error if the options differ from the checkpoint's.
func (o Options) requireSame(now Options, checkpoint string) error {
	found := o.differences(now)
	if len(found) == 0 {
		return nil
	}
	return usererr.With(fmt.Errorf("cannot resume: %s was trained with %s", checkpoint, strings.Join(found, ", ")),
		"omit what differs, because %v takes it from the run, or start a new run from its adapter with %v", resumeOption, continueFrom)
}
