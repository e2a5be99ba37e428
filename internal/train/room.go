package train

import (
	"fmt"

	"ventriloquist/engine"
	"ventriloquist/internal/load"
	"ventriloquist/internal/model"
	"ventriloquist/internal/model/adapter"
	"ventriloquist/internal/usererr"
)

// Checkpoints is the number of checkpoints that a run still writes after `done` steps, the finished adapter included.
func (p RunSettings) Checkpoints(done, total int) int {
	if p.SaveSteps == 0 {
		return 1
	}
	return max(0, (total-1)/p.SaveSteps-done/p.SaveSteps) + 1
}

// checkpointBytes is the size of a checkpoint of this adapter: matrices and two moments in float32, and small files.
func checkpointBytes(files *adapter.Adapter) (int64, error) {
	const small = 1 << 20
	bytes := int64(small)
	err := load.EachPair(files, func(_ int, _ engine.Target, p *adapter.Pair) error {
		bytes += 3 * 4 * int64(len(p.A)+len(p.B))
		return nil
	})
	return bytes, err
}

// RequireRoom returns an error if the disk has no room for all checkpoints that the run will write: it would train for nothing.
func RequireRoom(o Options, p RunSettings, data *Data, files *adapter.Adapter, done int) error {
	size, err := checkpointBytes(files)
	if err != nil {
		return err
	}
	free, err := model.FreeSpace(p.OutputDir)
	if err != nil {
		return err
	}
	return requireRoom(p.OutputDir, size, int64(p.Checkpoints(done, o.TotalSteps(data.Steps(o)))), free)
}

func requireRoom(dir string, size, count, free int64) error {
	if size*count <= free {
		return nil
	}
	what := "a checkpoint of " + model.FormatBytes(size)
	if count > 1 {
		what = fmt.Sprintf("%d checkpoints of %s, %s in all", count, model.FormatBytes(size), model.FormatBytes(size*count))
	}
	err := fmt.Errorf("%s has %s free, but the run writes %s", dir, model.FormatBytes(free), what)
	if size > free {
		return usererr.With(err, "free %s, or name a folder on another disk with %v", model.FormatBytes(size*count-free), outputDir)
	}
	return usererr.With(err, "free %s, name a folder on another disk with %v, or write fewer checkpoints with a larger %v", model.FormatBytes(size*count-free),
		outputDir, usererr.Option("save_steps"))
}
