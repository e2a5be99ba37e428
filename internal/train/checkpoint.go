package train

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"go.uber.org/zap"

	"ventriloquist/engine"
	"ventriloquist/internal/atomicfile"
	"ventriloquist/internal/load"
	"ventriloquist/internal/model/adapter"
	"ventriloquist/internal/model/safetensors"
	"ventriloquist/internal/usererr"
)

// The files that a checkpoint holds besides PEFT's two.
const (
	stateFile     = "trainer_state.json"
	optimizerFile = "optimizer.safetensors" // AdamW's moments, float32
)

const stateVersion = 2

// finalName is the folder of the finished adapter.
const finalName = "final"

// State is trainer_state.json: where a run stands. The order of the windows and the dropout masks follow from the seed and
// the step, so no random generator is saved.
type State struct {
	Version    int     `json:"version"`
	RunName    string  `json:"run_name,omitempty"`
	Step       int     `json:"step"` // optimizer steps done so far
	TotalSteps int     `json:"total_steps"`
	Windows    int     `json:"windows"`
	Data       string  `json:"data_fingerprint"`
	Base       string  `json:"base_fingerprint"`
	People     *People `json:"people,omitempty"`
	BaseModel  string  `json:"base_model,omitempty"` // its name
	Dropout    float64 `json:"lora_dropout"`
	LoRA       *LoRA   `json:"lora,omitempty"` // nil in files of earlier versions
	Options    Options `json:"options"`

	Settings *RunSettings `json:"settings,omitempty"` // nil in files of earlier versions
	ByTime   bool         `json:"by_time,omitempty"`  // written because of SaveMinutes: the next one replaces it

	BaseEvalLoss *float64     `json:"base_eval_loss,omitempty"` // of the base model on the held-out windows
	Evaluations  []Evaluation `json:"evaluations,omitempty"`    // so far, in order
	Since        tally        `json:"since_evaluation"`         // since the last of these
	// Checksums are the CRC-32C of the checkpoint's other files, by name.
	Checksums map[string]string `json:"crc32c,omitempty"`
}

// LoRA is the shape of the run's adapter.
type LoRA struct {
	R       int     `json:"r"`
	Alpha   float64 `json:"alpha"`
	Targets string  `json:"targets"` // "q,k,v"
}

func loraOf(a *adapter.Adapter) *LoRA {
	names := make([]string, len(a.Targets))
	for i, p := range a.Targets {
		names[i] = p.Short
	}
	return &LoRA{R: a.R, Alpha: a.Alpha, Targets: strings.Join(names, ",")}
}

// FinalDir returns the folder of the finished adapter.
func (r *Run) FinalDir() string { return filepath.Join(r.settings.OutputDir, finalName) }

func (r *Run) checkpointDir() string { return r.checkpointDirOf(r.step) }

func (r *Run) checkpointDirOf(step int) string {
	return filepath.Join(r.settings.OutputDir, fmt.Sprintf("checkpoint-%d", step))
}

// save writes the folder dir whole or not at all.
func (r *Run) save(dir string) error { return r.saveCheckpoint(dir, false) }

func (r *Run) saveCheckpoint(dir string, byTime bool) error {
	if !r.leads() {
		return r.follow(dir)
	}
	return r.collecting(func() error { return r.writeCheckpoint(dir, byTime) })
}

func (r *Run) writeCheckpoint(dir string, byTime bool) error {
	if err := r.downloadAdapter(); err != nil {
		return err
	}
	r.progress(Progress{Doing: Saving, Step: r.step})
	r.metrics.Sync()
	if err := r.archivePreviousRun(dir); err != nil {
		return err
	}
	err := atomicfile.WriteDir(dir, func(tmp string) error {
		if err := atomicfile.Write(filepath.Join(tmp, optimizerFile), r.writeMoments); err != nil {
			return err
		}
		return r.writeAdapterAndState(tmp, byTime)
	})
	if err != nil {
		err = fmt.Errorf("step %d: cannot write the checkpoint: %w", r.step, err)
		if !r.saved {
			return usererr.With(err, "no checkpoint has been written yet: make room, or name another folder with %v, and start again", outputDir)
		}
		return usererr.With(err, "earlier checkpoints in %s are complete; make room and continue with %v", r.settings.OutputDir, resumeOption)
	}
	r.saved, r.lastSave, r.lastCheckpoint = true, r.now(), dir
	r.prune(dir)
	r.log.Info("saved", zap.String("folder", dir), zap.Int("step", r.step), zap.Int("total_steps", r.schedule.TotalSteps))
	return nil
}

// writeAdapterAndState writes the adapter's files, and trainer_state.json, which has the checksums of all files in the folder.
func (r *Run) writeAdapterAndState(dir string, byTime bool) error {
	if err := r.files.WriteFiles(dir); err != nil {
		return err
	}
	return r.writeState(dir, byTime)
}

func (r *Run) state() State {
	return State{
		Version: stateVersion, RunName: r.settings.RunName, Step: r.step, TotalSteps: r.schedule.TotalSteps,
		Windows: len(r.data.Train), Data: r.data.fingerprint(), Base: r.base, BaseModel: r.files.BaseModel, People: &r.people,
		Dropout: r.files.Dropout, LoRA: loraOf(r.files), Options: r.opts, Settings: &r.settings,
		BaseEvalLoss: r.baseEvalLoss, Evaluations: r.evaluations, Since: r.since,
	}
}

// momentNames returns the names of a pair's moments, in the order of momentSlices.
func momentNames(layer int, target engine.Target) [4]string {
	prefix := fmt.Sprintf("layers.%d.%s.", layer, target)
	return [4]string{prefix + "lora_A.exp_avg", prefix + "lora_A.exp_avg_sq", prefix + "lora_B.exp_avg", prefix + "lora_B.exp_avg_sq"}
}

func newMoments(p *adapter.Pair) engine.Moments {
	return engine.Moments{
		AM: make([]float32, len(p.A)), AV: make([]float32, len(p.A)),
		BM: make([]float32, len(p.B)), BV: make([]float32, len(p.B)),
	}
}

func momentSlices(m engine.Moments) [4][]float32 { return [4][]float32{m.AM, m.AV, m.BM, m.BV} }

// writeMoments streams the optimizer's state, one pair of matrices at a time.
func (r *Run) writeMoments(w io.Writer) error {
	var list []safetensors.Entry
	err := load.EachPair(r.files, func(layer int, target engine.Target, p *adapter.Pair) error {
		var moments engine.Moments
		for i, name := range momentNames(layer, target) {
			elements := len(momentSlices(engine.Moments{AM: p.A, AV: p.A, BM: p.B, BV: p.B})[i])
			list = append(list, safetensors.Entry{
				Name: name, DType: safetensors.F32, Shape: []int{elements},
				Write: func(w io.Writer) error {
					if i == 0 { // the first tensor to be written fetches all four
						moments = newMoments(p)
						if err := r.trainer.ReadMoments(layer, target, moments); err != nil {
							return err
						}
					}
					_, err := w.Write(safetensors.AppendF32(nil, momentSlices(moments)[i]))
					return err
				},
			})
		}
		return nil
	})
	if err != nil {
		return err
	}
	return safetensors.Write(w, nil, list)
}

// readMoments is the reverse of writeMoments.
func (r *Run) readMoments(path string) error {
	file, err := safetensors.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	return load.EachPair(r.files, func(layer int, target engine.Target, p *adapter.Pair) error {
		var found [4][]float32
		sizes := momentSlices(engine.Moments{AM: p.A, AV: p.A, BM: p.B, BV: p.B})
		for i, name := range momentNames(layer, target) {
			tensor, ok := file.Tensor(name)
			if !ok || tensor.Elements() != len(sizes[i]) {
				return fmt.Errorf("%s: tensor %s is missing or does not have %d elements", path, name, len(sizes[i]))
			}
			values, err := tensor.Floats()
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			found[i] = values
		}
		return r.trainer.WriteMoments(layer, target, engine.Moments{AM: found[0], AV: found[1], BM: found[2], BV: found[3]})
	})
}

// RequireOptions returns an error if resuming from the checkpoint would use other options.
func (s State) RequireOptions(checkpoint string, now Options) error {
	return s.Options.requireSame(now, checkpoint)
}

// RequireSame returns an error if resuming from the checkpoint would use other options, windows or base weights than it was
// trained with. It needs no engine, so it can be called before the base model is loaded.
func (s State) RequireSame(checkpoint string, now Options, data *Data, base string) error {
	if err := s.RequireOptions(checkpoint, now); err != nil {
		return err
	}
	other := ""
	switch {
	case s.Base != base:
		other = "another base model, or other weights of it"
	case s.Data != data.fingerprint() || s.Windows != len(data.Train):
		other = fmt.Sprintf("other windows (%d then, %d now)", s.Windows, len(data.Train))
	default:
		return nil
	}
	return usererr.With(fmt.Errorf("cannot resume: %s was trained on %s", checkpoint, other),
		"start a new run from it with %v %s", continueFrom, checkpoint)
}

// Resume continues the run from a checkpoint that has passed RequireSame. The adapter's matrices must already be the
// checkpoint's.
func (r *Run) Resume(checkpoint string, s State) error {
	if s.Step > r.schedule.TotalSteps {
		return fmt.Errorf("cannot resume: %s is at step %d of %d", checkpoint, s.Step, r.schedule.TotalSteps)
	}
	if err := r.readMoments(filepath.Join(checkpoint, optimizerFile)); err != nil {
		return fmt.Errorf("cannot resume: %w", err)
	}
	r.step, r.resumed, r.hasCheckpoint, r.saved, r.lastCheckpoint = s.Step, true, true, true, checkpoint
	r.baseEvalLoss, r.evaluations, r.since = s.BaseEvalLoss, s.Evaluations, s.Since
	if s.People != nil {
		r.people = r.people.union(*s.People)
	}
	return nil
}
