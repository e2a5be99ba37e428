package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"

	"ventriloquist/engine"
	"ventriloquist/internal/generate"
	"ventriloquist/internal/load"
	"ventriloquist/internal/model"
	"ventriloquist/internal/model/adapter"
	"ventriloquist/internal/terminal"
	"ventriloquist/internal/tokenizer"
	"ventriloquist/internal/train"
	"ventriloquist/internal/usererr"
)

// modelOptions are the flags of every command that loads a model.
type modelOptions struct {
	base      string         // "" if not given
	adapter   string         // "" if not given
	mix       []adapter.Part // adapters with weights, in the place of adapter
	precision string
	weights   engine.WeightFormat
	at        load.DeviceChoice
	threads   int
}

// loadedModelFlags are the flags of commands that load a model with its adapter, or a mixture of several.
func loadedModelFlags() []cli.Flag {
	return modelWithAdapterFlags("DIR:WEIGHT, repeated, mixes several")
}

// modelWithAdapterFlags are the flags of a model and of adapters; several says what becomes of several.
func modelWithAdapterFlags(several string) []cli.Flag {
	return slices.Concat(
		inGroup(modelGroup,
			baseModelFlag("the adapter's"),
			&cli.StringSliceFlag{Name: "adapter", Usage: "`DIR`: folder of the adapter (default: " + defaultAdapter + ", or best next to it if its held-out loss is lower; none with --base-model alone); " + several}),
		deviceFlags())
}

func baseModelFlag(ifNone string) cli.Flag {
	return &cli.StringFlag{Name: "base-model", Usage: "folder, GGUF file or `NAME` of the base model; \"tiny\" is built in (default: " + ifNone + ")"}
}

// deviceFlags are the flags for where a model runs, in which precision, and how its weights are stored.
func deviceFlags() []cli.Flag {
	return inGroup(modelGroup,
		&cli.IntFlag{Name: "gpu", HideDefault: true, Usage: "run on GPU `N`, counted from 0; needs a CUDA build (default: the first GPU, if any)"},
		&cli.BoolFlag{Name: "cpu", Usage: "run on the CPU"},
		&cli.StringFlag{Name: "precision", Value: "auto", Usage: "`PRECISION`: compute precision: " + strings.Join(load.Precisions, ", ") + " (fp8: also multiply in fp8, faster on GPUs of compute capability 8.9 and later; implies --load-in-fp8)"},
		&cli.BoolFlag{Name: "load-in-8bit", Usage: "store the base weights in int8, with a scale per row"},
		&cli.BoolFlag{Name: "load-in-4bit", Usage: "store the base weights in 4 bits (NF4, double quantization)"},
		&cli.BoolFlag{Name: "load-in-fp8", Usage: "store the base weights in fp8 (e4m3), with a scale per row; multiply in the compute precision"},
		&cli.IntFlag{Name: "threads", Usage: "`N`: CPU threads (0: all cores)"})
}

func modelOptionsOf(c *cli.Command) (modelOptions, error) {
	o := modelOptions{base: c.String("base-model"), adapter: model.ExpandHome(c.String("adapter")), precision: c.String("precision"), threads: c.Int("threads")}
	switch {
	case c.IsSet("gpu") && c.Bool("cpu"):
		return o, usererr.Usage("--cpu and --gpu exclude each other")
	case c.IsSet("gpu") && c.Int("gpu") < 0:
		return o, usererr.Usage("--gpu %d: GPUs are counted from 0", c.Int("gpu"))
	case !slices.Contains(load.Precisions, o.precision):
		return o, usererr.Usage("--precision %q: must be one of %s", o.precision, strings.Join(load.Precisions, ", "))
	case o.threads < 0:
		return o, usererr.Usage("--threads must not be negative")
	}
	if c.Bool("cpu") {
		o.at = load.CPU
	}
	if c.IsSet("gpu") {
		o.at = load.OnGPU(c.Int("gpu"))
		if _, err := load.FindCUDA(); err != nil {
			return o, usererr.With(usererr.Usage("--gpu %d: %v", c.Int("gpu"), err), "%s", usererr.Of(err))
		}
	}
	var err error
	o.weights, err = weightFormatOf(c)
	return o, err
}

// loadedModelOptionsOf returns the flags of loadedModelFlags.
func loadedModelOptionsOf(c *cli.Command) (modelOptions, error) {
	o, err := modelOptionsOf(c)
	if err != nil {
		return o, err
	}
	parts, err := adapter.ParseParts(c.StringSlice("adapter"))
	if len(parts) == 1 && !parts[0].Given {
		o.adapter = parts[0].Dir
	} else {
		o.mix = parts
	}
	return o, err
}

// weightFlags are the flags that select the format of the base weights.
var weightFlags = []struct {
	name   string
	format engine.WeightFormat
}{{"load-in-8bit", engine.Int8}, {"load-in-4bit", engine.NF4}, {"load-in-fp8", engine.FP8}}

func weightFormatOf(c *cli.Command) (engine.WeightFormat, error) {
	format, given := engine.Plain, ""
	for _, f := range weightFlags {
		if !c.Bool(f.name) {
			continue
		}
		if given != "" {
			return format, usererr.Usage("--%s and --%s exclude each other", given, f.name)
		}
		format, given = f.format, f.name
	}
	if c.String("precision") != load.FP8 {
		return format, nil
	}
	if format != engine.Plain && format != engine.FP8 {
		return format, usererr.Usage("--precision fp8 keeps the base weights in fp8: it and --%s exclude each other", given)
	}
	return engine.FP8GEMM, nil
}

// defaultAdapter is where train writes the finished adapter by default.
var defaultAdapter = filepath.Join(defaultOutputDir, "final")

// open loads the base model and the adapter that the flags name. With --base-model alone there is no adapter; with --adapter
// alone the base is the adapter's; with neither the adapter is that of the last training.
func (o modelOptions) open() (*load.Loaded, error) {
	base, adapterDir, err := o.resolve()
	if err != nil {
		return nil, err
	}
	o.noticeBest()
	return o.load(base, adapterDir)
}

// load loads a base model and the adapters to mix or the one in a folder, "" for none, and warns of adapters that may not be what they
// were.
func (o modelOptions) load(base model.Location, adapterDir string) (*load.Loaded, error) {
	parts := o.mix
	if adapterDir != "" {
		parts = []adapter.Part{{Dir: adapterDir, Weight: 1}}
	}
	done := waiting("loading the model")
	loaded, err := load.OpenSum(base, parts, o.loading())
	done()
	if err != nil {
		return nil, err
	}
	for _, p := range parts {
		if origin, err := adapter.ReadOrigin(p.Dir); err == nil {
			warnOfAdapter(origin, base.Name)
		}
	}
	return loaded, nil
}

// warnOfAdapter warns of an adapter whose base model cannot be checked, or whose configuration was changed.
func warnOfAdapter(a adapter.Origin, base string) {
	if a.Fingerprint == "" {
		notice("warning: the adapter in %s does not record the weights it was trained on, so it cannot be checked that %s is its base model: compare with what its trainer says (%s, base_model_name_or_path)",
			a.Dir, base, adapter.ConfigFile)
	}
	if train.ConfigChanged(a.Dir) {
		notice("warning: %s is not as vqctl wrote it: if you did not change it, it is damaged: use another copy", filepath.Join(a.Dir, adapter.ConfigFile))
	}
}

func (o modelOptions) loading() load.Options {
	return load.Options{Precision: o.precision, Weights: o.weights, Device: o.at, Threads: o.threads}
}

// resolve finds the base model, and the adapter's folder ("" for the base alone, and for a mixture).
func (o modelOptions) resolve() (base model.Location, adapterDir string, err error) {
	if o.mix != nil {
		base, err = o.baseOfMix()
		return base, "", err
	}
	name, adapterDir := o.base, o.adapter
	if name == "" && adapterDir == "" {
		if adapterDir = train.UsableAdapter(defaultOutputDir).Dir; adapterDir == "" {
			return base, "", usererr.With(fmt.Errorf("there is no trained adapter in %s", defaultAdapter),
				"make one with: vqctl train; or name one with --adapter, or only a base model with --base-model")
		}
	}
	if name == "" {
		config, err := adapter.ReadConfig(adapterDir)
		if err != nil {
			return base, "", err
		}
		if name = config.BaseModel; name == "" {
			return base, "", usererr.With(fmt.Errorf("%s does not say which base model the adapter is for", filepath.Join(adapterDir, adapter.ConfigFile)),
				"name it with --base-model")
		}
	}
	base, err = model.Resolve(name)
	if err != nil && o.base == "" {
		err = usererr.With(fmt.Errorf("the base of the adapter in %s: %w", adapterDir, err), "%s; or name it with --base-model", usererr.Of(err))
	}
	return base, adapterDir, err
}

// baseOfMix finds the base model of the adapters to mix. Without --base-model they must name the same one.
func (o modelOptions) baseOfMix() (model.Location, error) {
	if o.base != "" {
		return model.Resolve(o.base)
	}
	var origins []adapter.Origin
	for _, p := range o.mix {
		origin, err := adapter.ReadOrigin(p.Dir)
		if err != nil {
			return model.Location{}, err
		}
		origins = append(origins, origin)
	}
	if err := adapter.RequireOneOrigin(origins); err != nil {
		return model.Location{}, err
	}
	base, _, err := modelOptions{adapter: o.mix[0].Dir}.resolve()
	return base, err
}

// adapterDirs are the folders of the adapters that the flags select.
func (o modelOptions) adapterDirs() (dirs []string) {
	for _, p := range o.mix {
		dirs = append(dirs, p.Dir)
	}
	if _, dir, err := o.resolve(); err == nil && dir != "" {
		dirs = append(dirs, dir)
	}
	return dirs
}

// noticeBest says so if resolve selects the adapter with the lowest held-out loss instead of the finished one.
func (o modelOptions) noticeBest() {
	if o.base != "" || o.adapter != "" || o.mix != nil {
		return
	}
	switch u := train.UsableAdapter(defaultOutputDir); {
	case u.Better == nil:
	case !u.Finished:
		notice("using %s: the run is not finished; its held-out loss was lowest, %.4f, after step %s of %s", u.Dir, u.Better.Loss,
			terminal.Count(int64(u.Better.Step)), terminal.Count(int64(u.TotalSteps)))
	default:
		atEnd := ""
		if u.AtEnd != nil {
			atEnd = fmt.Sprintf(", and %.4f at the end", *u.AtEnd)
		}
		notice("using %s: the held-out loss was lowest, %.4f, after step %s of %s%s; --adapter %s uses the finished adapter", u.Dir, u.Better.Loss,
			terminal.Count(int64(u.Better.Step)), terminal.Count(int64(u.Step)), atEnd, defaultAdapter)
	}
}

// newGenerator makes a generator with the loaded adapter, or with the base model alone.
func newGenerator(l *load.Loaded, baseAlone bool) *generate.Generator {
	a := l.Adapter
	if baseAlone {
		a = nil
	}
	return generate.NewGenerator(generate.OnEngine(l.Model, a), l.Tokenizer, endsOfText(l.Base.Config, l.Tokenizer))
}

// endsOfText returns the tokens that end a text.
func endsOfText(config model.Config, t *tokenizer.Tokenizer) []int32 {
	var ids []int32
	for _, id := range config.EOSTokenIDs {
		ids = append(ids, int32(id))
	}
	if id, ok := t.TokenID("<|endoftext|>"); ok && t.IsAdded(id) && !slices.Contains(ids, id) {
		ids = append(ids, id)
	}
	return ids
}
