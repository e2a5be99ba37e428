package train

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"go.uber.org/zap"

	"ventriloquist/engine"
	"ventriloquist/internal/evaluate"
	"ventriloquist/internal/usererr"
	"ventriloquist/internal/windows"
)

// A run may be that of several processes: Handles.Comm connects them. Each has the whole run in memory and takes the same steps.
// Rank 0 alone writes files and reports; all agree once per step on what follows, and in evaluations.

// What a process asks of the others with an update.
const (
	stopFlag uint32 = 1 << iota // it was asked to stop
	saveFlag                    // a checkpoint by time is due
)

func (r *Run) alone() bool { return r.comm == nil }

// leads reports whether this process writes the files of the run.
func (r *Run) leads() bool { return r.rank() == 0 }

func (r *Run) rank() int {
	if r.alone() {
		return 0
	}
	return r.comm.Rank()
}

func (r *Run) world() int {
	if r.alone() {
		return 1
	}
	return r.comm.World()
}

// agreeing returns the context that the run's parts take. Alone it is ctx itself. Otherwise it is canceled when all processes
// have learned that one of them is asked to stop: see heed.
func (r *Run) agreeing(ctx context.Context) (context.Context, context.CancelFunc) {
	r.asked = ctx
	if r.alone() {
		return context.WithCancel(ctx)
	}
	agreed, stop := context.WithCancel(context.WithoutCancel(ctx))
	r.stop = stop
	return agreed, stop
}

// flags returns what this process asks of the others after a step.
func (r *Run) flags(step int) (flags uint32) {
	if r.alone() {
		return 0
	}
	if r.asked.Err() != nil {
		flags |= stopFlag
	}
	if r.leads() && r.timeToSave(step) {
		flags |= saveFlag
	}
	return flags
}

// heed does what the processes ask of each other.
func (r *Run) heed(s *pendingStep, flags uint32) {
	if r.alone() {
		return
	}
	if flags&stopFlag != 0 {
		r.stop()
	}
	s.byTime = flags&saveFlag != 0
}

// follow is saveCheckpoint in the processes that do not write.
func (r *Run) follow(dir string) error {
	if err := r.trainer.SendMoments(); err != nil {
		return err
	}
	r.saved, r.lastSave, r.lastCheckpoint = true, r.now(), dir
	return nil
}

// collecting calls write while the other processes send what it asks for.
func (r *Run) collecting(write func() error) error {
	err := write()
	if failed := r.trainer.MomentsRead(); err == nil {
		err = failed
	}
	return err
}

// peerFailed explains that another process failed. What this one did meanwhile does not matter.
func (r *Run) peerFailed(err error) error {
	for next := errors.Unwrap(err); next != nil && next != engine.ErrPeer && errors.Is(next, engine.ErrPeer); next = errors.Unwrap(err) {
		err = next
	}
	err = fmt.Errorf("after step %d: %w", r.step, err)
	if r.lastCheckpoint == "" {
		return usererr.With(err, "no checkpoint has been written yet: start again")
	}
	return usererr.With(err, "the last checkpoint is %s: continue from it with %v, with as many processes as you like", r.lastCheckpoint, resumeOption)
}

// A process is slow if rank 0 waits for it for more than slowShare of the time, and for a second, in slowSteps steps in a row. It is
// named once in slowSilence steps.
const (
	slowShare   = 0.25
	slowSteps   = 3
	slowSilence = 100
)

// slowness is which process rank 0 has waited for.
type slowness struct {
	waited []float64 // seconds for each rank, so far
	rank   int       // the slowest of the last step, 0 for none
	steps  int       // in a row
	named  int       // the step after which one was named
}

// note takes what was waited for in a step, and reports whether the slow process is to be named now.
func (w *slowness) note(step int, took float64, waited []float64) (rank int, seconds float64, name bool) {
	for r, all := range waited {
		if now := all - w.waited[r]; now > seconds {
			rank, seconds = r, now
		}
		w.waited[r] = all
	}
	if seconds < 1 || seconds < slowShare*took {
		rank = 0
	}
	if rank != w.rank || rank == 0 {
		w.rank, w.steps = rank, 0
	}
	w.steps++
	if rank == 0 || w.steps < slowSteps || w.named > 0 && step < w.named+slowSilence {
		return rank, seconds, false
	}
	w.named = step
	return rank, seconds, true
}

// noteSlow logs which process the others wait for, if they do for long.
func (r *Run) noteSlow(s *pendingStep) {
	if r.alone() || !r.leads() {
		return
	}
	waited := make([]float64, r.world())
	for rank := range waited {
		waited[rank] = r.comm.Waited(rank)
	}
	if rank, seconds, name := r.slow.note(s.Step, s.Elapsed.Seconds(), waited); name {
		r.log.Warn("a process is slow: the others wait for it", zap.Int("rank", rank), zap.Int("step", s.Step), zap.Float64("waited_seconds", seconds),
			zap.Float64("step_seconds", s.Elapsed.Seconds()))
	}
}

// score computes the losses of the held-out windows. Several processes share the batches: number i is computed by rank i mod world.
func (r *Run) score(ctx context.Context, p windows.Progress) (*evaluate.Scores, error) {
	if r.alone() {
		return r.data.HeldOut.Score(ctx, r.trainer, p)
	}
	shared := &sharedLosses{Trainer: r.trainer, rank: r.rank(), world: r.world(), asked: r.asked}
	if _, err := r.data.HeldOut.Score(ctx, shared, p); err != nil {
		return nil, err
	}
	all, err := r.comm.AllGather(shared.encode())
	if err != nil {
		return nil, err
	}
	stop := false
	for rank, of := range all {
		if len(of) != 4*len(shared.losses)+1 {
			return nil, fmt.Errorf("rank %d evaluated other windows", rank)
		}
		stop = stop || of[0] != 0
	}
	if stop {
		r.stop()
		return nil, ctx.Err()
	}
	return r.data.HeldOut.Score(ctx, &knownLosses{Trainer: r.trainer, of: all}, nil)
}

// sharedLosses computes the losses of this process' batches. Those of the others are zero.
type sharedLosses struct {
	*engine.Trainer
	rank, world int
	asked       context.Context
	stopped     bool // nothing is computed any more
	batches     int
	losses      []float32
}

func (l *sharedLosses) Evaluate(slot, windows, targets int, loss []float32) error {
	mine := l.batches%l.world == l.rank
	l.batches++
	l.stopped = l.stopped || l.asked.Err() != nil
	if mine && !l.stopped {
		if err := l.Trainer.Evaluate(slot, windows, targets, loss); err != nil {
			return err
		}
	}
	l.losses = append(l.losses, loss...)
	for i := range loss { // what is not finite is found when all are known
		loss[i] = 0
	}
	return nil
}

// encode returns the losses after a byte that is 1 if they are incomplete.
func (l *sharedLosses) encode() []byte {
	out := make([]byte, 1, 1+4*len(l.losses))
	if l.stopped {
		out[0] = 1
	}
	for _, loss := range l.losses {
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(loss))
	}
	return out
}

// knownLosses are the losses that the processes have computed.
type knownLosses struct {
	*engine.Trainer
	of      [][]byte // by rank, as encoded
	batches int
	done    int // losses so far
}

func (l *knownLosses) Evaluate(_, _, _ int, loss []float32) error {
	from := l.of[l.batches%len(l.of)][1+4*l.done:]
	for i := range loss {
		loss[i] = math.Float32frombits(binary.LittleEndian.Uint32(from[4*i:]))
	}
	l.batches++
	l.done += len(loss)
	return nil
}
