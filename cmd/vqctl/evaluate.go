package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v3"

	"ventriloquist/internal/atomicfile"
	"ventriloquist/internal/evaluate"
	"ventriloquist/internal/generate"
	"ventriloquist/internal/load"
	"ventriloquist/internal/terminal"
	"ventriloquist/internal/usererr"
	"ventriloquist/internal/windows"
)

// evaluateOptions are the flags of `vqctl evaluate`.
type evaluateOptions struct {
	model          modelOptions
	sample         generate.Options
	dataDir        string
	dataPath       string
	all            bool
	maxSeqLength   int
	skipGeneration bool
	samples        int
	perContact     bool
	whoSaidIt      bool
	nextMessage    bool
	compare        int // number of a window, -1 for none
	sideBySide     int // how many windows to show, 0 for none
	target         string
	withBase       bool
	json           bool
}

// resultsFile is written into the adapter's folder.
const resultsFile = "eval_results.json"

func newEvaluateCommand() *cli.Command {
	return &cli.Command{
		Name:  "evaluate",
		Usage: "measure perplexity and well-formedness on the held-out messages",
		Description: `Evaluates on the held-out windows, or on all with --all. messages.db says which messages are held out (preprocess --held-out);
of a window file they are the last two windows of each conversation that has more. Windows longer than --max-seq-length lose
their oldest messages, as in training. The perplexity is that of the target messages. Messages are generated without the grammar that generate applies, to measure how many are well-formed. The results are also written to ` + resultsFile + ` in the
adapter's folder, unless only the base model is evaluated.

--who-said-it guesses the author of each of these messages: the member under whose name its text is most likely. It reports the
accuracy, next to that of a random guess (chance) and of always naming the conversation's most frequent writer (majority), and the
expected calibration error.

--next-message asks before each of these messages who writes it, how long after the last one, and of what kind it is. It reports
the mean log-loss in nats and the accuracy, next to those of guessing by frequency.

--compare N shows one of those windows, counted from 0: the messages before, the real message, and the one that the model
generates in its place, as the real author or as --target. --side-by-side N shows N of them, spread over all windows, each with
the one message before.`,
		Flags: slices.Concat(
			inGroup(dataGroup,
				dataDirFlag(nil),
				&cli.StringFlag{Name: "data-path", Usage: "evaluate on this window `FILE` instead of messages.db"},
				&cli.BoolFlag{Name: "all", Usage: "evaluate on all windows, not only on those held out"},
				&cli.IntFlag{Name: "max-seq-length", Value: 4096, Usage: "`N`: maximum tokens per window; oldest messages are dropped to fit"}),
			inGroup(measureGroup,
				&cli.BoolFlag{Name: "skip-generation", Usage: "measure the perplexity only"},
				&cli.IntFlag{Name: "samples", Value: 50, Usage: "`N`: number of messages to generate (at most one per window)"},
				&cli.BoolFlag{Name: "per-contact", Usage: "also report per person"},
				&cli.BoolFlag{Name: "who-said-it", Usage: "also measure how often the model recognizes the author by the text"},
				&cli.BoolFlag{Name: "next-message", Usage: "also measure how well the model foresees who writes, how soon, and what kind of message"},
				&cli.IntFlag{Name: "compare", HideDefault: true, Usage: "show window `N` with the real and a generated message"},
				&cli.IntFlag{Name: "side-by-side", HideDefault: true, Usage: "show `N` real messages, and what the model writes in their places"},
				&cli.StringFlag{Name: "target", Usage: "with --compare: `NAME` of the person who writes"},
				&cli.BoolFlag{Name: "with-base", Usage: "with --compare: also show what the base model writes"}),
			sampleFlags("42", "(default: off)"), loadedModelFlags(),
			inGroup(outputGroup, &cli.BoolFlag{Name: "json", Usage: "print the results as a JSON object"})),
		Action: func(ctx context.Context, c *cli.Command) error {
			opts, err := evaluateOptionsOf(c)
			if err != nil {
				return err
			}
			return runEvaluate(ctx, opts, stdout)
		},
	}
}

func evaluateOptionsOf(c *cli.Command) (o evaluateOptions, err error) {
	o = evaluateOptions{
		dataDir: c.String("data-dir"), dataPath: c.String("data-path"), all: c.Bool("all"), maxSeqLength: c.Int("max-seq-length"),
		skipGeneration: c.Bool("skip-generation"), samples: c.Int("samples"), perContact: c.Bool("per-contact"), whoSaidIt: c.Bool("who-said-it"), nextMessage: c.Bool("next-message"), sideBySide: c.Int("side-by-side"),
		compare: -1, target: c.String("target"), withBase: c.Bool("with-base"), json: c.Bool("json"),
	}
	if o.model, err = modelOptionsOf(c); err != nil {
		return o, err
	}
	if o.sample, err = sampleOptionsOf(c, true); err != nil {
		return o, err
	}
	if !c.IsSet("seed") {
		o.sample.Seed = 42 // the same command gives the same rates
	}
	if c.IsSet("compare") {
		if o.compare = c.Int("compare"); o.compare < 0 {
			return o, usererr.Usage("--compare %d: windows are counted from 0", o.compare)
		}
	}
	if err := noArguments(c, "name a window file with --data-path"); err != nil {
		return o, err
	}
	switch {
	case o.compare < 0 && (o.target != "" || o.withBase):
		return o, usererr.Usage("--target and --with-base go with --compare")
	case o.compare >= 0 && (o.whoSaidIt || o.nextMessage):
		return o, usererr.Usage("--compare goes neither with --who-said-it nor with --next-message")
	case c.IsSet("side-by-side") && (o.sideBySide < 1 || o.compare >= 0 || o.whoSaidIt || o.nextMessage):
		return o, usererr.Usage("--side-by-side takes at least 1, and none of --compare, --who-said-it and --next-message")
	case o.maxSeqLength < 1:
		return o, usererr.Usage("--max-seq-length must be at least 1")
	case o.samples < 1:
		return o, usererr.With(usererr.Usage("--samples must be at least 1"), "to generate none: --skip-generation")
	}
	return o, nil
}

// runEvaluate evaluates or compares, and writes the result to out.
func runEvaluate(ctx context.Context, o evaluateOptions, out io.Writer) error {
	base, adapterDir, err := o.model.resolve()
	if err != nil {
		return err
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
	o.model.noticeBest()
	loaded, err := o.model.load(base, adapterDir)
	if err != nil {
		return err
	}
	defer loaded.Close()
	set, err := o.readSet(ctx, source, list, loaded)
	if err != nil {
		return err
	}
	if o.compare >= 0 {
		return o.runCompare(ctx, set, loaded, out)
	}
	if o.sideBySide > 0 {
		return o.runSideBySide(ctx, set, loaded, out)
	}
	report, err := o.measure(ctx, set, loaded)
	if err != nil {
		return err
	}
	text, err := report.JSON()
	if err != nil {
		return err
	}
	if adapterDir != "" {
		defer recordOutput(ctx, o.dataDir, adapterDir)
		defer keepResults(adapterDir, text)
	}
	if o.json {
		_, err = out.Write(text)
		return err
	}
	return report.Print(out)
}

// keepResults writes the results into the adapter's folder. They have been printed by then, so a failure is only a warning.
func keepResults(adapterDir string, text []byte) {
	if err := atomicfile.WriteBytes(filepath.Join(adapterDir, resultsFile), text); err != nil {
		notice("warning: the results were not kept with the adapter: %v", err)
	}
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
func (o *evaluateOptions) readSet(ctx context.Context, source windows.List, list []int, l *load.Loaded) (*evaluate.Set, error) {
	report, finish := newProgress("tokenizing windows", "windows")
	set, err := evaluate.NewSet(ctx, source, list, l.Tokenizer, o.maxSeqLength, report)
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

func (o *evaluateOptions) measure(ctx context.Context, set *evaluate.Set, l *load.Loaded) (*evaluate.Report, error) {
	trainer, err := l.Model.NewTrainer(l.Adapter, set.Limits(), false)
	if err != nil {
		return nil, err
	}
	report, finish := newProgress("measuring", "windows")
	scores, err := set.Score(ctx, trainer, report)
	finish()
	trainer.Close()
	if err != nil {
		return nil, err
	}
	var samples *evaluate.Samples
	if !o.skipGeneration {
		writer := newGenerator(l, false)
		defer writer.Close()
		report, finish := newProgress("writing messages", "messages")
		samples, err = set.Generate(ctx, writer, o.samples, o.sample, report)
		finish()
		if err != nil {
			return nil, err
		}
	}
	result := evaluate.NewReport(scores, samples, o.perContact)
	if o.whoSaidIt {
		if result.WhoSaidIt, err = measureAuthors(ctx, set, l); err != nil {
			return nil, err
		}
	}
	if o.nextMessage {
		result.NextMessage, err = measureForesight(ctx, set, l)
	}
	return result, err
}

// measureForesight measures how well the model foresees the next message.
func measureForesight(ctx context.Context, set *evaluate.Set, l *load.Loaded) (*evaluate.NextMessage, error) {
	chooser := newGenerator(l, false)
	defer chooser.Close()
	report, finish := newProgress("asking what comes next", "windows")
	defer finish()
	return set.NextMessage(ctx, chooser, report)
}

// measureAuthors measures how often the model names the author of a message.
func measureAuthors(ctx context.Context, set *evaluate.Set, l *load.Loaded) (*evaluate.WhoSaidIt, error) {
	session, err := l.Model.NewSession(l.Adapter, set.SequenceTokens(), 1)
	if err != nil {
		return nil, err
	}
	defer session.Close()
	report, finish := newProgress("asking who said it", "windows")
	defer finish()
	return set.WhoSaidIt(ctx, session, report)
}

func (o *evaluateOptions) runCompare(ctx context.Context, set *evaluate.Set, l *load.Loaded, out io.Writer) error {
	c, prompt, err := set.Prepare(o.compare, o.target)
	if err != nil {
		return err
	}
	as := c.Generated.Name
	writer := newGenerator(l, false)
	defer writer.Close()
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

func (o *evaluateOptions) runSideBySide(ctx context.Context, set *evaluate.Set, l *load.Loaded, out io.Writer) error {
	writer := newGenerator(l, false)
	defer writer.Close()
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
