package train

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"

	"go.uber.org/zap"

	"ventriloquist/internal/atomicfile"
	"ventriloquist/internal/model/adapter"
)

// bestName is the folder of the adapter as it was when its loss on the held-out windows was lowest. It has no optimizer's state.
const bestName = "best"

// BestDir returns the folder of the adapter with the lowest held-out loss.
func (r *Run) BestDir() string { return filepath.Join(r.settings.OutputDir, bestName) }

// improved reports whether the latest evaluation is of this step and has the lowest loss so far.
func (r *Run) improved() bool {
	n := len(r.evaluations)
	return n > 0 && r.evaluations[n-1].Step == r.step && best(r.evaluations, func(int) bool { return true }).Step == r.step
}

// keepBest writes the folder best if the latest evaluation is the best so far. The run goes on if it cannot be written.
func (r *Run) keepBest() {
	if !r.leads() || !r.improved() || r.settings.NoRoomForBest {
		return
	}
	if err := r.writeBest(); err != nil {
		r.log.Warn("the run continues without "+bestName, zap.Error(err))
	}
}

func (r *Run) writeBest() error {
	if err := r.downloadAdapter(); err != nil {
		return err
	}
	if err := r.archiveForeignBest(); err != nil {
		return err
	}
	r.progress(Progress{Doing: Saving, Step: r.step})
	return atomicfile.WriteDir(r.BestDir(), func(tmp string) error { return r.writeAdapterAndState(tmp, false) })
}

// linkBest makes the folder best of the finished adapter, which is the best, and shares its weights on the disk.
func (r *Run) linkBest() error {
	if err := r.archiveForeignBest(); err != nil {
		return err
	}
	return atomicfile.WriteDir(r.BestDir(), func(tmp string) error {
		for _, name := range []string{adapter.WeightsFile, adapter.ConfigFile} {
			if err := linkOrCopy(filepath.Join(r.FinalDir(), name), filepath.Join(tmp, name)); err != nil {
				return err
			}
		}
		return r.writeState(tmp, false)
	})
}

// linkOrCopy links weights, and copies what someone may edit, or where the file system has no links.
func linkOrCopy(from, to string) error {
	if filepath.Base(from) == adapter.WeightsFile && os.Link(from, to) == nil {
		return nil
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	return atomicfile.Write(to, func(w io.Writer) error {
		_, err := io.Copy(w, in)
		return err
	})
}

// archiveForeignBest moves the best adapter of an earlier run out of the way.
func (r *Run) archiveForeignBest() error {
	if r.ownsBest {
		return nil
	}
	r.ownsBest = true
	dir := r.BestDir()
	if _, err := os.Lstat(dir); err != nil {
		return nil
	}
	if s, err := ReadState(dir); err == nil && r.resumed && s.sameRun(r.state()) {
		return nil
	}
	return r.archive(dir)
}

// writeState writes trainer_state.json with the checksums of the other files in the folder.
func (r *Run) writeState(dir string, byTime bool) (err error) {
	s := r.state()
	s.ByTime = byTime
	if s.Checksums, err = checksums(dir); err != nil {
		return err
	}
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.WriteBytes(filepath.Join(dir, stateFile), append(text, '\n'))
}

// Usable is the adapter of a run that commands use by default.
type Usable struct {
	Dir string
	// Better is set if Dir is not that of the finished adapter, but of the one with the lowest held-out loss.
	Better           *Evaluation
	AtEnd            *float64 // held-out loss of the finished adapter; nil if it was not measured, or the run is not finished
	Step, TotalSteps int      // how far the run is
	Finished         bool
}

// UsableAdapter returns the adapter to use of those in an output folder: best if it belongs to the run that wrote final, and is
// better; or to a run that has not finished any. It returns a Dir "" if there is neither.
func UsableAdapter(outputDir string) Usable {
	final, bestDir := filepath.Join(outputDir, finalName), filepath.Join(outputDir, bestName)
	_, err := os.Stat(final)
	u := Usable{Finished: err == nil}
	if u.Finished {
		u.Dir = final
	}
	b, err := ReadState(bestDir)
	if err != nil {
		return u
	}
	lowest := best(b.Evaluations, func(step int) bool { return step == b.Step })
	if lowest == nil {
		return u
	}
	if !u.Finished {
		return Usable{Dir: bestDir, Better: lowest, Step: b.Step, TotalSteps: b.TotalSteps}
	}
	s, err := ReadState(final)
	if err != nil || !s.sameRun(b) || s.Step == b.Step {
		return u
	}
	u.Dir, u.Better, u.Step, u.TotalSteps = bestDir, lowest, s.Step, s.TotalSteps
	if n := len(s.Evaluations); n > 0 && s.Evaluations[n-1].Step == s.Step {
		u.AtEnd = &s.Evaluations[n-1].Loss
	}
	return u
}
