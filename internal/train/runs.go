package train

import (
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
)

// RunInfo is a run on the disk.
type RunInfo struct {
	Folder       string   `json:"folder"`
	Name         string   `json:"name,omitempty"`
	Base         string   `json:"base_model"`
	Step         int      `json:"step"`
	TotalSteps   int      `json:"total_steps"`
	Finished     bool     `json:"finished"`
	EvalLoss     *float64 `json:"eval_loss"`      // the latest on the held-out windows
	BaseEvalLoss *float64 `json:"base_eval_loss"` // of the base model
	BestEvalLoss *float64 `json:"best_eval_loss"`
	BestStep     *int     `json:"best_step"`
}

// deepestRun is how many folders below the one that is searched a run may be.
const deepestRun = 3

// Runs lists the runs in a folder and below it, in the order of their paths. A run that wrote no checkpoint is listed at step 0.
func Runs(root string) (list []RunInfo, err error) {
	root = filepath.Clean(root)
	err = filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !e.IsDir() {
			return nil
		}
		name := e.Name()
		if path != root && (name == finalName || name == bestName || checkpointName.MatchString(name) || strings.HasPrefix(name, ".")) ||
			strings.Count(strings.TrimPrefix(path, root), string(filepath.Separator)) > deepestRun {
			return fs.SkipDir
		}
		list = append(list, runsIn(path)...)
		return nil
	})
	return list, err
}

// runsIn describes the run in an output folder, and an earlier one whose adapter is still there.
func runsIn(dir string) (list []RunInfo) {
	record, err := readRecord(dir)
	recorded := err == nil
	found, err := candidates(dir)
	if err != nil {
		return nil
	}
	own := slices.IndexFunc(found, func(c candidate) bool { return c.err == nil && recorded && c.state.sameRun(record) }) // the latest
	other := slices.IndexFunc(found, func(c candidate) bool { return c.err == nil && !(recorded && c.state.sameRun(record)) })
	switch {
	case own >= 0:
		list = append(list, infoOf(dir, found[own].state, filepath.Base(found[own].dir) == finalName))
	case recorded && !isStillAbove(dir, record):
		list = append(list, infoOf(dir, record, false))
	}
	if other >= 0 {
		c := found[other]
		folder := dir
		if recorded {
			folder = c.dir
		}
		list = append(list, infoOf(folder, c.state, filepath.Base(c.dir) == finalName))
	}
	return list
}

// isStillAbove reports whether a record was set aside for a run whose adapter has not moved yet.
func isStillAbove(dir string, record State) bool {
	above, err := candidates(filepath.Dir(dir))
	return err == nil && slices.ContainsFunc(above, func(c candidate) bool { return c.err == nil && c.state.sameRun(record) })
}

func infoOf(folder string, s State, finished bool) RunInfo {
	info := RunInfo{Folder: folder, Name: s.RunName, Base: s.BaseModel, Step: s.Step, TotalSteps: s.TotalSteps, Finished: finished, BaseEvalLoss: s.BaseEvalLoss}
	if n := len(s.Evaluations); n > 0 {
		lowest := best(s.Evaluations, func(int) bool { return true })
		info.EvalLoss, info.BestEvalLoss, info.BestStep = &s.Evaluations[n-1].Loss, &lowest.Loss, &lowest.Step
	}
	return info
}
