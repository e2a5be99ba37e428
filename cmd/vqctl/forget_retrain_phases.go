package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"ventriloquist/internal/atomicfile"
	"ventriloquist/internal/messages"
	"ventriloquist/internal/regularfile"
	"ventriloquist/internal/runlog"
	"ventriloquist/internal/train"
	"ventriloquist/internal/usererr"
)

// retrainStep is what a phase does.
type retrainStep struct {
	phase string
	run   func(context.Context) error
}

// goOn carries out the phases that are left. The person must be erased from the data.
func (r *retraining) goOn(ctx context.Context) error {
	steps := []retrainStep{{phasePreprocess, r.preprocess}, {phaseTrain, r.train}, {phaseRemove, r.removeOld}, {phaseMove, r.moveNew}}
	first := max(0, slices.IndexFunc(steps, func(s retrainStep) bool { return s.phase == r.plan.Phase }))
	for _, s := range steps[first:] {
		err := r.enter(s.phase)
		if err == nil {
			err = s.run(ctx)
		}
		if err != nil {
			return usererr.With(fmt.Errorf("%s is erased from the data, but the run in %s is not yet trained again: %w", r.plan.Name, r.outputDir, err),
				"%s", strings.TrimPrefix(withAdvice(err)+"; ", "; ")+"then go on with: "+r.command())
		}
	}
	return os.Remove(r.path())
}

// withAdvice returns the hint of an error, but not that of a stopped run: another command goes on with it.
func withAdvice(err error) string {
	var interrupted *train.InterruptedError
	if errors.As(err, &interrupted) {
		return ""
	}
	return usererr.Of(err)
}

// preprocess cuts the windows again, with the options of the last time.
func (r *retraining) preprocess(ctx context.Context) error {
	if r.plan.Preprocess == nil {
		return nil
	}
	args := append([]string{"preprocess", "--data-dir", r.dataDir}, r.plan.Preprocess...)
	if err := preprocessCommand(func() io.Writer { return r.out }).Run(ctx, args); err != nil {
		return err
	}
	return record(ctx, r.dataDir, "preprocess", messages.LastRun{Flags: r.plan.Preprocess, At: time.Now()})
}

// train trains the new run, or goes on with it.
func (r *retraining) train(ctx context.Context) error {
	if err := r.requireOld(); err != nil {
		return err
	}
	dir := r.folder()
	if finished, err := train.ReplayOf(dir); err == nil && finished != nil && statOf(filepath.Join(dir, "final")) != nil {
		return nil
	}
	if statOf(dir) == nil {
		if err := r.adopt(ctx); err != nil {
			return err
		}
	}
	args := append([]string{"train"}, r.plan.Train...)
	if _, err := train.Latest(dir); err == nil {
		args = []string{"train", "--resume"}
	}
	c := newTrainCommand()
	c.Action = func(ctx context.Context, c *cli.Command) error {
		opts, err := trainOptionsOf(c)
		if err != nil {
			return err
		}
		return runTrain(ctx, nil, opts, r.out)
	}
	return c.Run(ctx, append(args, "--output-dir="+dir))
}

// requireOld returns an error if the run in the output folder is not that which the plan replaces.
func (r *retraining) requireOld() error {
	now, err := train.ReplayOf(r.outputDir)
	if err != nil || now != nil && now.State.Data == r.plan.Data {
		return err
	}
	return usererr.With(fmt.Errorf("another run was trained in %s meanwhile", r.outputDir), "the one without the person is in %s: move it where you want it, and delete %s", r.folder(), r.path())
}

// ofRun are the files of a run in its output folder, besides its checkpoints.
var ofRun = []string{"final", "best", "run.json", runlog.Name, train.OutputFile, train.PlantedFile, "report.html", "tensorboard", "wandb"}

// removeOld removes the old run.
func (r *retraining) removeOld(context.Context) error {
	release, err := train.LockOutputDir(r.outputDir)
	if err != nil {
		return err
	}
	defer release()
	old := regularfile.Glob(r.outputDir, "checkpoint-*")
	for _, name := range ofRun {
		old = append(old, filepath.Join(r.outputDir, name))
	}
	for _, path := range old {
		if err := os.RemoveAll(path); err != nil {
			return err
		}
	}
	return nil
}

// moveNew moves the new run to where the old one was.
func (r *retraining) moveNew(ctx context.Context) error {
	if err := r.renameInLog(); err != nil {
		return err
	}
	entries, err := os.ReadDir(r.folder())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		if err := os.Rename(filepath.Join(r.folder(), e.Name()), filepath.Join(r.outputDir, e.Name())); err != nil {
			return err
		}
	}
	if err := os.Remove(r.folder()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if statOf(databasePath(r.dataDir)) == nil {
		return nil
	}
	db, err := openDatabase(ctx, r.dataDir)
	if err != nil {
		return err
	}
	defer db.Close()
	return cmp.Or(db.RemoveOutput(ctx, r.folder()), db.AddOutput(ctx, r.outputDir))
}

// renameInLog gives the adapters that the log of the new run names the paths that they will have.
func (r *retraining) renameInLog() error {
	path := runlog.Path(r.folder())
	old, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	inJSON := func(folder string) []byte {
		text, _ := json.Marshal(folder + string(filepath.Separator)) // a string can always be encoded
		return text[:len(text)-1]
	}
	return atomicfile.WriteBytes(path, bytes.ReplaceAll(old, inJSON(r.folder()), inJSON(r.outputDir)))
}

// replaces reports whether a path is of the run that will be removed, or of the retraining.
func (r *retraining) replaces(path string) bool {
	relative, err := filepath.Rel(r.outputDir, path)
	if err != nil {
		return false
	}
	first, _, _ := strings.Cut(filepath.ToSlash(relative), "/")
	return slices.Contains(ofRun, first) || strings.HasPrefix(first, "checkpoint-") || first == retrainFile || first == retrainedName
}
