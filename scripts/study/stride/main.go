// Command stride measures what a larger stride costs in held-out loss, and what it saves in tokens:
//
//	go run ./scripts/study/stride --results build/stride --threads 2             (needs bin/vqctl)
//	go run ./scripts/study/stride --results build/stride --report docs/stride.svg      (tables on stdout, and a plot)
//
// It trains the built-in model, once per cell of a grid: stride, learning rate, length of the run and seed. Each finished cell
// is a file in the folder of results, and a cell that has its file is skipped: a study that was stopped goes on when it is
// started again, and a larger grid only adds to it.
//
// The chat is the demo's, or with --chat FILE one of the JSON lines that `vqctl collect` reads. The public one of the
// documentation is the training part of "A Large-Scale Corpus for Conversation Disentanglement" (Kummerfeld et al., ACL 2019,
// jkk.name/irc-disentanglement, CC-BY 4.0), without the days and the people that the built-in model was pretrained on.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "stride:", err)
		os.Exit(1)
	}
}

// options are the flags.
type options struct {
	results, report string
	chat, name      string
	messages        int
	window          int
	threads         int
	strides, seeds  string
	rates, epochs   string
	tokens          float64
	phases          string
	contexts        bool
	dryRun          bool
}

func run(ctx context.Context) error {
	var o options
	flag.StringVar(&o.results, "results", "build/stride", "`FOLDER` of the results")
	flag.StringVar(&o.report, "report", "", "train nothing: print tables of the results, and plot them into this `FILE`")
	flag.StringVar(&o.chat, "chat", demoChat, "the chat: demo, or a `FILE` of JSON lines, which may be compressed")
	flag.StringVar(&o.name, "name", "", "`NAME` of the chat in results and tables (default: that of the file)")
	flag.IntVar(&o.messages, "messages", 20_000, "use at most this many messages of a file")
	flag.IntVar(&o.threads, "threads", 1, "threads")
	flag.IntVar(&o.window, "window", 100, "most messages of a window")
	flag.StringVar(&o.strides, "strides", "100,50,25,10,5,1", "strides")
	flag.StringVar(&o.rates, "rates", "1e-3,2e-3,4e-3", "peak learning rates")
	flag.StringVar(&o.epochs, "epochs", "1,2", "lengths of runs in epochs: equal targets for every stride")
	flag.Float64Var(&o.tokens, "tokens", 0, "instead of --epochs: the length in tokens, equal compute for every stride")
	flag.StringVar(&o.seeds, "seeds", "1,2,3", "seeds")
	flag.StringVar(&o.phases, "phases", fixedPhase, "where windows are cut: fixed, or random (anew in each epoch)")
	flag.BoolVar(&o.contexts, "contexts", false, "also measure the held-out messages with fewer messages before them")
	flag.BoolVar(&o.dryRun, "dry-run", false, "train nothing: list the cells that are missing, and their tokens")
	flag.Parse()
	if flag.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flag.Arg(0))
	}
	if o.report != "" {
		return report(o.results, o.report)
	}
	chat, err := o.openChat(ctx, o.window)
	if err != nil {
		return err
	}
	defer chat.Close()
	cells, err := o.cells(chat)
	if err != nil {
		return err
	}
	shorter, err := o.openShorter(ctx)
	if err != nil {
		return err
	}
	s, err := newStudy(o.threads, chat, shorter)
	if err != nil {
		return err
	}
	defer s.Close()
	for i, c := range cells {
		if o.dryRun {
			fmt.Printf("%s: %.3g tokens\n", c.name(), s.cost(c))
			continue
		}
		fmt.Printf("cell %d of %d: %s, %.3g tokens\n", i+1, len(cells), c.name(), s.cost(c))
		result, err := s.train(ctx, c)
		if err != nil {
			return err
		}
		if err := result.write(o.results); err != nil {
			return err
		}
		fmt.Printf("  held-out loss %.4f after %d steps, %.0f seconds\n", result.Loss, result.Steps, result.Seconds)
	}
	return nil
}

// openShorter opens the same chat in windows with no, a quarter, half and three quarters of the messages before the last.
func (o *options) openShorter(ctx context.Context) (map[int]*chat, error) {
	all := map[int]*chat{}
	if !o.contexts {
		return all, nil
	}
	for quarter := range 4 {
		before := o.window * quarter / 4
		c, err := o.openChat(ctx, before+1)
		if err != nil {
			return nil, err
		}
		all[before] = c
	}
	return all, nil
}

// cells lists the cells of the grid that have no result yet, the cheapest first.
func (o *options) cells(chat *chat) (missing []cell, err error) {
	strides, err := numbers(o.strides)
	if err != nil {
		return nil, err
	}
	rates, err := numbers(o.rates)
	if err != nil {
		return nil, err
	}
	seeds, err := numbers(o.seeds)
	if err != nil {
		return nil, err
	}
	epochs, err := numbers(o.epochs)
	if err != nil {
		return nil, err
	}
	if o.tokens > 0 {
		epochs = []float64{0}
	}
	base := cell{Chat: chat.name, Window: o.window, Phase: fixedPhase} // untrained: the base model
	if o.contexts && !base.exists(o.results) {
		missing = append(missing, base)
	}
	for _, seed := range seeds {
		for _, stride := range strides {
			for _, phase := range strings.Split(o.phases, ",") {
				for _, e := range epochs {
					for _, rate := range rates {
						c := cell{Chat: chat.name, Window: o.window, Stride: int(stride), Rate: rate, Epochs: e, Tokens: o.tokens, Phase: phase, Seed: uint64(seed)}
						if !c.exists(o.results) {
							missing = append(missing, c)
						}
					}
				}
			}
		}
	}
	return missing, nil
}

func numbers(list string) (all []float64, err error) {
	for _, text := range strings.Split(list, ",") {
		x, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil || x <= 0 {
			return nil, fmt.Errorf("%q is not a positive number", text)
		}
		all = append(all, x)
	}
	return all, nil
}
