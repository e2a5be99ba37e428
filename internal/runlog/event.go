// Package runlog is the log of a training run: metrics.jsonl in its output folder, one event per line as a JSON object. Lines are
// only appended, so that a run can be followed while it writes.
//
// In: the events of a run as it trains; the path of a log. Out: the file; a [Log] of what it holds so far, which a [Follower] keeps
// up to date. It must not know: how a model is trained, how a log is displayed.
//
// The schema has a version, which the event "run" states. Within a version, keys are only added. Readers skip a last line that is
// not complete yet, and lines and keys that they do not know.
package runlog

import (
	"path/filepath"
	"slices"
	"time"
)

// Name is the name of the file in the output folder of a run.
const Name = "metrics.jsonl"

// Path returns the path of the log in an output folder.
func Path(folder string) string { return filepath.Join(folder, Name) }

// Version is the version of the schema.
const Version = 1

// The kinds of events.
const (
	StartEvent      = "run"
	StepEvent       = "step"
	EvaluationEvent = "evaluation"
	SampleEvent     = "sample"
	DoneEvent       = "done"
)

// Start is the event of a run that begins or is resumed.
type Start struct {
	Event           string         `json:"event"` // "run"
	Version         int            `json:"version"`
	Time            time.Time      `json:"time"`
	Name            string         `json:"run_name,omitempty"`
	Step            int            `json:"step"` // optimizer steps done before: 0, or those of the checkpoint it resumes from
	TotalSteps      int            `json:"total_steps"`
	BaseModel       string         `json:"base_model"`
	BaseFingerprint string         `json:"base_fingerprint"`
	DataFingerprint string         `json:"data_fingerprint"`
	Windows         int            `json:"windows"` // to train on
	HeldOutWindows  int            `json:"held_out_windows"`
	Tokens          int64          `json:"tokens_per_epoch"`
	TargetTokens    int64          `json:"target_tokens_per_epoch"`
	LoRA            map[string]any `json:"lora"`
	Options         map[string]any `json:"options"`  // that decide what the run computes
	Settings        map[string]any `json:"settings"` // the others
	Machine         Machine        `json:"machine"`
}

// Overfitting is that the loss rises on the held-out windows while it falls on those that the run trains on.
type Overfitting struct {
	Evaluations     int     `json:"evaluations"` // since that with the lowest loss
	LowestStep      int     `json:"lowest_step"`
	LowestLoss      float64 `json:"lowest_eval_loss"`
	LowestTrainLoss float64 `json:"lowest_train_loss"` // of the steps up to that evaluation, since the one before
	Loss            float64 `json:"eval_loss"`
	TrainLoss       float64 `json:"train_loss"` // of the steps since the evaluation before
}

// Machine is where a run trains.
type Machine struct {
	Device       string `json:"device"`
	Instructions string `json:"instructions"` // of the matrix multiplications
	Threads      int    `json:"threads"`      // of a GPU: multiprocessors
	Memory       uint64 `json:"memory_bytes"` // of the device
	Planned      uint64 `json:"planned_bytes"`
	System       string `json:"system"` // "linux/amd64"
	Program      string `json:"program"`
}

// Metrics is the event of an optimizer step. The JSON output of `vqctl train` has the same lines, without time and memory.
type Metrics struct {
	Event           string   `json:"event"`         // "step"
	Step            int      `json:"step"`          // from 1
	Epoch           float64  `json:"epoch"`         // epochs done after the step, as a fraction
	Loss            float64  `json:"loss"`          // mean over the step's target tokens
	GradNorm        float64  `json:"grad_norm"`     // before clipping
	LearningRate    float64  `json:"lr"`            // used by the step
	Tokens          int      `json:"tokens"`        // of all windows in the step
	TargetTokens    int      `json:"target_tokens"` // of the step
	TokensPerSecond float64  `json:"tokens_per_second"`
	EvalLoss        *float64 `json:"eval_loss,omitempty"`      // on the held-out windows, after the update
	BaseEvalLoss    *float64 `json:"base_eval_loss,omitempty"` // of the base model, to compare EvalLoss with
	// Overfitting is set after an evaluation if the run overfits.
	Overfitting *Overfitting `json:"overfitting,omitempty"`
	Time        *time.Time   `json:"time,omitempty"`
	Memory      uint64       `json:"memory_bytes,omitempty"` // that the process holds, without mapped files
}

// Evaluation is the event of an evaluation on the held-out windows.
type Evaluation struct {
	Event        string             `json:"event"` // "evaluation"
	Step         int                `json:"step"`  // 0: of the base model, before the first step
	Time         time.Time          `json:"time"`
	Loss         float64            `json:"eval_loss"`
	Windows      int                `json:"windows"`
	TargetTokens int                `json:"target_tokens"`
	Seconds      float64            `json:"seconds"`
	PerContact   map[string]Figures `json:"per_contact"` // by the author of the target
}

// Figures are those of one author.
type Figures struct {
	Loss         float64 `json:"loss"`
	Windows      int     `json:"windows"`
	TargetTokens int     `json:"target_tokens"`
}

// Sample is the event of a held-out message that the model wrote again.
type Sample struct {
	Event   string    `json:"event"` // "sample"
	Step    int       `json:"step"`  // 0: by the base model
	Time    time.Time `json:"time"`
	Number  int       `json:"sample"` // of the context, from 1: the same after each evaluation
	Members []string  `json:"members"`
	Context []Line    `json:"context"` // the latest messages before it
	Real    Line      `json:"real"`    // what was written
	Text    string    `json:"text"`    // what the model writes
}

// Line is a message of a sample.
type Line struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// Done is how a run ended: the last event.
type Done struct {
	Event          string     `json:"event"` // "done"
	Adapter        string     `json:"adapter"`
	EvalLoss       *float64   `json:"eval_loss"`       // of the adapter
	BaseEvalLoss   *float64   `json:"base_eval_loss"`  // of the base model
	BestCheckpoint *string    `json:"best_checkpoint"` // with the lowest loss on the held-out windows
	BestEvalLoss   *float64   `json:"best_eval_loss"`
	BestStep       *int       `json:"best_step"`
	StoppedAfter   int        `json:"stopped_after_step,omitempty"` // because the patience ran out
	Seconds        float64    `json:"seconds"`                      // of this command, or of the last one if the run was resumed
	Time           *time.Time `json:"time,omitempty"`
}

// names reports whether a person takes part in the conversation of a sample.
func (s *Sample) names(person string) bool {
	return s.Real.Name == person || slices.Contains(s.Members, person) ||
		slices.ContainsFunc(s.Context, func(l Line) bool { return l.Name == person })
}
