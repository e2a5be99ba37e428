package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"

	"github.com/urfave/cli/v3"

	"ventriloquist/internal/model"
	"ventriloquist/internal/model/adapter"
	"ventriloquist/internal/model/adapter/algebra"
	"ventriloquist/internal/terminal"
	"ventriloquist/internal/usererr"
)

func newAdapterDiffCommand() *cli.Command {
	var asJSON bool
	return &cli.Command{
		Name: "diff", Usage: "compare what two adapters change, by layer", ArgsUsage: "DIR DIR",
		Description: `Prints the norms of what each adapter adds to the weights (scale B A), the norm of their difference, and the cosine of the angle between
them: 1 for the same direction, 0 for unrelated changes. Ranks and targets may differ; the base model may not.`,
		Flags: []cli.Flag{&cli.BoolFlag{Name: "json", Usage: "print a JSON object", Destination: &asJSON}},
		Action: func(ctx context.Context, c *cli.Command) error {
			if c.NArg() != 2 {
				return usererr.Usage("adapter diff takes two folders, not %d", c.NArg())
			}
			return runAdapterDiff(ctx, c.Args().Get(0), c.Args().Get(1), asJSON, stdout)
		},
	}
}

func runAdapterDiff(ctx context.Context, a, b string, asJSON bool, out io.Writer) error {
	terms, err := adapter.OpenSum([]adapter.Part{{Dir: model.ExpandHome(a), Weight: 1}, {Dir: model.ExpandHome(b), Weight: 1}})
	if err == nil {
		err = adapter.RequireOneBase(terms)
	}
	if err != nil {
		return err
	}
	report, finish := newProgress("comparing", "matrices")
	comparison, err := algebra.Compare(ctx, terms[0].Adapter, terms[1].Adapter, report)
	finish()
	if err != nil {
		return err
	}
	if asJSON {
		return json.NewEncoder(out).Encode(comparisonOf(comparison))
	}
	table := terminal.NewTable("", "norm of first>", "of second>", "of difference>", "cosine>")
	add := func(name string, d algebra.Difference) {
		table.Add(name, normText(d.A), normText(d.B), normText(d.Difference), cosineText(d.Cosine))
	}
	for layer, d := range comparison.Layers {
		add(fmt.Sprintf("layer %d", layer), d)
	}
	add("all layers", comparison.All)
	_, err = io.WriteString(out, table.Fit(terminal.Columns(out)))
	return err
}

func cosineText(cosine float64) string {
	if math.IsNaN(cosine) {
		return "-"
	}
	return fmt.Sprintf("%.4f", cosine)
}

// adapterDifference is a comparison in JSON.
type adapterDifference struct {
	First      float64  `json:"norm_first"`
	Second     float64  `json:"norm_second"`
	Difference float64  `json:"norm_difference"`
	Cosine     *float64 `json:"cosine"` // null where a norm is 0
}

type adapterComparison struct {
	adapterDifference
	Layers []adapterDifference `json:"layers"`
}

func comparisonOf(c algebra.Comparison) (j adapterComparison) {
	one := func(d algebra.Difference) adapterDifference {
		difference := adapterDifference{First: d.A, Second: d.B, Difference: d.Difference}
		if !math.IsNaN(d.Cosine) {
			difference.Cosine = &d.Cosine
		}
		return difference
	}
	j.adapterDifference = one(c.All)
	for _, d := range c.Layers {
		j.Layers = append(j.Layers, one(d))
	}
	return j
}
