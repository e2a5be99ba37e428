package main

import (
	"context"
	"errors"
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
	"ventriloquist/internal/model/gguf"
	"ventriloquist/internal/terminal"
	"ventriloquist/internal/usererr"
)

// modelFormats are the formats of models; export.Formats are those of messages.
var modelFormats = []string{"gguf", "safetensors", "peft", "gguf-lora", "mlx"}

// The flags that go with one kind of format only.
var (
	messageExportFlags = []string{"person", "group", "since", "until", "zone", "contacts"}
	modelExportFlags   = []string{"adapter", "base-model", "type"}
)

// exportModelOptions are the flags of `vqctl export` for models.
type exportModelOptions struct {
	model modelOptions
	kind  string
}

func exportModelFlags(o *exportModelOptions) []cli.Flag {
	var types []string
	for _, t := range gguf.Types {
		types = append(types, t.String())
	}
	return inGroup(modelGroup,
		&cli.StringFlag{Name: "adapter", Usage: "`DIR`: folder of the adapter to merge (default: the last training's; none with --base-model alone)", Destination: &o.model.adapter},
		&cli.StringFlag{Name: "base-model", Usage: "folder, GGUF file or `NAME` of the base model (default: the adapter's)", Destination: &o.model.base},
		&cli.StringFlag{Name: "type", Usage: "`TYPE` of the merged weights: " + strings.Join(types, ", ") + " (default: f16; with safetensors the base model's)", Destination: &o.kind})
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

// runExportModel writes the merged model, or the adapter.
func runExportModel(ctx context.Context, o exportOptions) (err error) {
	if err := o.checkModelOutput(); err != nil {
		return err
	}
	location, adapterDir, err := o.model.model.resolve()
	if err != nil {
		return err
	}
	o.model.model.noticeBest()
	if o.writesAdapter() && adapterDir == "" {
		return usererr.With(usererr.Usage("--format %s writes an adapter, and --base-model alone has none", o.format), "name it with --adapter")
	}
	if o.format == "peft" {
		err = convert.CopyAdapter(adapterDir, o.output)
	} else {
		err = o.convert(ctx, location, adapterDir)
	}
	if err != nil {
		return err
	}
	recordOutput(ctx, o.dataDir, o.output)
	notice("%s: %s", o.output, terminal.Bytes(uint64(sizeOf(o.output))))
	return nil
}

// writesAdapter reports whether the format is one of adapters alone.
func (o *exportOptions) writesAdapter() bool {
	return slices.Contains([]string{"peft", "gguf-lora", "mlx"}, o.format)
}

// writesFile reports whether the format is a file; the others are folders.
func (o *exportOptions) writesFile() bool { return strings.HasPrefix(o.format, "gguf") }

// checkModelOutput refuses what cannot be written to.
func (o *exportOptions) checkModelOutput() error {
	if o.output == "" {
		example := "aidan"
		if o.writesFile() {
			example += ".gguf"
		}
		return usererr.With(usererr.Usage("--output is required: what should be written?"), "for example: --output %s", example)
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

// convert writes the base model with the adapter in a folder merged into it ("" for the base alone), or that adapter in another form.
func (o *exportOptions) convert(ctx context.Context, location model.Location, adapterDir string) (err error) {
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
		warnOfAdapter(source.Adapter, adapterDir, location.Name)
	}
	switch o.format {
	case "gguf-lora":
		return source.WriteGGUFAdapter(o.output)
	case "mlx":
		return source.WriteMLX(o.output)
	}
	kind, err := o.weightType(source)
	if err != nil {
		return err
	}
	report, finish := newProgress("exporting", "weights")
	defer finish()
	written := int64(0)
	source.Progress = func(n int64) {
		written += n
		report(written, source.Weights())
	}
	if o.format == "safetensors" {
		return source.WriteSafetensors(ctx, o.output, kind)
	}
	return source.WriteGGUF(ctx, o.output, kind)
}

// weightType returns the type of the weights that the flags select.
func (o *exportOptions) weightType(source convert.Source) (gguf.Type, error) {
	if o.model.kind == "" {
		if o.format == "safetensors" {
			return source.StoredType()
		}
		return gguf.F16, nil
	}
	kind, ok := gguf.TypeNamed(o.model.kind)
	switch {
	case !ok:
		return kind, usererr.Usage("--type %q is none of f32, f16, bf16, q8_0", o.model.kind)
	case o.format == "safetensors" && kind == gguf.Q8_0:
		return kind, usererr.With(usererr.Usage("--type q8_0 does not go with --format safetensors"), "choose f32, f16 or bf16")
	}
	return kind, nil
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
