package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"

	"ventriloquist/engine"
	"ventriloquist/internal/canary"
	"ventriloquist/internal/launch"
	"ventriloquist/internal/load"
	"ventriloquist/internal/load/memplan"
	"ventriloquist/internal/model"
	"ventriloquist/internal/model/adapter"
	"ventriloquist/internal/recipe"
	"ventriloquist/internal/terminal"
	"ventriloquist/internal/train"
	"ventriloquist/internal/usererr"
)

// trainOptions are the flags of `vqctl train`.
type trainOptions struct {
	model        modelOptions
	run          train.Options
	settings     train.RunSettings
	lora         adapter.Config
	loraGiven    []string // the flags of lora that were given
	dataDir      string
	dataPath     string
	continueFrom string
	resume       *train.Found // what to resume; nil for a new run
	json         bool
	dryRun       dryRunOptions

	canaries int // sentences to plant

	recipe  string
	from    map[string]string // where each setting comes from, by its flag's name; none for defaults
	why     map[string]string // settings that were chosen have their values
	targets int               // messages to learn from
}

func newTrainCommand() *cli.Command {
	return &cli.Command{
		Name:  "train",
		Usage: "fine-tune a base model on the training windows",
		Description: `Trains a LoRA adapter on the windows that preprocess made (or on a window file, with --data-path), and writes checkpoints and
the finished adapter into --output-dir. Ctrl-C finishes the running step, saves, and says how to resume; --resume takes all flags
from the run itself. Settings that are not given come from train.toml in --data-dir, if tune has written it; batch size, epochs,
warm-up and evaluations are else chosen by the number of targets. What an earlier run left in --output-dir moves to its folder previous-1, previous-2 and so on
(previous-1-NAME with --run-name).

vqctl monitor shows a run from another terminal while it trains; vqctl report writes a page about it. Both read metrics.jsonl in
--output-dir. With --detach the run goes on in the background; vqctl runs --stop saves and ends it, as SIGTERM does.`,
		Flags: trainFlags(),
		Action: func(ctx context.Context, c *cli.Command) error {
			if c.Bool("dry-run") || c.Bool("detach") && !wasDetached {
				place, err := launch.FromEnvironment(os.Getenv)
				if err != nil || place.Rank > 0 {
					return err
				}
				opts, err := trainOptionsOf(c)
				switch {
				case err != nil:
					return err
				case opts.dryRun.wanted:
					return runDryRun(ctx, opts, stdout)
				case !place.IsAlone():
					return usererr.Usage("--detach starts one process; several go into the background with their launcher: nohup mpirun … &")
				}
				return runDetached(ctx, opts, stdout)
			}
			team, ctx, err := joinProcesses(ctx)
			if err != nil {
				return team.leave(err)
			}
			opts, err := trainOptionsOf(c)
			if err != nil {
				return team.leave(team.agree(err, nil))
			}
			return team.leave(runTrain(ctx, team, opts, stdout))
		},
	}
}

// defaultSeqLength is the default of --max-seq-length.
const defaultSeqLength = 4096

func trainFlags() []cli.Flag {
	return slices.Concat(
		inGroup(dataGroup,
			dataDirFlag(nil),
			&cli.StringFlag{Name: "data-path", Usage: "train on this window `FILE` instead of messages.db"},
			&cli.IntFlag{Name: "max-seq-length", Value: defaultSeqLength, Usage: "`N`: maximum tokens per window; oldest messages are dropped to fit"},
			&cli.IntFlag{Name: "limit", Usage: "train on the first `N` windows only"},
			&cli.BoolFlag{Name: "no-shuffle", Usage: "visit the windows in file order"},
			&cli.IntFlag{Name: "canaries", Usage: "plant `N` random sentences among the windows, to measure with evaluate --leaks what the adapter remembers"}),
		inGroup(runGroup,
			&cli.StringFlag{Name: "output-dir", Value: defaultOutputDir, Usage: "`DIR`: folder for checkpoint-N and final"},
			&cli.BoolFlag{Name: "resume", Usage: "resume the run in --output-dir from its last checkpoint, bit-exactly; flags that are not given are those of the run"},
			&cli.BoolFlag{Name: "detach", Usage: "train in the background, also after the terminal is closed; what is printed goes to " + train.OutputFile + " in --output-dir"},
			&cli.StringFlag{Name: "continue-from", Usage: "`DIR`: start a new run from the adapter in this folder: its r, alpha and targets"},
			&cli.StringFlag{Name: "run-name", Usage: "`NAME` of the run: kept in its checkpoints, shown by train and the menu"},
			&cli.IntFlag{Name: "logging-steps", Value: 10, Usage: "report every `N` steps"},
			&cli.IntFlag{Name: "eval-steps", Value: recipe.Reference().EvalSteps, HideDefault: true, Usage: "evaluate on the held-out windows every `N` steps, and at the start and the end (0: never; default: chosen)"},
			&cli.IntFlag{Name: "samples", Value: 3, Usage: "at each evaluation, write `N` held-out messages again, of at most 64 tokens each, to show what the model has learned (0: none)"},
			&cli.StringFlag{Name: "report-to", Usage: "also write the metrics for these, as files in --output-dir: `LIST` of tensorboard and wandb, or none (default: wandb if WANDB_API_KEY is set, else none)"},
			&cli.BoolFlag{Name: "report-text", Usage: "also write names, with their losses, and samples for --report-to"},
			&cli.IntFlag{Name: "patience", Usage: "stop when `N` evaluations in a row have not lowered the held-out loss (0: train to the end)"},
			&cli.IntFlag{Name: "save-steps", Value: 200, Usage: "write a checkpoint every `N` steps (0: not by steps)"},
			&cli.FloatFlag{Name: "save-minutes", Value: 15, Usage: "also write a checkpoint every `N` minutes, and keep only the latest of these (0: not by time)"},
			&cli.IntFlag{Name: "keep-checkpoints", Usage: "keep the newest `N` checkpoints, and the one with the lowest held-out loss (0: all)"}),
		inGroup(optimizerGroup,
			&cli.FloatFlag{Name: "learning-rate", Value: 2.5e-4, Usage: "`RATE`: peak learning rate"},
			&cli.FloatFlag{Name: "num-epochs", Value: recipe.Reference().Epochs, HideDefault: true, Usage: "`N`: number of epochs (default: chosen)"},
			&cli.IntFlag{Name: "batch-size", Value: recipe.Reference().BatchSize, HideDefault: true, Usage: "`N`: windows per micro-batch (default: chosen)"},
			&cli.IntFlag{Name: "gradient-accumulation-steps", Value: recipe.Reference().Accumulation, HideDefault: true, Usage: "`N`: micro-batches per optimizer step (default: chosen)"},
			&cli.IntFlag{Name: "max-steps", Usage: "`N`: number of optimizer steps; overrides --num-epochs"},
			&cli.StringFlag{Name: "lr-scheduler", Value: "cosine", Usage: "`SCHEDULE`: learning-rate schedule: " + strings.Join(train.ScheduleKinds, ", ")},
			&cli.FloatFlag{Name: "warmup-ratio", Value: recipe.Reference().WarmupRatio, HideDefault: true, Usage: "`RATIO`: fraction of the steps for linear warm-up (default: chosen)"},
			&cli.FloatFlag{Name: "weight-decay", Value: 0.01, Usage: "`NUMBER`: AdamW weight decay, on all adapter matrices"},
			&cli.FloatFlag{Name: "max-grad-norm", Value: 1, Usage: "`NUMBER`: clip the global gradient norm to this (0: no clipping)"},
			&cli.Uint64Flag{Name: "seed", Value: 42, Usage: "`N`: random seed for window order, dropout and adapter initialization"}),
		inGroup(loraGroup,
			&cli.IntFlag{Name: "lora-r", Value: 128, Usage: "`N`: LoRA rank"},
			&cli.FloatFlag{Name: "lora-alpha", Value: 256, Usage: "`NUMBER`: LoRA alpha: the adapter's output is scaled by alpha/r"},
			&cli.FloatFlag{Name: "lora-dropout", Value: 0.05, Usage: "`P`: LoRA dropout probability"},
			&cli.StringFlag{Name: "lora-targets", Value: "q,k,v,o,gate,up,down", Usage: "`LIST`: projections that get an adapter"}),
		inGroup(modelGroup,
			baseModelFlag(model.Default+", or that of the adapter with --resume and --continue-from"),
			&cli.StringFlag{Name: "adapter", Hidden: true, Usage: "`DIR`: refused with a hint"}),
		deviceFlags(),
		inGroup(modelGroup,
			&cli.BoolFlag{Name: "recompute", Usage: "gradient checkpointing for every layer: recompute activations, use less memory (default: for as many layers as needed to fit)"}),
		recipeFlags(),
		dryRunFlags(),
		inGroup(outputGroup,
			&cli.BoolFlag{Name: "json", Usage: "print one JSON object per reported step to stdout, and one at the end"}))
}

func trainOptionsOf(c *cli.Command) (trainOptions, error) {
	resume, err := takeFlagsOfRun(c)
	if err != nil {
		return trainOptions{}, err
	}
	o := trainOptions{
		resume: resume,
		run: train.Options{
			LearningRate: c.Float("learning-rate"), Scheduler: c.String("lr-scheduler"), WarmupRatio: c.Float("warmup-ratio"),
			WeightDecay: c.Float("weight-decay"), MaxGradNorm: c.Float("max-grad-norm"),
			BatchSize: c.Int("batch-size"), Accumulation: c.Int("gradient-accumulation-steps"),
			Epochs: c.Float("num-epochs"), MaxSteps: c.Int("max-steps"), MaxSeqLength: c.Int("max-seq-length"),
			Limit: c.Int("limit"), Seed: c.Uint64("seed"), Shuffle: !c.Bool("no-shuffle"),
		},
		settings: train.RunSettings{
			LoggingSteps: c.Int("logging-steps"), SaveSteps: c.Int("save-steps"), EvalSteps: c.Int("eval-steps"),
			SaveMinutes: c.Float("save-minutes"), KeepCheckpoints: c.Int("keep-checkpoints"), Patience: c.Int("patience"), Samples: c.Int("samples"), ReportTo: c.String("report-to"), ReportText: c.Bool("report-text"), Recompute: c.Bool("recompute"), OutputDir: model.ExpandHome(c.String("output-dir")), RunName: c.String("run-name"),
			ContinueFrom: model.ExpandHome(c.String("continue-from")),
		},
		lora:    adapter.Config{R: c.Int("lora-r"), Alpha: c.Float("lora-alpha"), Dropout: c.Float("lora-dropout")},
		dataDir: c.String("data-dir"), dataPath: c.String("data-path"),
		continueFrom: model.ExpandHome(c.String("continue-from")), json: c.Bool("json"), canaries: c.Int("canaries"),
	}
	if o.model, err = modelOptionsOf(c); err != nil {
		return o, err
	}
	if o.lora.Targets, err = adapter.ParseTargets(c.String("lora-targets")); err != nil {
		return o, err
	}
	for _, name := range []string{"lora-r", "lora-alpha", "lora-targets"} {
		if c.IsSet(name) {
			o.loraGiven = append(o.loraGiven, name)
		}
	}
	if o.dryRun, err = dryRunOptionsOf(c); err != nil {
		return o, err
	}
	if err := noArguments(c, "name a window file with --data-path"); err != nil {
		return o, err
	}
	o.settings.Command = commandOf(c)
	if o.settings.ReportTo, err = reportFormats(o.settings.ReportTo); err != nil {
		return o, err
	}
	if err := o.validate(); err != nil {
		return o, err
	}
	return o, o.takeSettings(c)
}

func (o *trainOptions) validate() error {
	switch {
	case o.model.adapter != "":
		return usererr.With(usererr.Usage("train writes an adapter and reads none with --adapter"), "to start from one: --continue-from %s", o.model.adapter)
	}
	if o.canaries < 0 || o.canaries > canary.Most {
		return usererr.Usage("--canaries must be from 0 to %d", canary.Most)
	}
	if err := o.lora.Validate(); err != nil {
		return usererr.Usage("--lora-r, --lora-alpha, --lora-dropout: %v", err)
	}
	if err := o.run.Validate(); err != nil {
		return err
	}
	if err := o.settings.Validate(); err != nil {
		return err
	}
	return o.requireSameRun()
}

// runTrain trains and reports to out.
func runTrain(ctx context.Context, team *runProcesses, o trainOptions, out io.Writer) error {
	s, err := openTrainSession(ctx, team, o, out)
	if err != nil {
		return err
	}
	defer s.close()
	run, err := s.newRun()
	if err != nil {
		return err
	}
	err = s.view.train(ctx, run)
	var interrupted *train.InterruptedError
	if errors.As(err, &interrupted) {
		return usererr.With(err, "to continue: %s", resumeCommand(o.settings.OutputDir))
	}
	return err
}

// resumeCommand returns the command that continues the run in an output folder.
func resumeCommand(outputDir string) string {
	if filepath.Clean(outputDir) == filepath.Clean(defaultOutputDir) {
		return "vqctl train --resume"
	}
	return "vqctl train --resume --output-dir " + quoteForShell(outputDir)
}

// planTraining prints the memory plan of the run, which recomputes as many layers as it must to fit, and returns an error if it
// does not fit. Nothing has been allocated yet. sharing is the number of processes of the run on this machine.
func (o *trainOptions) planTraining(view *trainView, sharing int, device *engine.Device, base *model.Model, weights *adapter.Adapter, precision engine.DType, limits engine.TrainLimits) (memplan.Fit, error) {
	stored, err := load.StoredDType(base)
	if err != nil {
		return memplan.Fit{}, err
	}
	run := memplan.TrainingRun{Model: load.ModelConfig(base.Config, o.model.weights), Stored: stored, Precision: precision,
		Adapter: load.AdapterConfig(weights.Config), Limits: limits}
	info, budget := device.Info(), memplan.OfDevice(device)
	info.MemoryAvailable /= uint64(sharing)
	budget.Bytes /= uint64(sharing)
	fit, err := memplan.FitTo(run, budget, o.leastRecomputed(base.Config))
	if err != nil {
		return fit, err
	}
	view.plan(info, precision, fit)
	if fit.Fits {
		return fit, nil
	}
	total := fit.Memory.Total
	advice := "shorter windows (--max-seq-length), a smaller --batch-size or a lower --lora-r need less; --dry-run shows what fits"
	if o.model.weights == engine.Plain {
		advice = "--load-in-8bit or --load-in-4bit need less for the weights; so do " + advice
	}
	return fit, usererr.With(fmt.Errorf("training needs %s, %s more than the %s that are free", terminal.Bytes(total),
		terminal.Bytes(total-min(total, info.MemoryAvailable)), terminal.Bytes(info.MemoryAvailable)), "%s", advice)
}
