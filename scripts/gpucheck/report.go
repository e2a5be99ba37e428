package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"

	"ventriloquist/internal/atomicfile"
)

// A report is what a run saw so far. Its JSON has all of it, the Markdown the most important of it on one page.
type report struct {
	State       string            `json:"state"` // running, complete, or interrupted
	Verdict     string            `json:"verdict"`
	Version     string            `json:"version"`
	Rehearsal   bool              `json:"rehearsal,omitempty"`
	Started     time.Time         `json:"started"`
	Seconds     float64           `json:"seconds"`
	Deadline    float64           `json:"deadline_seconds"`
	Machine     machine           `json:"machine"`
	Stages      []stageReport     `json:"stages"`
	Comparisons []comparison      `json:"comparisons"`
	Ceilings    []map[string]any  `json:"ceilings"`
	Kernels     []kernel          `json:"kernels"`
	Training    []training        `json:"training"`
	Sizes       []sizeCheck       `json:"sizes"`
	Tests       map[string]*tests `json:"tests"`
	Peers       []map[string]any  `json:"peers"`
	Other       []string          `json:"other"` // lines that commands printed about themselves: spills, counters, sanitizers

	describe string // the machine in a line
}

type stageReport struct {
	Name    string  `json:"name"`
	Outcome string  `json:"outcome"`
	Note    string  `json:"note,omitempty"`
	Seconds float64 `json:"seconds"`
	GPU     string  `json:"gpu,omitempty"` // clocks, power and throttling while it ran
}

// kernel is a line of vq_bench_kernels.
type kernel struct {
	Name      string  `json:"kernel"`
	Group     string  `json:"group"`
	Variant   string  `json:"variant,omitempty"`
	Count     int     `json:"count"` // calls per layer; 0: once per step
	Micros    float64 `json:"us"`
	TFLOPs    float64 `json:"tflops,omitempty"`
	Bandwidth float64 `json:"gb_per_s"`
	Share     float64 `json:"share"` // of the ceiling that bounds it
}

// training is the line of vq_bench_training.
type training struct {
	Variant      string  `json:"variant"`
	GPU          string  `json:"gpu"`
	Instructions string  `json:"instructions"`
	Shape        string  `json:"shape"`
	Weights      string  `json:"weights"`
	Tokens       int     `json:"tokens"`
	Rate         float64 `json:"train_tokens_per_second"`
	TFLOPs       float64 `json:"train_tflops"`
	FirstLoss    float64 `json:"first_loss"`
	FirstNorm    float64 `json:"first_grad_norm"`
	Recomputed   int     `json:"recompute_layers"`
	Plan         float64 `json:"plan_gib"`
	Used         float64 `json:"used_gib"`
	Unaligned    int     `json:"unaligned_gemms"`
	SameBytes    *bool   `json:"same_bytes,omitempty"`
	Tuning       float64 `json:"tuning_seconds,omitempty"`
	Decode       float64 `json:"decode_tokens_per_second,omitempty"`
	Error        string  `json:"error,omitempty"`
}

// sizeCheck is a line of vq_check_sizes.
type sizeCheck struct {
	Name  string  `json:"check"`
	Error float64 `json:"error"`
	Limit float64 `json:"limit"`
	OK    bool    `json:"ok"`
}

// comparison is a check between results of different commands.
type comparison struct {
	Name string `json:"name"`
	Text string `json:"text"`
	OK   bool   `json:"ok"`
}

// tests counts the results of a test program.
type tests struct {
	Passed  int      `json:"passed"`
	Failed  []string `json:"failed"`
	Skipped int      `json:"skipped"`
}

func (r *report) outcome(stage string) string {
	for _, s := range r.Stages {
		if s.Name == stage {
			return s.Outcome
		}
	}
	return ""
}

// finish computes what follows from the rest: comparisons, times and the verdict.
func (r *report) finish() {
	r.Seconds = seconds(time.Since(r.Started))
	r.Comparisons = compare(r)
	var wrong, absent []string
	for _, s := range r.Stages {
		switch s.Outcome {
		case skipped:
			absent = append(absent, s.Name)
		case failed, crashed, timedOut, outOfTime, interrupted:
			wrong = append(wrong, s.Name+" "+s.Outcome)
		}
	}
	for _, c := range r.Comparisons {
		if !c.OK {
			wrong = append(wrong, c.Name)
		}
	}
	if r.State == complete && len(absent) == len(r.Stages) {
		wrong = append(wrong, "no stage ran")
	}
	switch {
	case len(wrong) > 0:
		r.Verdict = "wrong: " + strings.Join(wrong, ", ")
	case r.State == running:
		r.Verdict = "nothing wrong so far"
	default:
		r.Verdict = "nothing wrong"
	}
	if len(absent) > 0 {
		r.Verdict += "; not run: " + strings.Join(absent, ", ")
	}
}

func (r *report) ok() bool { return r.State == complete && !strings.HasPrefix(r.Verdict, "wrong") }

// write writes path as JSON and the same name with .md as Markdown.
func (r *report) write(path string) error {
	r.finish()
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(r); err != nil {
		return err
	}
	if err := atomicfile.WriteBytes(path, text.Bytes()); err != nil {
		return err
	}
	return atomicfile.WriteBytes(strings.TrimSuffix(path, ".json")+".md", []byte(r.markdown()))
}

const complete = "complete"
