package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strconv"

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
	Dropout    float64 `json:"lora_dropout"`
	Options    Options `json:"options"`
	// Checksums are the CRC-32C of the checkpoint's other files, by name.
	Checksums map[string]string `json:"crc32c,omitempty"`
}

// FinalDir returns the folder of the finished adapter.
func (r *Run) FinalDir() string { return filepath.Join(r.settings.OutputDir, finalName) }

func (r *Run) checkpointDir() string {
	return filepath.Join(r.settings.OutputDir, fmt.Sprintf("checkpoint-%d", r.step))
}

// save writes the folder dir whole or not at all.
func (r *Run) save(dir string) error {
	if err := r.downloadAdapter(); err != nil {
		return err
	}
	if err := r.archivePreviousRun(dir); err != nil {
		return err
	}
	err := atomicfile.WriteDir(dir, func(tmp string) error {
		if err := r.files.WriteFiles(tmp); err != nil {
			return err
		}
		if err := atomicfile.Write(filepath.Join(tmp, optimizerFile), r.writeMoments); err != nil {
			return err
		}
		s := r.state()
		var err error
		if s.Checksums, err = checksums(tmp); err != nil {
			return err
		}
		state, err := json.MarshalIndent(s, "", "  ")
		if err != nil {
			return err
		}
		return atomicfile.WriteBytes(filepath.Join(tmp, stateFile), append(state, '\n'))
	})
	if err != nil {
		err = fmt.Errorf("step %d: cannot write the checkpoint: %w", r.step, err)
		if !r.saved {
			return usererr.With(err, "no checkpoint has been written yet: make room, or name another folder with %v, and start again", outputDir)
		}
		return usererr.With(err, "earlier checkpoints in %s are complete; make room and continue with %v", r.settings.OutputDir, resumeOption)
	}
	r.saved = true
	r.log.Info("saved", zap.String("folder", dir), zap.Int("step", r.step), zap.Int("total_steps", r.schedule.TotalSteps))
	return nil
}

func (r *Run) state() State {
	return State{
		Version: stateVersion, RunName: r.settings.RunName, Step: r.step, TotalSteps: r.schedule.TotalSteps,
		Windows: len(r.data.Train), Data: r.data.fingerprint(), Base: r.base, People: &r.people,
		Dropout: r.files.Dropout, Options: r.opts,
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

// RequireSame returns an error if resuming from the checkpoint would use other options, windows or base weights than it was
// trained with. It needs no engine, so it can be called before the base model is loaded.
func (s State) RequireSame(checkpoint string, now Options, data *Data, base string) error {
	if err := s.Options.requireSame(now, checkpoint); err != nil {
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
	r.step, r.hasCheckpoint, r.saved = s.Step, true, true
	if s.People != nil {
		r.people = r.people.union(*s.People)
	}
	return nil
}

// archivePreviousRun moves the checkpoints of an earlier run out of the way of this one's before its first checkpoint, and
// the earlier final folder before this run's own: nothing is lost, and resuming never mixes two runs.
func (r *Run) archivePreviousRun(next string) error {
	if !r.hasCheckpoint {
		r.hasCheckpoint = true
		found, err := filepath.Glob(filepath.Join(r.settings.OutputDir, "checkpoint-*"))
		if err != nil {
			return err
		}
		for _, dir := range found {
			if err := r.archive(dir); err != nil {
				return err
			}
		}
	}
	if next != r.FinalDir() {
		return nil
	}
	s, err := ReadState(next)
	s.Checksums = nil // r.state() has none
	if errors.Is(err, os.ErrNotExist) {
		if _, err := os.Stat(next); err != nil {
			return nil
		}
	} else if err == nil && reflect.DeepEqual(s, r.state()) {
		return nil // this run's own
	}
	return r.archive(next)
}

func (r *Run) archive(dir string) error {
	if r.archiveDir == "" {
		for n := 1; ; n++ {
			candidate := filepath.Join(r.settings.OutputDir, "previous-"+strconv.Itoa(n))
			err := os.Mkdir(candidate, 0o700)
			if err == nil {
				r.archiveDir = candidate
				break
			}
			if !errors.Is(err, os.ErrExist) {
				return fmt.Errorf("cannot set aside %s of the earlier run: %w", dir, err)
			}
		}
	}
	return os.Rename(dir, filepath.Join(r.archiveDir, filepath.Base(dir)))
}
