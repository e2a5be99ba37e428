package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"ventriloquist/internal/batch"
	"ventriloquist/internal/exportcheck"
	"ventriloquist/internal/load"
	"ventriloquist/internal/model"
	"ventriloquist/internal/model/adapter"
	"ventriloquist/internal/model/gguf"
	"ventriloquist/internal/modelfile"
	"ventriloquist/internal/terminal"
	"ventriloquist/internal/usererr"
	"ventriloquist/internal/windows"
)

const (
	checkedWindows = 20
	checkedTokens  = 2048 // per window; the oldest messages are dropped to fit
)

// exportCheck compares an export with the model that it was made from.
type exportCheck struct {
	model      modelOptions
	location   model.Location
	adapterDir string // "" for the base alone
	path       string
	format     exportcheck.Format
	source     windows.List
	list       []int // the windows to run
	out        io.Writer
}

// newExportCheck finds the held-out windows, before anything is written.
func newExportCheck(ctx context.Context, o *exportOptions, location model.Location, adapterDir string, out io.Writer) (*exportCheck, error) {
	source, err := openWindows(ctx, o.model.dataPath, o.dataDir)
	if err != nil {
		return nil, usererr.With(fmt.Errorf("--check needs held-out windows: %w", err), "name a window file with --data-path")
	}
	_, heldOut := windows.Split(source)
	if len(heldOut) == 0 {
		err := usererr.With(fmt.Errorf("--check needs held-out windows, and none of %s is held out", terminal.Quantity(source.Len(), "window")), "%s", heldOutHint(o.model.dataPath))
		return nil, errors.Join(err, source.Close())
	}
	return &exportCheck{model: o.model.model, location: location, adapterDir: adapterDir, source: source, list: spread(heldOut, checkedWindows), out: out}, nil
}

// spread returns up to n elements at even distances.
func spread(list []int, n int) []int {
	if len(list) <= n {
		return list
	}
	var picked []int
	for i := range n {
		picked = append(picked, list[i*len(list)/n])
	}
	return picked
}

func (c *exportCheck) close() error { return c.source.Close() }

// run compares the export at path: its weights, then what the engine computes with them.
func (c *exportCheck) run(ctx context.Context, path string) (err error) {
	c.path = path
	if c.format, err = exportcheck.FormatOf(path); err != nil {
		return err
	}
	if c.format == exportcheck.Ollama {
		if err := modelfile.Check(path); err != nil {
			return err
		}
		c.path, c.format = filepath.Join(path, modelfile.Weights), exportcheck.GGUF
	}
	if c.format.IsAdapter() && c.adapterDir == "" {
		return usererr.With(usererr.Usage("%s is an adapter, and --base-model alone has none to compare it with", path), "name the original with --adapter")
	}
	loaded, err := c.model.load(c.location, c.adapterDir)
	if err != nil {
		return err
	}
	defer func() {
		if loaded != nil {
			err = errors.Join(err, loaded.Close())
		}
	}()
	kind, exported, err := c.checkWeights(ctx, loaded)
	if err != nil {
		return wrongExport(path, err)
	}
	texts, err := c.read(ctx, loaded)
	if err != nil {
		return err
	}
	original, err := c.compute(ctx, loaded, texts)
	if err != nil {
		return err
	}
	if exported != nil {
		loaded.Adapter.Close()
		loaded.Files = exported
		if loaded.Adapter, err = load.Adapter(loaded.Model, exported); err != nil {
			return err
		}
	} else {
		err = loaded.Close()
		loaded = nil
		if err != nil {
			return err
		}
		if loaded, err = c.openExport(ctx, texts); err != nil {
			return err
		}
	}
	export, err := c.compute(ctx, loaded, texts)
	if err != nil {
		return err
	}
	return c.compare(original, export, kind, exactly(loaded))
}

// exactly reports whether the engine computes in float32.
func exactly(l *load.Loaded) bool { return l.Precision.String() == "f32" }

// checkWeights compares the weights, and returns their type; of an adapter alone also the adapter.
func (c *exportCheck) checkWeights(ctx context.Context, l *load.Loaded) (gguf.Type, *adapter.Adapter, error) {
	original := exportcheck.Original{Base: l.Base, Adapter: l.Files}
	if c.format.IsAdapter() {
		exported, err := original.ReadAdapter(c.path, c.format)
		if err == nil {
			err = original.CheckAdapter(c.path, exported)
		}
		return gguf.F32, exported, err
	}
	report, finish := newProgress("comparing", "weights")
	defer finish()
	done, total := int64(0), l.Base.Config.Parameters()
	original.Progress = func(n int64) {
		done += n
		report(done, total)
	}
	kind, err := original.CheckMerged(ctx, c.path, c.format)
	return kind, nil, err
}

// read returns the windows as ids.
func (c *exportCheck) read(ctx context.Context, l *load.Loaded) (texts []batch.Window, err error) {
	measured, err := batch.NewReader(c.source, l.Tokenizer, checkedTokens).Measure(ctx, c.list, func(w *batch.Window) error {
		texts = append(texts, *w)
		return nil
	}, nil)
	if err == nil {
		err = measured.RequireSome()
	}
	return texts, err
}

// openExport loads the export, and checks that its tokenizer gives the same ids.
func (c *exportCheck) openExport(ctx context.Context, texts []batch.Window) (*load.Loaded, error) {
	location, err := model.Resolve(c.path)
	if err != nil {
		return nil, err
	}
	loaded, err := c.model.load(location, "")
	if err != nil {
		return nil, err
	}
	again, err := c.read(ctx, loaded)
	if err != nil {
		return nil, errors.Join(err, loaded.Close())
	}
	for i := range texts {
		if !slices.Equal(texts[i].IDs, again[i].IDs) {
			return nil, errors.Join(wrongExport(c.path, fmt.Errorf("%s: the tokenizer gives other ids for held-out window %d", c.path, i)), loaded.Close())
		}
	}
	return loaded, nil
}

// compute runs a model on the windows.
func (c *exportCheck) compute(ctx context.Context, l *load.Loaded, texts []batch.Window) (*exportcheck.Run, error) {
	report, finish := newProgress("computing", "windows")
	defer finish()
	ends := endsOfText(l.Base.Config, l.Tokenizer)
	settings := exportcheck.Settings{Model: l.Model, Adapter: l.Adapter, Progress: report, Ends: func(id int32) bool {
		text := l.Tokenizer.Decode([]int32{id})
		return slices.Contains(ends, id) || len(text) > 0 && text[len(text)-1] == '\n'
	}}
	return exportcheck.NewRun(ctx, settings, texts)
}

// compare prints how the runs differ, and fails if that is more than the type of weights explains.
func (c *exportCheck) compare(original, export *exportcheck.Run, kind gguf.Type, exactly bool) error {
	result, err := exportcheck.Compare(original, export, kind)
	if err != nil {
		return wrongExport(c.path, err)
	}
	what := fmt.Sprintf("every weight is the original's in %s", kind)
	if c.format.IsAdapter() {
		what = "every matrix and the scale are the original's"
	}
	fmt.Fprintf(c.out, "%s: %s\n", c.path, what)
	tied := ""
	if result.Tied > 0 {
		tied = fmt.Sprintf(" (%d more part at two equally likely tokens)", result.Tied)
	}
	fmt.Fprintf(c.out, "%s: %d of %d greedy texts are the same%s; KL per token %.2g, at most %.2g\n",
		terminal.Quantity(result.Windows, "held-out window"), result.Equal, result.Windows, tied, result.KL, result.Largest)
	if err := result.Within(exportcheck.LimitsOf(kind, exactly)); err != nil {
		return wrongExport(c.path, err)
	}
	return nil
}

// wrongExport is the error of an export that is not the original.
func wrongExport(path string, err error) error {
	return usererr.With(fmt.Errorf("the export is not the model that it was made from: %w", err),
		"do not use %s; if you named the adapter and base model that it was made from, this is an error of vqctl: please report it", path)
}
