package main

import (
	"cmp"
	"context"
	"fmt"
	"os"

	"github.com/urfave/cli/v3"

	"ventriloquist/internal/atomicfile"
	"ventriloquist/internal/model"
	"ventriloquist/internal/model/adapter"
	"ventriloquist/internal/model/adapter/algebra"
	"ventriloquist/internal/terminal"
	"ventriloquist/internal/usererr"
)

func newAdapterCommand() *cli.Command {
	return &cli.Command{
		Name:  "adapter",
		Usage: "inspect, compare, add, scale and shrink adapters",
		Action: func(_ context.Context, c *cli.Command) error {
			if c.Args().Present() {
				return unknownCommand(c, c.Args().First())
			}
			return cli.ShowSubcommandHelp(c)
		},
		Commands: []*cli.Command{newAdapterInfoCommand(), newAdapterDiffCommand(), newAdapterMergeCommand(), newAdapterScaleCommand(), newAdapterExtractCommand()},
	}
}

// newAdapter are the flags of commands that write an adapter.
type newAdapter struct {
	output  string
	dataDir string
}

func (n *newAdapter) flags() []cli.Flag {
	return inGroup(outputGroup,
		&cli.StringFlag{Name: "output-dir", Aliases: []string{"output", "o"}, Usage: "`DIR`: new folder for the result (required)", Destination: &n.output},
		dataDirFlag(&n.dataDir))
}

func (n *newAdapter) check() error {
	if n.output == "" {
		return usererr.With(usererr.Usage("--output-dir is required: where should the adapter be written?"), "for example: --output-dir mixed")
	}
	n.output = model.ExpandHome(n.output)
	if _, err := os.Lstat(n.output); err == nil {
		return usererr.With(usererr.Usage("--output-dir %s exists", n.output), "name another folder, or remove this one")
	}
	return nil
}

// write writes the adapter and says what it is.
func (n *newAdapter) write(ctx context.Context, a *adapter.Adapter, details string) error {
	if err := atomicfile.WriteDir(n.output, a.WriteFiles); err != nil {
		return err
	}
	recordOutput(ctx, n.dataDir, n.output)
	printWrapped(stdout, "", fmt.Sprintf("%s: rank %d, scale %.6g, %s%s", n.output, a.R, a.Scale(), terminal.Bytes(uint64(sizeOf(n.output))), details))
	return nil
}

func newAdapterMergeCommand() *cli.Command {
	var to newAdapter
	var rank int
	return &cli.Command{
		Name: "merge", Usage: "add adapters, each with a weight, into one", ArgsUsage: "DIR:WEIGHT DIR:WEIGHT…",
		Description: `The result changes the base model by the weighted sum of what the adapters change. Its rank is the sum of their ranks, which is exact;
--rank makes it smaller and says the error. Ranks, alphas and targets may differ; the base model may not. --adapter DIR:WEIGHT, given
several times, does the same in generate, chat and score without writing anything.`,
		Flags: append(to.flags(), inGroup(outputGroup, &cli.IntFlag{Name: "rank", Usage: "`N`: rank of the result (default: the sum of the ranks)", Destination: &rank})...),
		Action: func(ctx context.Context, c *cli.Command) error {
			if c.NArg() < 2 {
				return usererr.With(usererr.Usage("adapter merge takes at least two adapters, not %d", c.NArg()), "for example: vqctl adapter merge ann:0.7 bob:0.3 --output-dir mixed")
			}
			if err := cmp.Or(checkRank(rank, c.IsSet("rank")), to.check()); err != nil {
				return err
			}
			return runAdapterMerge(ctx, c.Args().Slice(), rank, &to)
		},
	}
}

func runAdapterMerge(ctx context.Context, texts []string, rank int, to *newAdapter) error {
	parts, err := adapter.ParseParts(texts)
	if err != nil {
		return err
	}
	terms, err := adapter.OpenSum(parts)
	if err != nil {
		return err
	}
	merged, err := adapter.Sum(terms)
	if err != nil {
		return err
	}
	if rank > 0 {
		return writeLowRank(ctx, merged, rank, to)
	}
	return to.write(ctx, merged, "")
}

// checkRank checks the flag of a rank.
func checkRank(rank int, given bool) error {
	if given && rank < 1 {
		return usererr.Usage("--rank %d must be at least 1", rank)
	}
	return nil
}

func newAdapterScaleCommand() *cli.Command {
	var to newAdapter
	var factor float64
	return &cli.Command{
		Name: "scale", Usage: "multiply what an adapter changes by a factor", ArgsUsage: "DIR",
		Description: `A factor below 1 weakens the adapter, one above 1 makes it stronger, a negative one turns it around. Its alpha changes; its matrices
keep their values, except for the sign.`,
		Flags: append(to.flags(), inGroup(outputGroup, &cli.FloatFlag{Name: "factor", Usage: "`NUMBER`: the factor (required)", Destination: &factor})...),
		Action: withOneAdapter(func(ctx context.Context, c *cli.Command, dir string) error {
			switch {
			case !c.IsSet("factor"):
				return usererr.With(usererr.Usage("--factor is required"), "for example: --factor 0.5")
			case factor == 0:
				return usererr.With(usererr.Usage("--factor 0 would leave nothing of the adapter"), "--base-model NAME alone uses the base model without an adapter")
			}
			if err := to.check(); err != nil {
				return err
			}
			a, err := adapter.Open(dir)
			if err != nil {
				return err
			}
			scaled, err := a.Scaled(factor)
			if err != nil {
				return err
			}
			return to.write(ctx, scaled, "")
		}),
	}
}

func newAdapterExtractCommand() *cli.Command {
	var to newAdapter
	var rank int
	return &cli.Command{
		Name: "extract", Usage: "write the nearest adapter of a smaller rank", ArgsUsage: "DIR",
		Description: `Each change of a weight is replaced by the nearest one of the rank: the largest terms of its singular value decomposition. The error is
the norm of what is lost as a share of the norm of the whole.`,
		Flags: append(to.flags(), inGroup(outputGroup, &cli.IntFlag{Name: "rank", Usage: "`N`: rank of the result (required)", Destination: &rank})...),
		Action: withOneAdapter(func(ctx context.Context, c *cli.Command, dir string) error {
			if !c.IsSet("rank") {
				return usererr.With(usererr.Usage("--rank is required"), "vqctl adapter info %s says the present rank", quoteForShell(dir))
			}
			if err := cmp.Or(checkRank(rank, true), to.check()); err != nil {
				return err
			}
			a, err := adapter.Open(dir)
			if err != nil {
				return err
			}
			return writeLowRank(ctx, a, rank, &to)
		}),
	}
}

// writeLowRank writes the nearest adapter of a rank, and says what is lost.
func writeLowRank(ctx context.Context, a *adapter.Adapter, rank int, to *newAdapter) error {
	if rank > a.R {
		return usererr.With(usererr.Usage("--rank %d is more than the adapter's rank %d", rank, a.R), "a larger rank adds nothing: choose one below %d", a.R)
	}
	report, finish := newProgress("decomposing", "matrices")
	low, loss, err := algebra.LowRank(ctx, a, rank, report)
	finish()
	if err != nil {
		return err
	}
	details := fmt.Sprintf(", error %.3g%%", 100*loss.All)
	if loss.WorstAt != "" {
		details += fmt.Sprintf(" (%.3g%% in %s)", 100*loss.Worst, loss.WorstAt)
	}
	return to.write(ctx, low, details)
}

// withOneAdapter makes an action take the folder of one adapter.
func withOneAdapter(action func(ctx context.Context, c *cli.Command, dir string) error) cli.ActionFunc {
	return func(ctx context.Context, c *cli.Command) error {
		if c.NArg() != 1 {
			return usererr.Usage("adapter %s takes one folder, not %d", c.Name, c.NArg())
		}
		return action(ctx, c, model.ExpandHome(c.Args().First()))
	}
}

func targetList(targets []model.Projection) (names []string) {
	for _, p := range targets {
		names = append(names, p.Short)
	}
	return names
}
