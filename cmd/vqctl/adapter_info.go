package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v3"

	"ventriloquist/internal/model"
	"ventriloquist/internal/model/adapter"
	"ventriloquist/internal/model/adapter/algebra"
	"ventriloquist/internal/terminal"
	"ventriloquist/internal/train"
	"ventriloquist/internal/usererr"
)

// adapterInfo is what is known of an adapter.
type adapterInfo struct {
	Dir         string   `json:"dir"`
	BaseModel   string   `json:"base_model"`
	Fingerprint string   `json:"base_fingerprint,omitempty"`
	Rank        int      `json:"r"`
	Alpha       float64  `json:"lora_alpha"`
	RSLoRA      bool     `json:"use_rslora"`
	Scale       float64  `json:"scale"`
	Targets     []string `json:"targets"`
	Parameters  int64    `json:"parameters"`
	Bytes       int64    `json:"bytes"`
	Step        *int     `json:"step"`        // of the training, null if it is not known
	TotalSteps  *int     `json:"total_steps"` // likewise
	HeldOutLoss *float64 `json:"held_out_loss"`
	People      []string `json:"people"` // null if they are not known
	// Norms are those of what is added to each weight, by layer and target; null where the adapter leaves it alone.
	Norms []map[string]*float64 `json:"norms"`
	Norm  float64               `json:"norm"` // of all together
}

func newAdapterInfoCommand() *cli.Command {
	var asJSON bool
	return &cli.Command{
		Name: "info", Usage: "show an adapter: base model, shape, training, people, norms", ArgsUsage: "[DIR]",
		Description: `Without DIR it is the adapter of the last training. A norm is the Frobenius norm of what the adapter adds to a weight: scale B A. The
base model is not needed.`,
		Flags: []cli.Flag{&cli.BoolFlag{Name: "json", Usage: "print a JSON object", Destination: &asJSON}},
		Action: func(ctx context.Context, c *cli.Command) error {
			if c.NArg() > 1 {
				return usererr.Usage("adapter info takes one folder, not %d", c.NArg())
			}
			dir := model.ExpandHome(c.Args().First())
			if dir == "" {
				if dir = train.UsableAdapter(defaultOutputDir).Dir; dir == "" {
					return usererr.With(fmt.Errorf("there is no trained adapter in %s", defaultAdapter), "name the folder of one: vqctl adapter info DIR")
				}
			}
			info, err := readAdapterInfo(ctx, dir)
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(stdout).Encode(info)
			}
			return info.print(stdout)
		},
	}
}

func readAdapterInfo(ctx context.Context, dir string) (*adapterInfo, error) {
	a, err := adapter.Open(dir)
	if err != nil {
		return nil, err
	}
	info := &adapterInfo{Dir: dir, BaseModel: a.BaseModel, Fingerprint: a.BaseFingerprint, Rank: a.R, Alpha: a.Alpha, RSLoRA: a.RSLoRA,
		Scale: a.Scale(), Targets: targetList(a.Targets)}
	if file, err := os.Stat(filepath.Join(dir, adapter.WeightsFile)); err == nil {
		info.Bytes = file.Size()
	}
	for layer := range a.Layers {
		for _, p := range a.Targets {
			if pair := a.Pair(layer, p); pair != nil {
				info.Parameters += int64(len(pair.A) + len(pair.B))
			}
		}
	}
	if state, err := train.ReadState(dir); err == nil {
		info.addTraining(&state)
	}
	norms, err := algebra.Norms(ctx, a)
	if err != nil {
		return nil, err
	}
	info.addNorms(norms)
	return info, nil
}

func (i *adapterInfo) addTraining(state *train.State) {
	i.Step, i.TotalSteps = &state.Step, &state.TotalSteps
	if loss, ok := state.HeldOutLoss(); ok {
		i.HeldOutLoss = &loss
	}
	if state.People != nil && !state.People.Others {
		i.People = state.People.Names
	}
}

func (i *adapterInfo) addNorms(norms [][]float64) {
	var layers []float64
	for _, row := range norms {
		byTarget := make(map[string]*float64)
		for at, p := range model.Projections {
			if norm := row[at]; !math.IsNaN(norm) {
				byTarget[p.Short] = &norm
			}
		}
		i.Norms = append(i.Norms, byTarget)
		layers = append(layers, algebra.Total(row))
	}
	i.Norm = algebra.Total(layers)
}

func (i *adapterInfo) print(out io.Writer) error {
	base := i.BaseModel
	if base == "" {
		base = "not recorded"
	}
	if i.Fingerprint != "" {
		base += ", fingerprint " + i.Fingerprint
	}
	stabilized := ""
	if i.RSLoRA {
		stabilized = ", rank-stabilized"
	}
	lines := [][2]string{
		{"base model", base},
		{"rank", fmt.Sprintf("%d, alpha %g, scale %.6g%s", i.Rank, i.Alpha, i.Scale, stabilized)},
		{"targets", strings.Join(i.Targets, ", ")},
		{"size", fmt.Sprintf("%s, %s", terminal.Quantity(i.Parameters, "parameter"), terminal.Bytes(uint64(i.Bytes)))},
		{"training", i.training()},
		{"people", i.peopleInWords()},
	}
	for _, line := range lines {
		printWrapped(out, "", fmt.Sprintf("%-11s %s", line[0], strings.ReplaceAll(line[1], "\n", `\n`))) // files may hold anything
	}
	_, err := io.WriteString(out, "\n"+i.normTable().Fit(terminal.Columns(out)))
	return err
}

func (i *adapterInfo) training() string {
	if i.Step == nil {
		return "not recorded"
	}
	text := fmt.Sprintf("step %s of %s", terminal.Count(int64(*i.Step)), terminal.Count(int64(*i.TotalSteps)))
	if i.HeldOutLoss != nil {
		text += fmt.Sprintf(", held-out loss %.4f", *i.HeldOutLoss)
	}
	return text
}

func (i *adapterInfo) peopleInWords() string {
	if i.People == nil {
		return "not recorded"
	}
	return strings.Join(i.People, ", ")
}

// normTable lists the norms by layer; the last row and column are those of all together.
func (i *adapterInfo) normTable() *terminal.Table {
	titles := []string{"norm", "all>"}
	for _, target := range i.Targets {
		titles = append(titles, target+">")
	}
	table := terminal.NewTable(titles...)
	byTarget := make([][]float64, len(i.Targets))
	add := func(name string, norms []float64) {
		cells := []string{name, normText(algebra.Total(norms))}
		for _, n := range norms {
			cells = append(cells, normText(n))
		}
		table.Add(cells...)
	}
	for layer, norms := range i.Norms {
		var row []float64
		for at, target := range i.Targets {
			norm := math.NaN()
			if n := norms[target]; n != nil {
				norm = *n
			}
			row, byTarget[at] = append(row, norm), append(byTarget[at], norm)
		}
		add(fmt.Sprintf("layer %d", layer), row)
	}
	var totals []float64
	for at := range i.Targets {
		totals = append(totals, algebra.Total(byTarget[at]))
	}
	add("all layers", totals)
	return table
}

// normText formats a norm, "-" for none.
func normText(norm float64) string {
	if math.IsNaN(norm) {
		return "-"
	}
	return fmt.Sprintf("%.4g", norm)
}
