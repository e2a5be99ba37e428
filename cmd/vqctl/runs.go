package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v3"

	"ventriloquist/internal/model"
	"ventriloquist/internal/runlog"
	"ventriloquist/internal/terminal"
	"ventriloquist/internal/train"
	"ventriloquist/internal/usererr"
)

func newRunsCommand() *cli.Command {
	var dataDir string
	return &cli.Command{
		Name:      "runs",
		Usage:     "compare training runs by their held-out loss, or stop one",
		ArgsUsage: "[DIR]",
		Description: `Lists the runs in DIR and its subfolders (default: ` + filepath.Dir(defaultOutputDir) + `): how far each is, its held-out loss, that of its base
model, and its best step. Losses compare only between runs on the same windows. vqctl monitor and vqctl report show the whole curve.`,
		Flags: slices.Concat(
			[]cli.Flag{&cli.StringFlag{Name: "stop", Usage: "stop the `RUN` that trains now, by its folder or its name: it saves first"}, dataDirFlag(&dataDir)},
			inGroup(outputGroup, &cli.BoolFlag{Name: "json", Usage: "print one JSON object per run"})),
		Action: func(ctx context.Context, c *cli.Command) error {
			if name := c.String("stop"); c.IsSet("stop") {
				if c.NArg() > 0 {
					return usererr.Usage("runs --stop takes one run")
				}
				return runStop(ctx, dataDir, name, stdout)
			}
			dir := filepath.Dir(defaultOutputDir)
			switch c.NArg() {
			case 0:
			case 1:
				dir = model.ExpandHome(c.Args().First())
			default:
				return usererr.Usage("runs takes one folder, not %d", c.NArg())
			}
			return runRuns(dir, c.Bool("json"), stdout)
		},
	}
}

// runRuns prints the runs below a folder.
func runRuns(dir string, asJSON bool, out io.Writer) error {
	list, err := train.Runs(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(list) == 0 {
		return usererr.With(fmt.Errorf("there is no training run in %s", dir), "name the folder of --output-dir, or one above it: vqctl runs DIR")
	}
	if err != nil {
		return err
	}
	for i := range list {
		followLog(&list[i])
	}
	if asJSON {
		encoder := json.NewEncoder(out)
		for _, r := range list {
			if err := encoder.Encode(r); err != nil {
				return err
			}
		}
		return nil
	}
	table := terminal.NewTable("run", "step>", "held-out>", "base>", "lowest>", "at step>", "name")
	for _, r := range list {
		state := fmt.Sprintf("%s/%s", terminal.Count(int64(r.Step)), terminal.Count(int64(r.TotalSteps)))
		switch {
		case train.Running(r.Folder) != 0:
			state += ", training"
		case !r.Finished:
			state += " so far"
		}
		step := "-"
		if r.BestStep != nil {
			step = terminal.Count(int64(*r.BestStep))
		}
		table.Add(r.Folder, state, loss(r.EvalLoss), loss(r.BaseEvalLoss), loss(r.BestEvalLoss), step, r.Name)
	}
	_, err = io.WriteString(out, table.Fit(terminal.Columns(out)))
	return err
}

// followLog brings a run that trains now up to date: its checkpoints are older than its log.
func followLog(r *train.RunInfo) {
	if train.Running(r.Folder) == 0 {
		return
	}
	log, err := runlog.Read(runlog.Path(r.Folder))
	if err != nil || log.TotalSteps() != r.TotalSteps {
		return
	}
	r.Step = max(r.Step, log.Step())
	if base := log.Base(); base != nil {
		r.BaseEvalLoss = &base.Loss
	}
	if last, best := log.Last(), log.Best(); last != nil {
		r.EvalLoss, r.BestEvalLoss, r.BestStep = &last.Loss, &best.Loss, &best.Step
	}
}

// loss formats a loss, "-" if it was not measured.
func loss(x *float64) string {
	if x == nil {
		return "-"
	}
	return fmt.Sprintf("%.4f", *x)
}
