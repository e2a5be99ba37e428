package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"ventriloquist/internal/batch"
	"ventriloquist/internal/evaluate"
	"ventriloquist/internal/evaluate/page"
	"ventriloquist/internal/generate"
	"ventriloquist/internal/load"
	"ventriloquist/internal/model"
	"ventriloquist/internal/terminal"
	"ventriloquist/internal/usererr"
	"ventriloquist/internal/windows"
)

// evaluateOptions are the flags of `vqctl evaluate`.
type evaluateOptions struct {
	model          modelOptions
	backend        backendOptions
	adapters       []string // as the flag names them
	sample         generate.Options
	dataDir        string
	dataPath       string
	all            bool
	maxSeqLength   int
	skipGeneration bool
	skipLoss       bool // with a backend
	samples        int
	perContact     bool
	whoSaidIt      bool
	nextMessage    bool
	style          bool
	styleMessages  int
	leaks          bool
	html           string // the page to write, "" for none
	blindTest      string // the page to write, "" for none
	blindMoments   int
	blindWritten   int
	blindAnswers   []string // files to score
	compare        int      // number of a window, -1 for none
	sideBySide     int      // how many windows to show, 0 for none
	target         string
	withBase       bool
	json           bool
}

// resultsFile is written into the adapter's folder.
const resultsFile = "eval_results.json"

// runEvaluate evaluates or compares, and writes the result to out.
func runEvaluate(ctx context.Context, o evaluateOptions, out io.Writer) error {
	if len(o.blindAnswers) > 0 {
		return o.runBlindAnswers(out)
	}
	var base model.Location
	var adapterDir string
	if o.backend.url == "" {
		var err error
		if base, adapterDir, err = o.model.resolve(); err != nil {
			return err
		}
	}
	source, err := openWindows(ctx, o.dataPath, o.dataDir)
	if err != nil {
		return err
	}
	defer source.Close()
	list, err := o.windows(source)
	if err != nil {
		return err
	}
	if o.backend.url != "" {
		return o.runWithBackend(ctx, source, list, out)
	}
	o.model.noticeBest()
	loaded, err := o.model.load(base, adapterDir)
	if err != nil {
		return err
	}
	defer loaded.Close()
	tokens, err := memoryTokens(o.evaluatedDirs(adapterDir))
	if err != nil {
		return err
	}
	source = windows.WithMemory(source, tokens, tokenCount(loaded.Tokenizer))
	set, err := o.readSet(ctx, source, list, loaded.Tokenizer, o.maxSeqLength)
	if err != nil {
		return err
	}
	if o.blindTest != "" || o.compare >= 0 || o.sideBySide > 0 {
		writer := newGenerator(loaded, false)
		defer writer.Close()
		return o.write(ctx, set, writer, loaded, out)
	}
	all, err := o.measureAll(ctx, set, loaded, adapterDir)
	if err != nil {
		return err
	}
	defer o.keepResults(ctx, all)
	return o.show(ctx, o.together(all), out)
}

// evaluatedDirs are the folders of the adapters; the first may be found by default.
func (o *evaluateOptions) evaluatedDirs(first string) (dirs []string) {
	if first != "" {
		dirs = append(dirs, first)
	}
	if len(o.adapters) > 1 {
		dirs = append(dirs, o.adapters[1:]...)
	}
	return dirs
}

// write has a model write what people compare. l is for what the base model alone writes.
func (o *evaluateOptions) write(ctx context.Context, set *evaluate.Set, w evaluate.Generator, l *load.Loaded, out io.Writer) error {
	switch {
	case o.blindTest != "":
		return o.runBlindTest(ctx, set, w, out)
	case o.compare >= 0:
		return o.runCompare(ctx, set, w, l, out)
	default:
		return o.runSideBySide(ctx, set, w, out)
	}
}

// show prints the results and writes the page.
func (o *evaluateOptions) show(ctx context.Context, report *evaluate.Report, out io.Writer) error {
	if err := o.print(report, out); err != nil || o.html == "" {
		return err
	}
	if err := writeHTML(o.html, func(w io.Writer) error { return page.Write(w, report, time.Now()) }); err != nil {
		return err
	}
	recordOutput(ctx, o.dataDir, o.html)
	return nil
}

// print writes the results for people or programs.
func (o *evaluateOptions) print(report *evaluate.Report, out io.Writer) error {
	if !o.json {
		return report.Print(out)
	}
	text, err := report.JSON()
	if err == nil {
		_, err = out.Write(text)
	}
	return err
}

// windows returns the windows to evaluate.
func (o *evaluateOptions) windows(source windows.List) ([]int, error) {
	train, heldOut := windows.Split(source)
	if o.all {
		list := append(train, heldOut...)
		slices.Sort(list)
		heldOut = list
	}
	if len(heldOut) == 0 {
		return nil, usererr.With(fmt.Errorf("no window is held out (%s in all)", terminal.Quantity(source.Len(), "window")),
			"%s; --all evaluates on every window", heldOutHint(o.dataPath))
	}
	return heldOut, nil
}

// heldOutHint says why no window is held out.
func heldOutHint(dataPath string) string {
	if dataPath != "" {
		return "in a window file, those are the last 2 of each conversation with more"
	}
	return fmt.Sprintf("preprocess --held-out N holds out N messages of conversations that have %d or more, fewer if N is below %d",
		windows.MessagesToHoldOut(windows.DefaultHeldOut), windows.DefaultHeldOut)
}

// readSet reads and measures the windows, and prints how many were cut or left out.
func (o *evaluateOptions) readSet(ctx context.Context, source windows.List, list []int, e batch.Encoder, maxTokens int) (*evaluate.Set, error) {
	report, finish := newProgress("tokenizing windows", "windows")
	set, err := evaluate.NewSet(ctx, source, list, e, maxTokens, report)
	finish()
	if err != nil {
		return nil, err
	}
	if err := set.RequireSome(); err != nil {
		return nil, err
	}
	if set.CutWindows > 0 {
		notice("dropped %s, the oldest of %s, to fit --max-seq-length %d", terminal.Quantity(set.CutLines, "message"), terminal.Quantity(set.CutWindows, "window"), o.maxSeqLength)
	}
	if set.TooLong > 0 {
		notice("%s left out: header and targets alone are over --max-seq-length %d", terminal.Quantity(set.TooLong, "window"), o.maxSeqLength)
	}
	return set, nil
}

func (o *evaluateOptions) runCompare(ctx context.Context, set *evaluate.Set, writer evaluate.Generator, l *load.Loaded, out io.Writer) error {
	c, prompt, err := set.Prepare(o.compare, o.target)
	if err != nil {
		return err
	}
	as := c.Generated.Name
	if c.Generated, err = evaluate.GenerateMessage(ctx, writer, prompt, as, o.sample); err != nil {
		return err
	}
	if o.withBase {
		base := newGenerator(l, true)
		defer base.Close()
		m, err := evaluate.GenerateMessage(ctx, base, prompt, as, o.sample)
		if err != nil {
			return err
		}
		c.Base = &m
	}
	if o.json {
		return printComparisonJSON(out, c)
	}
	return printComparison(out, c)
}

func (o *evaluateOptions) runSideBySide(ctx context.Context, set *evaluate.Set, writer evaluate.Generator, out io.Writer) error {
	end := waiting("writing messages")
	all, err := set.SideBySide(ctx, writer, o.sideBySide, o.sample)
	end()
	if err != nil {
		return err
	}
	if !o.json {
		return printSideBySide(out, all, cmp.Or(terminalWidth(out), 80))
	}
	for _, c := range all {
		if err := printComparisonJSON(out, c); err != nil {
			return err
		}
	}
	return nil
}
