package train

import (
	"os"
	"path/filepath"

	"go.uber.org/zap"

	"ventriloquist/internal/scratch"
)

// prune removes the checkpoints of this run that are no longer wanted, now that newest is whole. It keeps the one with the lowest
// loss on the held-out windows.
func (r *Run) prune(newest string) {
	list, err := candidates(r.settings.OutputDir)
	if err != nil {
		r.log.Warn("cannot look for old checkpoints", zap.Error(err))
		return
	}
	var own []candidate // the latest first
	for _, c := range list {
		if c.err == nil && c.step <= r.step && filepath.Base(c.dir) != finalName && c.state.sameRun(r.state()) {
			own = append(own, c)
		}
	}
	saved := map[int]bool{r.step: true}
	for _, c := range own {
		saved[c.step] = true
	}
	lowest := best(r.evaluations, func(step int) bool { return saved[step] })
	kept := 0
	for _, c := range own {
		wanted := c.dir == newest || !c.state.ByTime && (r.settings.KeepCheckpoints == 0 || kept < r.settings.KeepCheckpoints)
		if wanted {
			kept++
		} else if lowest == nil || lowest.Step != c.step {
			r.remove(c.dir)
		}
	}
}

// remove removes a folder under a name that marks it as temporary, so that a run that is killed meanwhile leaves no half of it.
func (r *Run) remove(dir string) {
	doomed := filepath.Join(filepath.Dir(dir), scratch.RandomName(filepath.Base(dir)))
	err := os.Rename(dir, doomed)
	if err == nil {
		err = os.RemoveAll(doomed)
	}
	if err != nil {
		r.log.Warn("cannot remove an old checkpoint", zap.String("folder", dir), zap.Error(err))
		return
	}
	r.log.Info("removed an old checkpoint", zap.String("folder", dir))
}
