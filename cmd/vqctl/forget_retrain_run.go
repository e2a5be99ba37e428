package main

import (
	"context"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"ventriloquist/internal/train"
)

// runForgetRetrain erases a person, and trains the run of the output folder again without them; or goes on with that.
func runForgetRetrain(ctx context.Context, o forgetOptions, name string, in io.Reader, out io.Writer) error {
	if pending := retrainingIn(&o, out); pending != nil && pending.plan.Phase != phaseErase && strings.EqualFold(pending.plan.Name, name) {
		return pending.finish(ctx, newForgetResult(pending.plan.Name), out)
	}
	if statOf(databasePath(o.dataDir)) == nil {
		return retrainFromFile(ctx, o, name, in, out)
	}
	f, err := openForgetting(ctx, &o, name)
	listed := err == nil
	if f != nil {
		defer f.db.Close()
		name = f.name
	}
	r, failed := openRetraining(ctx, &o, name, listed, out)
	if failed != nil {
		return failed
	}
	if !listed {
		if r == nil {
			return err
		}
		return r.withoutErasing(ctx, err, in, out)
	}
	told := ""
	if r != nil {
		told, f.also = r.told, r.alsoErased()
		if o.yes && told != "" {
			printWrapped(r.out, "", told)
		}
		o.yes = o.yes || r.plan.Phase == phaseErase // agreed to before
	}
	if agreed, err := f.ask(ctx, told, in, out); err != nil || !agreed {
		return err
	}
	if r != nil {
		if err := r.enter(phaseErase); err != nil {
			return err
		}
	}
	result, err := f.erase(ctx)
	if err != nil {
		return err
	}
	if r == nil {
		return result.write(out, o.json)
	}
	return r.finish(ctx, result, out)
}

// retrainingIn returns the retraining that was stopped in the output folder, nil if there is none.
func retrainingIn(o *forgetOptions, out io.Writer) *retraining {
	r := newRetraining(o, out)
	if pending, err := r.readPlan(); err != nil || !pending {
		return nil // openRetraining says what is wrong
	}
	return r
}

// withoutErasing trains again without a person who is not in the data any more, because they were forgotten before. notListed says so.
func (r *retraining) withoutErasing(ctx context.Context, notListed error, in io.Reader, out io.Writer) error {
	run, err := train.ReplayOf(r.outputDir)
	if err != nil {
		return err
	}
	known := r.plan.Phase != "" || run != nil && run.State.People != nil && slices.Contains(run.State.People.Names, r.plan.Name)
	if !known {
		return notListed
	}
	if r.plan.Phase == "" {
		printWrapped(r.out, "", r.plan.Name+" is not in the contacts and messages: only the adapter is left. "+r.told)
		if !r.yes {
			agreed, err := ask(ctx, "Train it again?", in, out)
			if err != nil || !agreed {
				return err
			}
		}
	}
	return r.finish(ctx, newForgetResult(r.plan.Name), out)
}

// retrainFromFile is for a run that was trained on a window file, where there is no messages.db.
func retrainFromFile(ctx context.Context, o forgetOptions, name string, in io.Reader, out io.Writer) error {
	r, err := openRetraining(ctx, &o, name, true, out)
	if err != nil || r == nil {
		return err
	}
	if r.plan.DataPath == "" {
		_, err := openDatabase(ctx, o.dataDir) // says that it is missing
		return err
	}
	printWrapped(r.out, "", "windows of conversations with "+r.plan.Name+" will be erased from "+r.plan.DataPath+", for good. "+r.told)
	if !o.yes && r.plan.Phase == "" {
		if agreed, err := askToErase(ctx, r.plan.DataPath, "", in, out); err != nil || !agreed {
			return err
		}
	}
	if err := r.enter(phaseErase); err != nil {
		return err
	}
	files, err := appendTree(nil, o.outputDir)
	if err != nil {
		return err
	}
	files = onceEach(append(files, r.plan.DataPath), nil, nil)
	result := newForgetResult(r.plan.Name)
	if err := result.eraseFromFiles(files); err != nil {
		return err
	}
	if err := result.findTraces(files, []string{r.plan.Name}, []string{o.outputDir}); err != nil {
		return err
	}
	return r.finish(ctx, result, out)
}

// alsoErased returns the window file of the run, which may be in a folder of its own.
func (r *retraining) alsoErased() []string {
	if r.plan.DataPath == "" || r.plan.Preprocess != nil {
		return nil
	}
	return []string{r.plan.DataPath}
}

// finish trains again, and writes the result.
func (r *retraining) finish(ctx context.Context, result *forgetResult, out io.Writer) error {
	if err := train.RequireFree(r.folder()); err != nil {
		return err
	}
	if err := r.goOn(ctx); err != nil {
		return err
	}
	result.Retrained = filepath.Join(r.outputDir, "final")
	result.Traces = slices.DeleteFunc(result.Traces, r.replaces)
	result.Adapters = slices.DeleteFunc(result.Adapters, func(a adapterExposure) bool { return r.replaces(a.Path) })
	return result.write(out, r.json)
}
