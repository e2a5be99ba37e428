package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"ventriloquist/engine"
	"ventriloquist/internal/load"
	"ventriloquist/internal/model"
	"ventriloquist/internal/model/hub"
	"ventriloquist/internal/terminal"
	"ventriloquist/internal/usererr"
)

func newModelCommand() *cli.Command {
	return &cli.Command{
		Name:  "model",
		Usage: "list, download, create, inspect and remove base models",
		Action: func(_ context.Context, c *cli.Command) error {
			if c.Args().Present() {
				return unknownCommand(c, c.Args().First())
			}
			return cli.ShowSubcommandHelp(c)
		},
		Commands: []*cli.Command{
			{
				Name: "list", Usage: "list the base models on this machine", Flags: []cli.Flag{&cli.BoolFlag{Name: "json", Usage: "print one JSON object per line"}},
				Action: func(_ context.Context, c *cli.Command) error { return runModelList(c.Bool("json"), stdout) },
			},
			{
				Name: "pull", Usage: "download a base model from Hugging Face", ArgsUsage: "NAME[@REVISION]",
				Description: `NAME is owner/name; for the Qwen3 family the owner may be omitted: ` + strings.Join(model.Known[:4], ", ") + `.
REVISION is a branch, a tag or a commit; revisions are kept side by side. An interrupted download resumes where it stopped.
Environment: HF_ENDPOINT, HF_TOKEN or HF_TOKEN_PATH (else the token of hf auth login), HF_HUB_OFFLINE, VENTRILOQUIST_MODELS (the folder).`,
				Action: withName(func(ctx context.Context, c *cli.Command) error {
					return runModelPull(ctx, c.Args().First(), stdout)
				}),
			},
			{
				Name: "rm", Usage: "remove a downloaded base model, whole or not", ArgsUsage: "NAME[@REVISION]",
				Flags: []cli.Flag{&cli.BoolFlag{Name: "yes", Aliases: []string{"y"}, Usage: "remove without asking"}},
				Action: withName(func(ctx context.Context, c *cli.Command) error {
					return runModelRemove(ctx, c.Args().First(), c.Bool("yes"), stdout)
				}),
			},
			newModelInitCommand(),
			{
				Name: "info", Usage: "show a base model: layers, parameters, files, memory", ArgsUsage: "NAME|DIR",
				Flags: []cli.Flag{&cli.BoolFlag{Name: "json", Usage: "print a JSON object"}},
				Action: withName(func(_ context.Context, c *cli.Command) error {
					return runModelInfo(c.Args().First(), c.Bool("json"), stdout)
				}),
			},
		},
	}
}

type modelInitOptions struct {
	shape string
	dir   string
	seed  uint64
}

func newModelInitCommand() *cli.Command {
	var o modelInitOptions
	return &cli.Command{
		Name: "init", Usage: "create a base model with random weights, for benchmarks and tests", ArgsUsage: "DIR",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "shape", Required: true, Usage: "`SHAPE` of the model: " + strings.Join(model.ShapeNames, ", "), Destination: &o.shape},
			&cli.Uint64Flag{Name: "seed", Value: 42, Usage: "`N`: random seed", Destination: &o.seed},
		},
		Action: withName(func(ctx context.Context, c *cli.Command) error {
			o.dir = c.Args().First()
			return runModelInit(ctx, o, stdout)
		}),
	}
}

// withName makes an action take exactly one argument.
func withName(action cli.ActionFunc) cli.ActionFunc {
	return func(ctx context.Context, c *cli.Command) error {
		if c.NArg() != 1 {
			return usererr.Usage("model %s takes one %s, not %d", c.Name, c.ArgsUsage, c.NArg())
		}
		return action(ctx, c)
	}
}

func runModelList(asJSON bool, out io.Writer) error {
	list, err := model.List()
	if err != nil {
		return err
	}
	if asJSON {
		encoder := json.NewEncoder(out)
		for _, e := range list {
			if err := encoder.Encode(e); err != nil {
				return err
			}
		}
		return nil
	}
	table := terminal.NewTable("name", "size", "where", "folder")
	for _, e := range list {
		name := e.Name
		if e.Missing != "" {
			name += " (incomplete: no " + e.Missing + ")"
		}
		table.Add(name, terminal.Bytes(uint64(e.Bytes)), e.Where, e.Dir)
	}
	if _, err = io.WriteString(out, table.Fit(terminal.Columns(out))); err == nil && len(list) == 1 {
		notice("to download a base model: vqctl model pull %s", model.Default)
	}
	return err
}

func runModelPull(ctx context.Context, name string, out io.Writer) error {
	if name == model.Tiny {
		printWrapped(out, "", name+" is part of this program: there is nothing to download")
		return nil
	}
	client := hub.NewClient()
	client.Log = logOf(ctx)
	sayInstructionTuned(name)
	bar := screen.NewBar("downloading", terminal.ByteUnit)
	client.Progress, client.Present = bar.Set, bar.Skip
	client.Retrying = func(err error, attempt, attempts int, wait time.Duration) {
		notice("%v; trying again in %s (attempt %d of %d)", err, terminal.Duration(wait+time.Second/2), attempt, attempts)
	}
	result, err := client.Pull(ctx, name)
	bar.Finish()
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return usererr.With(interruptedError("interrupted"), "what was downloaded is kept: run the command again to continue")
	}
	if err != nil {
		return err
	}
	if result.Already {
		printWrapped(out, "", fmt.Sprintf("%s is there already: %s", result.Location.Name, result.Location.Dir))
		return nil
	}
	printWrapped(out, "", fmt.Sprintf("%s: %s in %s, commit %s", result.Location.Name, terminal.Bytes(uint64(result.Bytes)), result.Location.Dir, result.Commit))
	return nil
}

// sayInstructionTuned says that a name is not that of the base model, which has a longer one.
func sayInstructionTuned(name string) {
	repo, _, ok := model.ParseName(name)
	if base := repo + "-Base"; ok && slices.Contains(model.Known, base) {
		notice("%s is the instruction-tuned model; train on the base model, which writes as people do: vqctl model pull %s", repo, base)
	}
}

// runModelRemove removes a downloaded model; it asks first unless yes is set.
func runModelRemove(ctx context.Context, name string, yes bool, out io.Writer) error {
	if err := model.IsRemovable(name); err != nil {
		return err
	}
	if !yes {
		if ok, err := ask(ctx, fmt.Sprintf("Remove %s from this machine?", name), os.Stdin, out); err != nil || !ok {
			if err == nil {
				_, err = io.WriteString(out, "nothing was removed\n")
			}
			return err
		}
	}
	freed, err := model.Remove(name)
	if err == nil {
		fmt.Fprintf(out, "removed %s: %s\n", name, terminal.Bytes(uint64(freed)))
	}
	return err
}

func runModelInit(ctx context.Context, o modelInitOptions, out io.Writer) error {
	config, err := model.ShapeConfig(o.shape)
	if err != nil {
		return err
	}
	report, finish := newProgress("writing", "B")
	var done int64
	err = model.WriteRandom(ctx, o.dir, model.RandomOptions{Config: config, Seed: o.seed, Progress: func(n int64) {
		done += n
		report(done, 2*config.Parameters())
	}})
	finish()
	if err != nil {
		return err
	}
	printWrapped(out, "", fmt.Sprintf("%s: random weights of shape %s, %.1f million parameters; the tokenizer is that of %s",
		o.dir, o.shape, float64(config.Parameters())/1e6, model.Tiny))
	return nil
}

// modelInfo is what model info prints.
type modelInfo struct {
	Name       string       `json:"name"`
	Dir        string       `json:"dir,omitempty"`
	Commit     string       `json:"commit,omitempty"`
	Config     model.Config `json:"config"`
	Parameters int64        `json:"parameters"`
	Files      []model.File `json:"files"`
	Memory     []load.Needs `json:"memory"`
}

// infoWorkload is the workload whose memory is reported: the defaults of train and generate.
var infoWorkload = load.Workload{Rank: 128, Tokens: 2 * 4096, Windows: 2, Context: 4096}

func runModelInfo(name string, asJSON bool, out io.Writer) error {
	source, err := model.Resolve(name)
	if err != nil {
		return err
	}
	m, err := source.Open()
	if err != nil {
		return err
	}
	defer m.Close()
	info := modelInfo{Name: source.Name, Dir: source.Dir, Commit: source.Commit(), Config: m.Config, Parameters: m.Config.Parameters()}
	if info.Files, err = source.Files(); err != nil {
		return err
	}
	device, err := engine.OpenCPU(0)
	if err != nil {
		return err
	}
	defer device.Close()
	if info.Memory, err = load.NeedsOf(device, m, infoWorkload); err != nil {
		return err
	}
	if asJSON {
		return json.NewEncoder(out).Encode(info)
	}
	return info.print(out)
}

func (i modelInfo) print(out io.Writer) error {
	c := i.Config
	where, tied := i.Dir, "its own"
	if where == "" {
		where = "built in"
	}
	if c.TieEmbeddings {
		tied = "the embedding"
	}
	var pairs [][2]string
	add := func(name, format string, args ...any) {
		pairs = append(pairs, [2]string{name, fmt.Sprintf(format, args...)})
	}
	add("name", "%s", i.Name)
	add("where", "%s", where)
	if i.Commit != "" {
		add("commit", "%s", i.Commit)
	}
	add("parameters", "%.1f million", float64(i.Parameters)/1e6)
	add("layers", "%d of width %d, MLP %d", c.Layers, c.HiddenSize, c.IntermediateSize)
	add("attention", "%d query heads of %d, %d key heads", c.Heads, c.HeadDim, c.KVHeads)
	add("vocabulary", "%d, output layer %s", c.VocabSize, tied)
	add("positions", "%d", c.MaxPositions)
	for _, f := range i.Files {
		add("file", "%s, %s", f.Name, terminal.Bytes(uint64(f.Bytes)))
	}
	for _, n := range i.Memory {
		format := n.Precision
		if n.Weights != "" {
			format += ", weights in " + n.Weights
		}
		add("memory, "+format, "training %s (weights %s, adapter and optimizer %s, activations %s, workspace %s); inference %s",
			terminal.Bytes(n.Training.Total), terminal.Bytes(n.Training.Weights), terminal.Bytes(n.Training.Adapter+n.Training.Gradients+n.Training.Optimizer), terminal.Bytes(n.Training.Activations), terminal.Bytes(n.Training.Workspace),
			terminal.Bytes(n.Inference.Total))
	}
	add("", "for an adapter of rank %d, %d windows of %d tokens at a time, a context of %d",
		infoWorkload.Rank, infoWorkload.Windows, infoWorkload.Tokens/infoWorkload.Windows, infoWorkload.Context)
	return printPairs(out, pairs)
}
