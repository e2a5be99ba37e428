package train

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"

	"ventriloquist/internal/atomicfile"
)

// Replayed is a run that is to be trained again on other windows, from its start or from a checkpoint that is as the new run would
// have written it.
type Replayed struct {
	State       State // of the latest checkpoint
	Checkpoints []int // steps after which there is a checkpoint that is whole, ascending
}

// ReplayOf returns the run whose checkpoints are in an output folder, nil if there are none.
func ReplayOf(outputDir string) (*Replayed, error) {
	list, err := candidates(outputDir)
	if err != nil {
		return nil, err
	}
	var r *Replayed
	for _, c := range list { // the one with the most steps first
		switch {
		case c.err != nil:
			continue
		case r == nil:
			r = &Replayed{State: c.state}
		case !c.state.sameRun(r.State):
			continue
		}
		if filepath.Base(c.dir) != finalName && c.state.checkWhole(c.dir) == nil {
			r.Checkpoints = append([]int{c.state.Step}, r.Checkpoints...)
		}
	}
	return r, nil
}

// DependsOnCount reports whether the first steps of a run depend on how many windows there are: then no checkpoint is as that of a run
// on fewer windows. Shuffling does, and so does a learning rate that follows from the number of steps; with patience, the held-out
// windows decide when a run ends.
func (s *State) DependsOnCount() bool {
	if s.Options.Shuffle || s.Settings != nil && s.Settings.Patience > 0 {
		return true
	}
	switch {
	case s.Options.MaxSteps > 0 || s.Options.Scheduler == "constant":
		return false
	case s.Options.Scheduler == "constant_with_warmup":
		return s.Options.WarmupRatio > 0
	}
	return true
}

// Prefixes returns, for each of some steps, a hash of all that decides what a run has computed up to there: which windows each step
// had, in which order, at which rate, and on a device whose sums depend on them also the limits. The steps ascend.
func (d *Data) Prefixes(o Options, steps []int, withLimits bool) (map[int]string, error) {
	schedule, err := NewSchedule(o.Scheduler, o.LearningRate, o.WarmupRatio, o.TotalSteps(d.Steps(o)))
	if err != nil {
		return nil, err
	}
	hash := fnv.New128a()
	add := func(values any) { _ = binary.Write(hash, binary.LittleEndian, values) } // writing to a hash never fails
	if withLimits {
		limits := d.Limits(o)
		add([]int64{int64(limits.MaxTokens), int64(limits.MaxWindows), int64(limits.MaxTargets)})
	}
	found := make(map[int]string, len(steps))
	var order []int
	epochNow, step := -1, 0
	for _, wanted := range steps {
		if wanted > schedule.TotalSteps {
			break
		}
		for ; step < wanted; step++ {
			epoch, first, last := d.Steps(o).Step(step + 1)
			if epoch != epochNow {
				epochNow, order = epoch, epochOrder(len(d.Train), o.Seed, epoch, o.Shuffle)
			}
			add(schedule.Rate(step + 1))
			for _, at := range order[first:last] {
				w, err := d.reader.Read(d.Train[at])
				if err != nil {
					return nil, err
				}
				add(int64(len(w.IDs)))
				add(w.IDs)
				for _, n := range w.Targets {
					add(int64(n))
				}
			}
			add(int64(-1)) // the end of a step
		}
		found[wanted] = fmt.Sprintf("%x", hash.Sum(nil))
	}
	return found, nil
}

// Adopt copies a checkpoint into the output folder of a new run on other windows, of which the checkpoint has seen none that the new
// run would not have seen. Training resumes from there. The evaluations are left out: they are of the old run's held-out windows.
func Adopt(checkpoint, outputDir string, data *Data) error {
	s, err := ReadState(checkpoint)
	if err == nil {
		err = s.checkWhole(checkpoint)
	}
	if err != nil {
		return err
	}
	s.Windows, s.Data, s.TotalSteps = len(data.Train), data.fingerprint(), s.Options.TotalSteps(data.Steps(s.Options))
	s.People, s.ByTime, s.BaseEvalLoss, s.Evaluations, s.Since = nil, false, nil, nil, tally{}
	if s.Settings != nil && s.Settings.ContinueFrom != "" {
		before := peopleOf(s.Settings.ContinueFrom)
		s.People = &before
	}
	if err := os.MkdirAll(outputDir, 0o700); err != nil {
		return err
	}
	return atomicfile.WriteDir(filepath.Join(outputDir, filepath.Base(checkpoint)), func(tmp string) error {
		for _, name := range checkedFiles {
			if err := linkOrCopy(filepath.Join(checkpoint, name), filepath.Join(tmp, name)); err != nil {
				return err
			}
		}
		text, err := json.MarshalIndent(s, "", "  ")
		if err != nil {
			return err
		}
		return atomicfile.WriteBytes(filepath.Join(tmp, stateFile), append(text, '\n'))
	})
}
