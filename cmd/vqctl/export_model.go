package main

import (
	"context"
	"errors"
	"os"
	"strings"

	"github.com/urfave/cli/v3"

	"ventriloquist/internal/load"
	"ventriloquist/internal/model/adapter"
	"ventriloquist/internal/model/convert"
	"ventriloquist/internal/model/gguf"
	"ventriloquist/internal/terminal"
	"ventriloquist/internal/usererr"
)

// modelFormats are the formats of models; export.Formats are those of messages.
var modelFormats = []string{"gguf"}

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
		&cli.StringFlag{Name: "type", Value: gguf.F16.String(), Usage: "`TYPE` of the weights: " + strings.Join(types, ", "), Destination: &o.kind})
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

// runExportModel writes the merged model.
func runExportModel(ctx context.Context, o exportOptions) (err error) {
	kind, ok := gguf.TypeNamed(o.model.kind)
	if !ok {
		return usererr.Usage("--type %q is none of f32, f16, bf16, q8_0", o.model.kind)
	}
	if o.output == "" {
		return usererr.With(usererr.Usage("--output is required: which file should be written?"), "for example: --output aidan.gguf")
	}
	if info, err := os.Stat(o.output); err == nil && info.IsDir() {
		return usererr.With(usererr.Usage("--output %s is a folder", o.output), "name a file in it, such as %s/model.gguf", o.output)
	}
	location, adapterDir, err := o.model.model.resolve()
	if err != nil {
		return err
	}
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
	o.model.model.noticeBest()
	report, finish := newProgress("exporting", "weights")
	written := int64(0)
	source.Progress = func(n int64) {
		written += n
		report(written, source.Weights())
	}
	err = source.WriteGGUF(ctx, o.output, kind)
	finish()
	if err != nil {
		return err
	}
	recordOutput(ctx, o.dataDir, o.output)
	if info, err := os.Stat(o.output); err == nil {
		notice("%s: %s, %s", o.output, kind, terminal.Bytes(uint64(info.Size())))
	}
	return nil
}
