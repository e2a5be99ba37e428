package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"

	"ventriloquist/internal/load"
	"ventriloquist/internal/model"
	"ventriloquist/internal/model/adapter"
	"ventriloquist/internal/model/convert"
	"ventriloquist/internal/terminal"
	"ventriloquist/internal/usererr"
)

// modelFormats are the formats of models; export.Formats are those of messages.
var modelFormats = []string{"gguf", "safetensors", "ollama", "peft", "gguf-lora", "mlx"}

// The flags that go with one kind of format only.
var (
	messageExportFlags = []string{"group", "since", "until", "zone", "contacts"}
	modelExportFlags   = []string{"adapter", "base-model", "type", "with", "check", "data-path"}
)

// exportModelOptions are the flags of `vqctl export` for models.
type exportModelOptions struct {
	model    modelOptions
	kind     string
	with     string // ollama: who types
	check    bool
	dataPath string // windows of the check
}

func exportModelFlags(o *exportModelOptions) []cli.Flag {
	return slices.Concat(
		inGroup(modelGroup,
			&cli.StringFlag{Name: "adapter", Usage: "`DIR`: folder of the adapter to merge (default: the last training's; none with --base-model alone)"},
			&cli.StringFlag{Name: "base-model", Usage: "folder, GGUF file or `NAME` of the base model (default: the adapter's)"},
			&cli.StringFlag{Name: "type", Usage: "`TYPE` of the merged weights: " + strings.Join(ownTypes(), ", ") + ", or one of llama-quantize, such as q4_k_m (default: f16; with safetensors the base model's)", Destination: &o.kind},
			&cli.StringFlag{Name: "with", Usage: "with ollama: `NAME` of the one who types (default: MY_NAME)", Destination: &o.with}),
		inGroup(checkGroup,
			&cli.BoolFlag{Name: "check", Usage: "compare the export with the model that it was made from, on 20 held-out windows", Destination: &o.check},
			&cli.StringFlag{Name: "data-path", Usage: "window `FILE` to check with, instead of messages.db", Destination: &o.dataPath}),
		checkDeviceFlags())
}

// checkDeviceFlags are the flags for where a check computes.
func checkDeviceFlags() []cli.Flag {
	return inGroup(checkGroup,
		&cli.IntFlag{Name: "gpu", HideDefault: true, Usage: "check on GPU `N`, counted from 0 (default: the first GPU, if any)"},
		&cli.BoolFlag{Name: "cpu", Usage: "check on the CPU"},
		&cli.StringFlag{Name: "precision", Value: "f32", Usage: "`PRECISION` that the check computes in: " + strings.Join(load.Precisions, ", ")},
		&cli.IntFlag{Name: "threads", Usage: "`N`: CPU threads of the check (0: all cores)"})
}

// refuseFlags refuses flags that a format has no use for.
func refuseFlags(c *cli.Command, format string, flags []string) error {
	for _, name := range flags {
		if c.IsSet(name) {
			return usererr.With(usererr.Usage("--%s does not go with --format %s", name, format), "vqctl help export says which formats there are")
		}
	}
	return nil
}

// runExportModel writes the merged model, or the adapter, and checks it if asked to.
func runExportModel(ctx context.Context, o exportOptions, out io.Writer) (err error) {
	write, err := o.writer()
	if err != nil {
		return err
	}
	location, adapterDir, err := o.model.model.resolve()
	if err != nil {
		return err
	}
	if o.writesAdapter() && adapterDir == "" {
		return usererr.With(usererr.Usage("--format %s writes an adapter, and --base-model alone has none", o.format), "name it with --adapter")
	}
	var check *exportCheck
	if o.model.check {
		if check, err = newExportCheck(ctx, &o, location, adapterDir, out); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, check.close()) }()
	}
	o.model.model.noticeBest()
	if o.format == "peft" {
		err = convert.CopyAdapter(adapterDir, o.output)
	} else {
		err = o.convert(ctx, location, adapterDir, write)
	}
	if err != nil {
		return err
	}
	recordOutput(ctx, o.dataDir, o.output)
	notice("%s: %s", o.output, terminal.Bytes(uint64(sizeOf(o.output))))
	if o.format == "ollama" {
		notice("next: %s", ollamaCreate(o.output))
	}
	if check == nil {
		return nil
	}
	return check.run(ctx, o.output)
}

// runExportCheck checks an export that is there already.
func runExportCheck(ctx context.Context, o exportOptions, path string, out io.Writer) (err error) {
	location, adapterDir, err := o.model.model.resolve()
	if err != nil {
		return err
	}
	check, err := newExportCheck(ctx, &o, location, adapterDir, out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, check.close()) }()
	o.model.model.noticeBest()
	return check.run(ctx, path)
}

// writesAdapter reports whether the format is one of adapters alone.
func (o *exportOptions) writesAdapter() bool {
	return slices.Contains([]string{"peft", "gguf-lora", "mlx"}, o.format)
}

// writesFile reports whether the format is a file; the others are folders.
func (o *exportOptions) writesFile() bool { return strings.HasPrefix(o.format, "gguf") }

// modelWriter writes a model or an adapter to a path.
type modelWriter func(ctx context.Context, source convert.Source, path string) error

// writer checks the flags and returns what writes the format; nil for peft, which copies files.
func (o *exportOptions) writer() (modelWriter, error) {
	if err := o.checkModelOutput(); err != nil {
		return nil, err
	}
	switch o.format {
	case "peft":
		return nil, nil
	case "gguf-lora":
		return func(_ context.Context, source convert.Source, path string) error {
			return source.WriteGGUFAdapter(path)
		}, nil
	case "mlx":
		return func(_ context.Context, source convert.Source, path string) error { return source.WriteMLX(path) }, nil
	case "safetensors":
		return o.safetensorsWriter()
	case "ollama":
		return o.ollamaWriter()
	}
	return o.ggufWriter()
}

// checkModelOutput refuses what cannot be written to.
func (o *exportOptions) checkModelOutput() error {
	if o.output == "" {
		example := "aidan"
		if o.writesFile() {
			example += ".gguf"
		}
		return usererr.With(usererr.Usage("--output is required: what should be written?"), "for example: --output %s", example)
	}
	if o.format != "ollama" && (len(o.person) > 0 || o.model.with != "") {
		return usererr.Usage("--person and --with go with messages and with --format ollama: the other formats hold everybody")
	}
	if o.writesAdapter() && o.model.kind != "" {
		return usererr.Usage("--type does not go with --format %s, which keeps the adapter's weights in f32", o.format)
	}
	info, err := os.Stat(o.output)
	switch {
	case err != nil:
		return nil
	case !o.writesFile():
		return usererr.With(usererr.Usage("--output %s exists", o.output), "--format %s writes a new folder: name another one, or remove this one", o.format)
	case info.IsDir():
		return usererr.With(usererr.Usage("--output %s is a folder", o.output), "name a file in it, such as %s/model.gguf", o.output)
	}
	return nil
}

// convert opens the base model and the adapter in a folder ("" for the base alone), and writes them.
func (o *exportOptions) convert(ctx context.Context, location model.Location, adapterDir string, write modelWriter) (err error) {
	base, err := location.Open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, base.Close()) }()
	if _, err := load.Tokenizer(base); err != nil {
		return err
	}
	source := convert.Source{Base: base}
	if adapterDir != "" {
		if source.Adapter, err = adapter.Load(adapterDir, base.Config); err != nil {
			return err
		}
		if err := load.RequireSameBase(base, source.Adapter, adapterDir); err != nil {
			return err
		}
		warnOfAdapter(adapter.Origin{Dir: adapterDir, Fingerprint: source.Adapter.BaseFingerprint}, location.Name)
	}
	if !o.writesAdapter() {
		report, finish := newProgress("exporting", "weights")
		defer finish()
		written := int64(0)
		source.Progress = func(n int64) {
			written += n
			report(written, source.Weights())
		}
	}
	return write(ctx, source, o.output)
}

// sizeOf returns the bytes of a file, or of the files in a folder.
func sizeOf(path string) (total int64) {
	filepath.WalkDir(path, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return nil
		}
		if info, err := entry.Info(); err == nil {
			total += info.Size()
		}
		return nil
	})
	return total
}
