package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"ventriloquist/internal/batch"
	"ventriloquist/internal/load"
	"ventriloquist/internal/model"
	"ventriloquist/internal/runlog"
	"ventriloquist/internal/terminal"
	"ventriloquist/internal/train"
	"ventriloquist/internal/usererr"
	"ventriloquist/internal/windows"
)

// estimate finds what training again costs, and which checkpoints may be as those of a run without the person.
func (r *retraining) estimate(ctx context.Context, run *train.Replayed, log *runlog.Log) error {
	s := &run.State
	source, encoder, err := r.openData(ctx, s)
	if err != nil {
		return err
	}
	defer source.Close()
	options := s.Options
	read := func(list windows.List) (*train.Data, error) {
		report, finish := newProgress("tokenizing windows", "windows")
		defer finish()
		done := int64(0)
		return train.ReadData(ctx, list, encoder, options.MaxSeqLength, options.Limit, func() {
			done++
			report(done, int64(list.Len()))
		})
	}
	left := windows.Without(source, r.plan.Name)
	if left.Len() == 0 {
		return usererr.With(errors.New("they take part in every conversation: nothing is left to train on"), "forget them without --retrain, and delete the adapters that it lists")
	}
	without, err := read(left)
	if err != nil {
		return fmt.Errorf("without this person: %w", err)
	}
	before, err := read(source)
	if err != nil {
		return err
	}
	first, same := 0, before.Fingerprint() == s.Data
	if same && !s.DependsOnCount() && len(run.Checkpoints) > 0 {
		if first, err = r.takePrefixes(run, log, before, without); err != nil {
			return err
		}
	}
	r.told = r.costInWords(run, without, log, first)
	if !same && s.Settings.Command["canaries"] == "" {
		r.told += "; the windows are not those of the run any more: it is trained on them as they are now"
	}
	return nil
}

// openData opens the windows of the run and its tokenizer.
func (r *retraining) openData(ctx context.Context, s *train.State) (windows.List, batch.Encoder, error) {
	base, err := model.Resolve(s.BaseModel)
	if err != nil {
		return nil, nil, err
	}
	encoder, err := load.LoadTokenizer(base)
	if err != nil {
		return nil, nil, err
	}
	source, err := openWindows(ctx, r.plan.DataPath, r.dataDir)
	if err != nil {
		return nil, nil, err
	}
	return windows.WithMemory(source, s.Options.MemoryTokens, tokenCount(encoder)), encoder, nil
}

// takePrefixes records what the checkpoints of the run have computed, and returns the step of the last one that a run without the
// person would have written, 0 for none.
func (r *retraining) takePrefixes(run *train.Replayed, log *runlog.Log, before, without *train.Data) (first int, err error) {
	withLimits := limitsMatter(log)
	if r.plan.Prefixes, err = before.Prefixes(run.State.Options, run.Checkpoints, withLimits); err != nil {
		return 0, err
	}
	found, err := without.Prefixes(run.State.Options, run.Checkpoints, withLimits)
	return r.lastEqual(found), err
}

// limitsMatter reports whether the largest micro-batch of a run may change its sums: on a GPU, matrix multiplications are tuned for it.
func limitsMatter(log *runlog.Log) bool {
	return len(log.Starts) == 0 || slices.ContainsFunc(log.Starts, func(s runlog.Start) bool { return strings.HasPrefix(s.Machine.Instructions, "sm_") })
}

// lastEqual returns the last step whose prefix is as in the plan, 0 for none.
func (r *retraining) lastEqual(found map[int]string) (last int) {
	for step, hash := range found {
		if hash == r.plan.Prefixes[step] {
			last = max(last, step)
		}
	}
	return last
}

// adopt takes over the last checkpoint that a run on the windows as they are now would have written, if there is one.
func (r *retraining) adopt(ctx context.Context) error {
	if len(r.plan.Prefixes) == 0 {
		return nil
	}
	run, err := train.ReplayOf(r.outputDir)
	if err != nil || run == nil {
		return err
	}
	source, encoder, err := r.openData(ctx, &run.State)
	if err != nil {
		return err
	}
	defer source.Close()
	options := run.State.Options
	data, err := train.ReadData(ctx, source, encoder, options.MaxSeqLength, options.Limit, func() {})
	if err != nil {
		return err
	}
	log, err := runlog.Read(runlog.Path(r.outputDir))
	if err != nil {
		return err
	}
	found, err := data.Prefixes(options, run.Checkpoints, limitsMatter(log))
	if err != nil {
		return err
	}
	last := r.lastEqual(found)
	if last == 0 {
		return nil
	}
	checkpoint := filepath.Join(r.outputDir, fmt.Sprintf("checkpoint-%d", last))
	if err := train.Adopt(checkpoint, r.folder(), data); err != nil {
		return errors.Join(fmt.Errorf("cannot start from %s", checkpoint), err)
	}
	return nil
}

// costInWords says how many steps and tokens are trained, and how long that takes at the rate of the old run.
func (r *retraining) costInWords(run *train.Replayed, data *train.Data, log *runlog.Log, first int) string {
	steps := data.Steps(run.State.Options)
	total := run.State.Options.TotalSteps(steps)
	from := "from the start"
	if first > 0 {
		from = fmt.Sprintf("from checkpoint-%d, which had not seen this person", first)
	}
	about := ""
	if r.plan.Preprocess != nil {
		about = "about " // groups stay, with a stand-in
	}
	tokens := float64(data.Tokens) * float64(total-first) / float64(steps.PerEpoch())
	text := fmt.Sprintf("the run in %s is then trained again without them, %s: %s%s, %s tokens", r.outputDir, from, about,
		terminal.Quantity(total-first, "step"), terminal.Count(int64(tokens)))
	if rate := ownRate(log); rate > 0 {
		text += fmt.Sprintf(", about %s at the run's own rate of %s tokens per second", inHours(tokens/rate/3600), terminal.Count(int64(rate)))
	} else {
		text += "; how long that takes is not known, because the run has no log"
	}
	return text + evaluationsToo(run.State.Settings.EvalSteps) + "; the result is byte for byte that of a run without them"
}

// ownRate returns the tokens per second of a run, over all its steps; 0 if it has none.
func ownRate(log *runlog.Log) float64 {
	tokens, seconds := 0.0, 0.0
	for _, s := range log.Steps {
		if s.TokensPerSecond > 0 {
			tokens += float64(s.Tokens)
			seconds += float64(s.Tokens) / s.TokensPerSecond
		}
	}
	if seconds == 0 {
		return 0
	}
	return tokens / seconds
}
