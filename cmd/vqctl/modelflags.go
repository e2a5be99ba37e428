package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v3"

	"ventriloquist/internal/hint"
	"ventriloquist/internal/load"
)

// modelOptions are the flags of every command that loads a model.
type modelOptions struct {
	base      string // "" when it was not given
	adapter   string // "" when it was not given
	precision string
	threads   int
}

func modelFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "base-model", Usage: "folder or name of the base model; `tiny` is built in"},
		&cli.StringFlag{Name: "adapter", Usage: "folder of the adapter"},
		&cli.BoolFlag{Name: "cpu", Usage: "run on the processor (all that this build can)"},
		&cli.IntFlag{Name: "gpu", Usage: "run on this GPU (needs a build with CUDA)"},
		&cli.StringFlag{Name: "precision", Value: "auto", Usage: "of the arithmetic: " + strings.Join(load.Precisions, ", ")},
		&cli.IntFlag{Name: "threads", Usage: "threads to compute with (0: as many as there are cores)"},
	}
}

func modelOptionsOf(c *cli.Command) (modelOptions, error) {
	o := modelOptions{base: c.String("base-model"), adapter: c.String("adapter"), precision: c.String("precision"), threads: c.Int("threads")}
	switch {
	case c.IsSet("gpu") && c.Bool("cpu"):
		return o, hint.Usage("--cpu and --gpu exclude each other")
	case c.IsSet("gpu"):
		return o, hint.With(hint.Usage("--gpu %d: this build has no CUDA engine", c.Int("gpu")), "leave it out to run on the processor")
	case !slices.Contains(load.Precisions, o.precision):
		return o, hint.Usage("--precision %q: it is one of %s", o.precision, strings.Join(load.Precisions, ", "))
	case o.threads < 0:
		return o, hint.Usage("--threads must not be negative")
	}
	return o, nil
}
