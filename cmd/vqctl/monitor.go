package main

import (
	"context"
	"io"
	"os"

	"github.com/urfave/cli/v3"
	"golang.org/x/term"

	"ventriloquist/internal/monitor"
	"ventriloquist/internal/terminal"
)

func newMonitorCommand() *cli.Command {
	var dataDir string
	return &cli.Command{
		Name:      "monitor",
		Usage:     "watch training runs: loss curves, loss per person, rate, time left, samples",
		ArgsUsage: "[RUN…]",
		Description: `Shows runs while they train in another terminal or in the background, and past ones. RUN is the folder of a run (--output-dir),
a folder above it, or the name of a run (--run-name); several are compared. Without RUN, the runs that train now are shown, else
the latest.

q, Esc or Ctrl-C closes the view; the runs continue. Where the output is not a terminal, a summary is printed instead.`,
		Flags: []cli.Flag{
			dataDirFlag(&dataDir),
			&cli.BoolFlag{Name: "once", Usage: "print a summary instead of opening the view"},
		},
		Action: func(ctx context.Context, c *cli.Command) error {
			found, err := findRuns(ctx, dataDir, c.Args().Slice())
			if err != nil {
				return err
			}
			return runMonitor(ctx, found, c.Bool("once"), stdout)
		},
	}
}

// runMonitor shows the runs in the terminal, or prints a summary to out where there is none.
func runMonitor(ctx context.Context, found []foundRun, once bool, out io.Writer) error {
	runs := make([]*monitor.Run, len(found))
	for i, r := range found {
		runs[i] = monitor.NewRun(r.folder, r.name, r.training)
		if runs[i].Update(); runs[i].Err() != nil {
			return runs[i].Err()
		}
	}
	if once || !interactive() {
		return monitor.Summarize(out, runs, terminalWidth(out))
	}
	return monitor.Show(ctx, runs, os.Stdin, os.Stdout)
}

// interactive reports whether a program can take over the terminal.
func interactive() bool {
	return term.IsTerminal(int(os.Stdin.Fd())) && term.IsTerminal(int(os.Stdout.Fd())) && os.Getenv("TERM") != "dumb" && terminal.Columns(os.Stdout) > 0
}
