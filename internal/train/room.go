package train

import (
	"fmt"

	"ventriloquist/engine"
	"ventriloquist/internal/load"
	"ventriloquist/internal/model"
	"ventriloquist/internal/model/adapter"
	"ventriloquist/internal/regularfile"
	"ventriloquist/internal/terminal"
	"ventriloquist/internal/usererr"
)

// Checkpoints is the number of checkpoints that a run still writes after done steps and keeps, the finished adapter included. Those
// that SaveMinutes asks for are not counted: they may never come.
func (p RunSettings) Checkpoints(done, total int) int {
	count := p.written(done, total)
	if p.KeepCheckpoints > 0 {
		count = min(count, p.mostKept())
	}
	return count + 1
}

// written is the number of checkpoints that a run writes after done steps, without the finished adapter.
func (p RunSettings) written(done, total int) int {
	if p.SaveSteps == 0 {
		return 0
	}
	return max(0, (total-1)/p.SaveSteps-done/p.SaveSteps)
}

// additional is the number of checkpoints that need room besides those that are there: those that pruning keeps in the end, and
// one that is written before another is removed.
func (p RunSettings) additional(done, total, there int) int {
	if p.KeepCheckpoints == 0 {
		return p.Checkpoints(done, total)
	}
	return max(0, min(p.mostKept(), there+p.written(done, total))-there) + 1
}

// mostKept is the number of checkpoints that pruning leaves: the newest ones, and the one with the lowest loss.
func (p RunSettings) mostKept() int {
	if p.EvalSteps > 0 {
		return p.KeepCheckpoints + 1
	}
	return p.KeepCheckpoints
}

// Room is what the checkpoints of a run take on the disk.
type Room struct {
	Each  int64 // bytes of a checkpoint
	Count int   // that the run writes and keeps, the finished adapter included
	Free  int64 // bytes on the disk
}

// Total returns the bytes of all checkpoints.
func (r Room) Total() int64 { return r.Each * int64(r.Count) }

// checkpointBytes is the size of a checkpoint of this adapter: matrices and two moments in float32, and small files.
func checkpointBytes(files *adapter.Adapter) (int64, error) {
	values := int64(0)
	err := load.EachPair(files, func(_ int, _ engine.Target, p *adapter.Pair) error {
		values += int64(len(p.A) + len(p.B))
		return nil
	})
	return CheckpointBytes(values), err
}

// CheckpointBytes is the size of a checkpoint of an adapter with so many values.
func CheckpointBytes(values int64) int64 {
	const small = 1 << 20 // the other files
	return small + 3*4*values
}

// RequireRoom returns what the checkpoints will take, and an error if the disk has no room for them: the run would train for
// nothing. Without room for more than these, it sets NoRoomForBest and NoRoomByTime.
func RequireRoom(o Options, p *RunSettings, data *Data, files *adapter.Adapter, done int) (room Room, err error) {
	if room.Each, err = checkpointBytes(files); err != nil {
		return room, err
	}
	if room.Free, err = model.FreeSpace(p.OutputDir); err != nil {
		return room, err
	}
	total, there := o.TotalSteps(data.Steps(o)), 0
	if done > 0 { // resumed
		there = len(regularfile.Glob(p.OutputDir, "checkpoint-*"))
	}
	room.Count = p.Checkpoints(done, total)
	need := int64(p.additional(done, total, there))
	if err := requireRoom(p.OutputDir, room.Each, need, room.Free); err != nil {
		return room, err
	}
	left := room.Free - need*room.Each
	best := 2 * room.Each / 3 // a better one is written before the one that it replaces is removed; neither has moments
	p.NoRoomForBest = left < best
	p.NoRoomByTime = left < best+room.Each
	return room, nil
}

func requireRoom(dir string, size, count, free int64) error {
	if size*count <= free {
		return nil
	}
	what := "a checkpoint of " + terminal.Bytes(uint64(size))
	if count > 1 {
		what = fmt.Sprintf("%d checkpoints of %s, %s in all", count, terminal.Bytes(uint64(size)), terminal.Bytes(uint64(size*count)))
	}
	err := fmt.Errorf("%s has %s free, but the run writes %s", dir, terminal.Bytes(uint64(free)), what)
	if size > free {
		return usererr.With(err, "free %s, or name a folder on another disk with %v", terminal.Bytes(uint64(size*count-free)), outputDir)
	}
	return usererr.With(err, "free %s, name a folder on another disk with %v, or keep fewer checkpoints with %v, or a larger %v", terminal.Bytes(uint64(size*count-free)),
		outputDir, usererr.Option("keep_checkpoints"), usererr.Option("save_steps"))
}
