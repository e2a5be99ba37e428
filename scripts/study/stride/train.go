package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"time"

	"ventriloquist/engine"
	"ventriloquist/internal/batch"
	"ventriloquist/internal/demo"
	"ventriloquist/internal/load"
	"ventriloquist/internal/model"
	"ventriloquist/internal/model/adapter"
	"ventriloquist/internal/tokenizer"
	"ventriloquist/internal/train"
	"ventriloquist/internal/windows"
)

// What all runs share: the demo's settings where they do not depend on the stride.
const (
	rank           = 32
	alpha          = 64
	dropout        = 0.05
	maxTokens      = 4096 // of a window
	perMicroBatch  = 2    // windows
	perStep        = 50   // targets; a window with more is a step of its own
	warmupRatio    = 0.03
	weightDecay    = 0.01
	maxGradNorm    = 1
	heldOutBatches = 2 // windows
)

// study trains cells on one chat.
type study struct {
	chat    *chat
	shorter map[int]*chat // the same messages with at most this many before each
	device  *engine.Device
	base    *model.Model
	encoder *tokenizer.Tokenizer
	model   *engine.Model
}

func newStudy(threads int, c *chat, shorter map[int]*chat) (*study, error) {
	s := &study{chat: c, shorter: shorter}
	location, err := model.Resolve(demo.Base)
	if err != nil {
		return nil, err
	}
	if s.base, err = location.Open(); err != nil {
		return nil, err
	}
	if s.encoder, err = load.Tokenizer(s.base); err == nil {
		s.device, err = engine.OpenCPU(threads)
	}
	if err == nil {
		var precision engine.DType
		if precision, err = load.Precision("auto", s.device); err == nil {
			s.model, err = load.Model(s.device, s.base, precision, engine.Plain, true)
		}
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *study) Close() {
	if s.model != nil {
		s.model.Close()
	}
	if s.device != nil {
		s.device.Close()
	}
	s.base.Close()
}

// cut is a window: the number of its last message, and how many targets it has.
type cut struct{ last, targets int }

// cutList is a list of windows that are cut from a chat.
type cutList struct {
	*chat
	cuts []cut
}

func (l *cutList) Window(i int) (*windows.Window, error) {
	w, err := l.chat.Window(l.cuts[i].last)
	if err == nil {
		w.Targets = l.cuts[i].targets
	}
	return w, err
}

// cut returns the training windows of an epoch, in the order in which they are visited.
func (c *cell) cut(conversations [][]int, epoch int) (cuts []cut) {
	r := rand.New(rand.NewPCG(c.Seed, uint64(epoch)))
	for _, all := range conversations {
		first := c.Stride
		if c.Phase == randomPhase {
			first = 1 + r.IntN(c.Stride)
		}
		for begin, end := 0, min(first, len(all)); begin < len(all); begin, end = end, min(end+c.Stride, len(all)) {
			cuts = append(cuts, cut{all[end-1], end - begin})
		}
	}
	r.Shuffle(len(cuts), func(i, j int) { cuts[i], cuts[j] = cuts[j], cuts[i] })
	return cuts
}

// tokensPerMessage is the mean length of a line of the demo's chat.
const tokensPerMessage = 66

// cost is about how many tokens a cell reads.
func (s *study) cost(c cell) float64 {
	if c.Stride == 0 || c.Tokens > 0 {
		return c.Tokens
	}
	tokens := 0
	for _, all := range s.chat.conversations {
		for e := c.Stride; e < len(all)+c.Stride; e += c.Stride {
			tokens += min(maxTokens, tokensPerMessage*min(c.Window, e))
		}
	}
	return c.Epochs * float64(tokens)
}

// train runs a cell and measures the held-out messages.
func (s *study) train(ctx context.Context, c cell) (*result, error) {
	files, err := adapter.New(s.base.Config, adapter.Options{R: rank, Alpha: alpha, Dropout: dropout, Targets: model.Projections}, c.Seed)
	if err != nil {
		return nil, err
	}
	a, err := load.Adapter(s.model, files)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	trainer, err := s.model.NewTrainer(a, engine.TrainLimits{MaxTokens: perMicroBatch * maxTokens, MaxWindows: perMicroBatch,
		MaxTargets: perMicroBatch * maxTokens}, true)
	if err != nil {
		return nil, err
	}
	defer trainer.Close()
	r := &runner{study: s, trainer: trainer, cell: c, result: &result{cell: c}}
	began := time.Now()
	if c.Stride > 0 {
		err = r.run(ctx)
	}
	if err != nil {
		return nil, err
	}
	r.result.Seconds = time.Since(began).Seconds()
	if r.result.HeldOut, err = s.score(ctx, trainer, s.chat); err != nil {
		return nil, err
	}
	r.result.Loss = meanLoss(r.result.HeldOut)
	return r.result, s.scoreShorter(ctx, trainer, r.result)
}

// scoreShorter measures the held-out messages with fewer messages before them.
func (s *study) scoreShorter(ctx context.Context, trainer *engine.Trainer, r *result) error {
	for before, c := range s.shorter {
		scores, err := s.score(ctx, trainer, c)
		if err != nil {
			return err
		}
		if r.Shorter == nil {
			r.Shorter = map[string]float64{}
		}
		r.Shorter[strconv.Itoa(before)] = meanLoss(scores)
	}
	return nil
}

// runner is a cell that is running.
type runner struct {
	*study
	trainer  *engine.Trainer
	cell     cell
	result   *result
	schedule train.Schedule
	seed     uint64 // of the next micro-batch's dropout
	slot     int
}

func (r *runner) run(ctx context.Context) error {
	list := &cutList{chat: r.chat}
	reader := batch.NewReader(list, r.encoder, maxTokens)
	windowsPerStep := max(1, perStep/r.cell.Stride)
	total, err := r.totalSteps(windowsPerStep, reader, list)
	if err != nil {
		return err
	}
	if r.schedule, err = train.NewSchedule("cosine", r.cell.Rate, warmupRatio, total); err != nil {
		return err
	}
	for epoch := 0; r.result.Steps < total; epoch++ {
		list.cuts = r.cell.cut(r.chat.conversations, epoch)
		for at := 0; at < len(list.cuts) && r.result.Steps < total; at += windowsPerStep {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := r.step(reader, list, at, min(at+windowsPerStep, len(list.cuts))); err != nil {
				return err
			}
		}
	}
	return nil
}

// totalSteps is the length of the run. With a number of tokens, the length follows from the mean length of the windows.
func (r *runner) totalSteps(windowsPerStep int, reader *batch.Reader, list *cutList) (int, error) {
	list.cuts = r.cell.cut(r.chat.conversations, 0)
	perEpoch := (len(list.cuts) + windowsPerStep - 1) / windowsPerStep
	if r.cell.Tokens == 0 {
		return int(math.Ceil(r.cell.Epochs * float64(perEpoch))), nil
	}
	const sample = 200
	tokens, read := 0, min(sample, len(list.cuts))
	for i := range read { // in a random order
		w, fits, err := readFitting(reader, i)
		if err != nil {
			return 0, err
		}
		if fits {
			tokens += len(w.IDs)
		}
	}
	if tokens == 0 {
		return 0, fmt.Errorf("stride %d: no window's targets fit %d tokens: use a smaller --window", r.cell.Stride, maxTokens)
	}
	return max(1, int(math.Round(r.cell.Tokens*float64(read)/float64(tokens)/float64(windowsPerStep)))), nil
}

// readFitting reads a window. As in vqctl train, one whose targets alone are too long does not take part.
func readFitting(reader *batch.Reader, i int) (w batch.Window, fits bool, err error) {
	w, err = reader.Read(i)
	var tooLong *batch.TooLongError
	if errors.As(err, &tooLong) {
		return batch.Window{}, false, nil
	}
	return w, err == nil, err
}

// step trains on the windows from first up to but not including last.
func (r *runner) step(reader *batch.Reader, list *cutList, first, last int) error {
	var ids []batch.Window
	targets := 0
	for i := first; i < last; i++ {
		w, fits, err := readFitting(reader, i)
		if err != nil {
			return err
		}
		if !fits {
			r.result.LeftOut += int64(list.cuts[i].targets)
			continue
		}
		ids = append(ids, w)
		targets += w.TargetTokens()
		r.result.Read += int64(len(w.IDs))
		r.result.Learned += int64(list.cuts[i].targets)
	}
	r.result.Steps++
	if targets == 0 {
		return nil
	}
	for at := 0; at < len(ids); at += perMicroBatch {
		if err := r.trainer.Wait(r.slot); err != nil {
			return err
		}
		size := batch.Fill(r.trainer.Batch(r.slot), ids[at:min(at+perMicroBatch, len(ids))])
		r.seed++
		if err := r.trainer.Accumulate(r.slot, size.Windows, size.Targets, r.cell.Seed<<32^r.seed); err != nil {
			return err
		}
		r.slot = (r.slot + 1) % engine.Slots
	}
	err := r.trainer.BeginUpdate(engine.Update{
		LearningRate: float32(r.schedule.Rate(r.result.Steps)), Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8,
		WeightDecay: weightDecay, MaxGradNorm: maxGradNorm, Normalizer: float64(targets), Step: int64(r.result.Steps),
	})
	if err != nil {
		return err
	}
	_, err = r.trainer.EndUpdate()
	return err
}

// score returns the losses of the held-out messages of a chat.
func (s *study) score(ctx context.Context, trainer *engine.Trainer, c *chat) ([]score, error) {
	reader := batch.NewReader(c, s.encoder, maxTokens)
	var all []score
	losses := make([]float32, trainer.Limits().MaxTargets)
	for at := 0; at < len(c.heldOut); at += heldOutBatches {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		var ids []batch.Window
		for _, i := range c.heldOut[at:min(at+heldOutBatches, len(c.heldOut))] {
			w, err := c.Window(i)
			if err != nil {
				return nil, err
			}
			m, err := windows.ParseMessage(w.TargetLines()[0].Text)
			if err != nil {
				return nil, err
			}
			tokens, err := reader.Tokenize(i, w)
			if err != nil {
				return nil, err
			}
			ids = append(ids, tokens)
			all = append(all, score{Conversation: w.Conversation, Author: m.Name, Tokens: tokens.TargetTokens()})
		}
		size := batch.Fill(trainer.Batch(0), ids)
		if err := trainer.Evaluate(0, size.Windows, size.Targets, losses[:size.Targets]); err != nil {
			return nil, err
		}
		rest := losses
		for i := len(all) - len(ids); i < len(all); i++ {
			for _, loss := range rest[:all[i].Tokens] {
				all[i].Sum += float64(loss)
			}
			rest = rest[all[i].Tokens:]
		}
	}
	return all, nil
}
