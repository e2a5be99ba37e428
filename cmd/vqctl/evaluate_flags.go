package main

import (
	"context"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"

	"ventriloquist/internal/evaluate/blind"
	"ventriloquist/internal/model"
	"ventriloquist/internal/usererr"
)

func newEvaluateCommand() *cli.Command {
	return &cli.Command{
		Name:                      "evaluate",
		DisableSliceFlagSeparator: true, // a comma in a path is a comma
		Usage:                     "measure perplexity and well-formedness on the held-out messages",
		Description: `Evaluates on the held-out windows, or on all with --all. messages.db says which messages are held out (preprocess --held-out);
of a window file they are the last two windows of each conversation that has more. Windows longer than --max-seq-length lose
their oldest messages, as in training. The perplexity is that of the target messages. Messages are generated without the grammar that generate applies, to measure how many are well-formed. The results are also written to ` + resultsFile + ` in the
adapter's folder, unless only the base model is evaluated. docs/evaluation.md explains every figure.

With several --adapter, and with --with-base, the models are compared on the same windows: the difference of their losses in nats,
with a 95% interval.

--who-said-it guesses the author of each of these messages: the member under whose name its text is most likely. It reports the
accuracy, next to that of a random guess (chance) and of always naming the conversation's most frequent writer (majority), the
expected calibration error, the accuracy by length, and whom the model takes for whom.

--next-message asks before each of these messages who writes it, how long after the last one, of what kind it is, and which reaction.
It reports the mean log-loss in nats and the accuracy, next to those of guessing by frequency, and how far reply times drawn from the
model are from real ones.

--style has the model write a message in the place of each of up to --style-messages held-out ones, and compares, for each person,
written with real messages in length, emoji, punctuation, capitals, spelling, laughter, vocabulary, and what a classifier of authors
says. Each distance is next to that between two halves of the person's own messages (floor) and to other people's (ceiling).

--leaks looks in messages written in the same way for copies of messages that were trained on, and for private values of the kinds that
redact knows. Copies are next to those in real messages, because people repeat themselves. If train planted sentences (--canaries), it
also ranks each among random ones. serve and chat --live warn of an adapter whose verdict was bad.

--blind-test FILE.html writes a page on which people choose the real one of several replies, at up to --blind-moments held-out moments,
and its key next to it. The page makes a short text of their answers; --blind-answers FILE scores such texts, by kind of rater and by
length of the talk shown.

--compare N shows one of those windows, counted from 0: the messages before, the real message, and the one that the model
generates in its place, as the real author or as --target. --side-by-side N shows N of them, spread over all windows, each with
the one message before.

With --backend, all this is measured of the model of another server, except --who-said-it. The loss is measured where the server says
how likely a given text is, over its own tokens; --skip-loss measures the rest elsewhere.`,
		Flags: slices.Concat(
			inGroup(dataGroup,
				dataDirFlag(nil),
				&cli.StringFlag{Name: "data-path", Usage: "evaluate on this window `FILE` instead of messages.db"},
				&cli.BoolFlag{Name: "all", Usage: "evaluate on all windows, not only on those held out"},
				&cli.IntFlag{Name: "max-seq-length", Value: 4096, Usage: "`N`: maximum tokens per window; oldest messages are dropped to fit"}),
			inGroup(measureGroup,
				&cli.BoolFlag{Name: "skip-generation", Usage: "measure the perplexity only"},
				&cli.BoolFlag{Name: "skip-loss", Usage: "with --backend: measure no loss, for servers that cannot"},
				&cli.IntFlag{Name: "samples", Value: 50, Usage: "`N`: number of messages to generate (at most one per window)"},
				&cli.BoolFlag{Name: "per-contact", Usage: "also report per person"},
				&cli.BoolFlag{Name: "who-said-it", Usage: "also measure how often the model recognizes the author by the text"},
				&cli.BoolFlag{Name: "next-message", Usage: "also measure how well the model foresees who writes, how soon, and what kind of message"},
				&cli.BoolFlag{Name: "style", Usage: "also measure how near written messages are to each person's own"},
				&cli.IntFlag{Name: "style-messages", Value: 1000, Usage: "`N`: with --style and --leaks, number of messages to write"},
				&cli.BoolFlag{Name: "leaks", Usage: "also look for copies of training messages and for private values in written messages"},
				&cli.StringFlag{Name: "blind-test", Usage: "write a blind test to `FILE`, a web page (.html), and measure nothing"},
				&cli.IntFlag{Name: "blind-moments", Value: 30, Usage: "`N`: number of moments in the blind test"},
				&cli.IntFlag{Name: "blind-written", Value: 2, Usage: "`N`: written replies next to each real one"},
				&cli.StringSliceFlag{Name: "blind-answers", Usage: "score the answers in `FILE` (repeatable; further files may follow)"},
				&cli.IntFlag{Name: "compare", HideDefault: true, Usage: "show window `N` with the real and a generated message"},
				&cli.IntFlag{Name: "side-by-side", HideDefault: true, Usage: "show `N` real messages, and what the model writes in their places"},
				&cli.StringFlag{Name: "target", Usage: "with --compare: `NAME` of the person who writes"},
				&cli.BoolFlag{Name: "with-base", Usage: "also measure the base model; with --compare, show what it writes"}),
			sampleFlags("42", "(default: off)"), evaluatedModelFlags(), backendFlags(),
			inGroup(outputGroup, &cli.BoolFlag{Name: "json", Usage: "print the results as a JSON object"},
				&cli.StringFlag{Name: "html", Usage: "also write the results as a web page to `FILE`"})),
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
		skipGeneration: c.Bool("skip-generation"), skipLoss: c.Bool("skip-loss"), samples: c.Int("samples"), perContact: c.Bool("per-contact"), whoSaidIt: c.Bool("who-said-it"), nextMessage: c.Bool("next-message"),
		style: c.Bool("style"), styleMessages: c.Int("style-messages"), leaks: c.Bool("leaks"), html: c.String("html"),
		blindTest: c.String("blind-test"), blindMoments: c.Int("blind-moments"), blindWritten: c.Int("blind-written"), sideBySide: c.Int("side-by-side"),
		compare: -1, target: c.String("target"), withBase: c.Bool("with-base"), json: c.Bool("json"),
	}
	if o.model, err = modelOptionsOf(c); err != nil {
		return o, err
	}
	for _, dir := range c.StringSlice("adapter") {
		o.adapters = append(o.adapters, model.ExpandHome(dir))
	}
	if len(o.adapters) > 0 {
		o.model.adapter = o.adapters[0]
	}
	if o.sample, err = sampleOptionsOf(c, true); err != nil {
		return o, err
	}
	if o.backend, err = backendOptionsOf(c, &o.sample); err != nil {
		return o, err
	}
	if err := o.validateBackend(); err != nil {
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
	if o.blindAnswers = c.StringSlice("blind-answers"); len(o.blindAnswers) > 0 {
		o.blindAnswers = append(o.blindAnswers, c.Args().Slice()...)
		return o, nil
	}
	if err := noArguments(c, "name a window file with --data-path"); err != nil {
		return o, err
	}
	switch {
	case o.blindTest == "" && (c.IsSet("blind-moments") || c.IsSet("blind-written")):
		return o, usererr.Usage("--blind-moments and --blind-written go with --blind-test")
	case o.blindTest != "" && (o.compare >= 0 || o.sideBySide > 0 || o.whoSaidIt || o.nextMessage || o.style || o.leaks || o.withBase || len(o.adapters) > 1):
		return o, usererr.Usage("--blind-test takes one --adapter, and none of --compare, --side-by-side, --who-said-it, --next-message, --style, --leaks and --with-base")
	case strings.HasSuffix(o.blindTest, keyEnding):
		return o, usererr.Usage("--blind-test %s: the name of a page ends in .html", o.blindTest)
	case o.blindMoments < 1 || o.blindWritten < 1 || o.blindWritten >= blind.MostCandidates:
		return o, usererr.Usage("--blind-moments must be at least 1, --blind-written from 1 to %d", blind.MostCandidates-1)
	case o.compare < 0 && o.target != "":
		return o, usererr.Usage("--target goes with --compare")
	case len(o.adapters) > 1 && (o.compare >= 0 || o.sideBySide > 0):
		return o, usererr.Usage("--compare and --side-by-side take one --adapter")
	case o.withBase && o.sideBySide > 0:
		return o, usererr.Usage("--with-base does not go with --side-by-side")
	case o.withBase && o.model.base != "" && o.model.adapter == "":
		return o, usererr.With(usererr.Usage("--with-base compares an adapter with the base model, and --base-model alone is that"), "name an adapter with --adapter")
	case o.compare >= 0 && (o.whoSaidIt || o.nextMessage):
		return o, usererr.Usage("--compare goes neither with --who-said-it nor with --next-message")
	case o.compare >= 0 && (o.style || o.leaks):
		return o, usererr.Usage("--compare goes neither with --style nor with --leaks")
	case c.IsSet("side-by-side") && (o.sideBySide < 1 || o.compare >= 0 || o.whoSaidIt || o.nextMessage || o.style || o.leaks):
		return o, usererr.Usage("--side-by-side takes at least 1, and none of --compare, --who-said-it, --next-message, --style and --leaks")
	case (o.style || o.leaks) && o.all:
		return o, usererr.With(usererr.Usage("--style and --leaks compare held-out messages with those trained on: they do not go with --all"), "leave out --all")
	case o.html != "" && (o.blindTest != "" || o.compare >= 0 || o.sideBySide > 0):
		return o, usererr.Usage("--html goes with none of --blind-test, --compare and --side-by-side")
	case o.styleMessages < 1:
		return o, usererr.Usage("--style-messages must be at least 1")
	case o.maxSeqLength < 1:
		return o, usererr.Usage("--max-seq-length must be at least 1")
	case o.samples < 1:
		return o, usererr.With(usererr.Usage("--samples must be at least 1"), "to generate none: --skip-generation")
	}
	return o, nil
}

// evaluatedModelFlags are the flags of a model with its adapters.
func evaluatedModelFlags() []cli.Flag {
	return modelWithAdapterFlags("repeated, the adapters are compared")
}
