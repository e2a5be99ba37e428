package main

import (
	"context"
	"encoding/json"
	"io"
	"regexp"
	"strconv"
	"strings"

	"github.com/urfave/cli/v3"

	"ventriloquist/engine"
	"ventriloquist/internal/load"
	"ventriloquist/internal/load/memplan"
	"ventriloquist/internal/model"
	"ventriloquist/internal/model/adapter"
	"ventriloquist/internal/usererr"
)

// dryRunOptions are the flags of `vqctl train --dry-run`.
type dryRunOptions struct {
	wanted bool
	gpu    memplan.GPU // its Name is "" for a card of which only the memory is known
	memory uint64      // of the GPU; 0 for the CPU
}

func dryRunFlags() []cli.Flag {
	return inGroup(planGroup,
		&cli.BoolFlag{Name: "dry-run", Usage: "print the memory and time the run would take, then exit; needs no weights"},
		&cli.StringFlag{Name: "gpu-type", Usage: "plan for the GPU `NAME`, present or not, such as rtx4090, 3060, \"RTX 4070 Laptop\" or h100"},
		&cli.StringFlag{Name: "gpu-memory", Usage: "plan for a GPU with `SIZE` of memory as nvidia-smi shows it, such as 24GiB; CUDA gives programs a little less"})
}

func dryRunOptionsOf(c *cli.Command) (o dryRunOptions, err error) {
	o.wanted = c.Bool("dry-run")
	for _, name := range []string{"gpu-type", "gpu-memory"} {
		if c.IsSet(name) && !o.wanted {
			return o, usererr.With(usererr.Usage("--%s needs --dry-run", name), "it plans for a card that may be absent: add --dry-run")
		}
	}
	if c.IsSet("gpu-type") {
		if o.gpu, err = memplan.GPUNamed(c.String("gpu-type")); err != nil {
			return o, err
		}
		o.memory = o.gpu.Memory
	}
	if c.IsSet("gpu-memory") {
		if o.memory, err = parseMemory(c.String("gpu-memory")); err != nil {
			return o, err
		}
		o.memory = memplan.Usable(o.memory)
	}
	return o, nil
}

var memoryPattern = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?)\s*(?:([GMgm])([iI]?)[bB]?)?$`)

// parseMemory parses 24GiB, 24GB, 24G or 24576MiB. GB means GiB, as makers of cards use it.
func parseMemory(text string) (uint64, error) {
	parts := memoryPattern.FindStringSubmatch(strings.TrimSpace(text))
	if parts == nil {
		return 0, usererr.With(usererr.Usage("--gpu-memory %q is not a size", text), "write it as 24GiB or 24576MiB")
	}
	size, err := strconv.ParseFloat(parts[1], 64)
	unit := 1 << 20
	if parts[2] == "" || strings.EqualFold(parts[2], "g") {
		unit = 1 << 30
	}
	if bytes := size * float64(unit); err == nil && bytes >= 1<<20 && bytes < 1<<50 {
		return uint64(bytes), nil
	}
	return 0, usererr.Usage("--gpu-memory %s is out of range", text)
}

// dryRun is what train --dry-run --json prints.
type dryRun struct {
	Model        string `json:"model"`
	Parameters   int64  `json:"parameters"`
	Device       string `json:"device"`
	Precision    string `json:"precision"`
	Weights      string `json:"weights"`
	Rank         int    `json:"lora_r"`
	BatchSize    int    `json:"batch_size"`
	Accumulation int    `json:"gradient_accumulation_steps"`
	SeqLength    int    `json:"max_seq_length"`

	Memory           memplan.Memory `json:"memory"`
	Fragmentation    uint64         `json:"fragmentation"` // always 0: all memory is allocated before the first step
	Available        uint64         `json:"available"`
	Fits             bool           `json:"fits"`
	Layers           int            `json:"layers"`
	RecomputeLayers  int            `json:"recompute_layers"` // those whose activations share buffers
	RecomputedLayers int            `json:"layers_computed_again"`
	OffloadOptimizer bool           `json:"offload_optimizer"`

	StepFLOPs  float64 `json:"flops_per_step"`
	StepTokens int     `json:"tokens_per_step"`
	Windows    int     `json:"windows,omitempty"` // to train on, if they are on this machine
	Steps      int     `json:"steps,omitempty"`
	// Means over the windows, if these and the tokenizer are on this machine; otherwise all windows count as the longest.
	WindowTokens  int         `json:"tokens_per_window,omitempty"`
	WindowTargets int         `json:"target_tokens_per_window,omitempty"`
	Predicted     *prediction `json:"predicted,omitempty"`

	Nearest []memplan.Suggestion `json:"nearest,omitempty"`
}

// prediction is computed from a card's published peak.
type prediction struct {
	Peak            float64 `json:"peak_flops"`
	PeakFP8         float64 `json:"peak_fp8_flops,omitempty"` // of the GEMMs with the base weights
	Source          string  `json:"source"`
	Efficiency      float64 `json:"efficiency"` // assumed, not measured
	TokensPerSecond float64 `json:"tokens_per_second"`
	StepSeconds     float64 `json:"seconds_per_step"`
	Hours           float64 `json:"hours,omitempty"` // of the run, if the number of steps is known
	HoursPer1000    float64 `json:"hours_per_1000_windows"`
}

// runDryRun plans the run that the flags describe, and prints the plan to out.
func runDryRun(ctx context.Context, o trainOptions, out io.Writer) error {
	config, name, err := o.dryRunModel()
	if err != nil {
		return err
	}
	device, err := engine.OpenCPU(o.model.threads)
	if err != nil {
		return err
	}
	defer device.Close()
	s := o.dryRunSettings(config)
	budget, where, err := o.budget(device, &s)
	if err != nil {
		return err
	}
	fit, err := memplan.FitTo(s.Run(), budget, o.leastRecomputed(config))
	if err != nil {
		return err
	}
	result := newDryRun(name, where, config, s, fit, budget)
	if err := o.schedule(ctx, &result); err != nil {
		return err
	}
	result.estimate(o.dryRun.gpu, fit, s)
	if !fit.Fits {
		if result.Nearest, err = memplan.Suggest(s, budget); err != nil {
			return err
		}
	}
	if o.json {
		err = json.NewEncoder(out).Encode(result)
	} else {
		err = result.print(out)
	}
	if err != nil || fit.Fits {
		return err
	}
	return result.shortage()
}

// dryRunModel returns the base model that the flags name. An adapter to continue from sets r and targets.
func (o *trainOptions) dryRunModel() (model.Config, string, error) {
	start, err := o.start()
	if err != nil {
		return model.Config{}, "", err
	}
	config, name, err := model.ConfigNamed(start.baseModel)
	if err != nil || start.adapterFrom == "" {
		return config, name, err
	}
	from, err := adapter.Load(start.adapterFrom, config)
	if err == nil {
		o.lora.R, o.lora.Targets = from.R, from.Targets
	}
	return config, name, err
}

// dryRunSettings returns the settings in the flags, with all windows at the maximum length.
func (o *trainOptions) dryRunSettings(config model.Config) memplan.Settings {
	s := memplan.Settings{
		Model: load.ModelConfig(config, o.model.weights), Stored: engine.BF16, Adapter: load.AdapterConfig(o.lora),
		BatchSize: o.run.BatchSize, Accumulation: o.run.Accumulation, SeqLength: o.run.MaxSeqLength, Targets: memplan.TargetsPerWindow,
	}
	if stored, err := load.DType(config.DType); err == nil {
		s.Stored = stored
	}
	return s
}

// leastRecomputed returns the minimum number of layers to recompute: all with --recompute.
func (o *trainOptions) leastRecomputed(config model.Config) int {
	if o.settings.Recompute {
		return config.Layers
	}
	return 0
}

// budget returns the memory of the GPU that the flags name, or of the CPU, and the device's name. It sets the precision.
func (o *trainOptions) budget(device *engine.Device, s *memplan.Settings) (budget memplan.MemoryBudget, name string, err error) {
	if o.dryRun.memory == 0 {
		precision, err := load.Precision(o.model.precision, device)
		s.Precision = precision
		return memplan.OfDevice(device), device.Info().Name, err
	}
	if o.model.precision == "f32" {
		return budget, "", usererr.With(usererr.Usage("--precision f32: GPUs compute in bf16"), "omit --precision")
	}
	if o.model.weights == engine.FP8GEMM && o.dryRun.gpu.Name != "" && o.dryRun.gpu.FP8 == 0 {
		return budget, "", usererr.With(usererr.Usage("--precision fp8: the %s cannot multiply in fp8", o.dryRun.gpu.Title), "omit it; --load-in-fp8 stores the weights in fp8, to save memory")
	}
	s.Precision = engine.BF16
	where := o.dryRun.gpu.Title
	if where == "" {
		where = "a GPU"
	}
	return memplan.OfGPU(o.dryRun.gpu, o.dryRun.memory), where, nil
}

func newDryRun(name, where string, c model.Config, s memplan.Settings, fit memplan.Fit, budget memplan.MemoryBudget) dryRun {
	d := dryRun{
		Model: name, Parameters: c.Parameters(), Device: where, Precision: s.Precision.String(), Weights: s.Model.Weights.String(),
		Rank: s.Adapter.Rank, BatchSize: s.BatchSize, Accumulation: s.Accumulation, SeqLength: s.SeqLength,
		Memory: fit.Memory, Available: budget.Bytes, Fits: fit.Fits, Layers: c.Layers,
		RecomputeLayers: fit.Limits.RecomputeLayers, RecomputedLayers: fit.RecomputedLayers(),
		OffloadOptimizer: fit.Limits.OffloadOptimizer,
	}
	switch s.Model.Weights {
	case engine.Plain:
		d.Weights = d.Precision
	case engine.FP8GEMM:
		d.Precision, d.Weights = load.FP8, engine.FP8.String()
	}
	return d
}

// estimate counts the work of a step of typical windows, and predicts the time on a named GPU.
func (d *dryRun) estimate(gpu memplan.GPU, fit memplan.Fit, s memplan.Settings) {
	typical := s
	if d.WindowTokens > 0 {
		typical.SeqLength, typical.Targets = d.WindowTokens, d.WindowTargets
	}
	d.StepTokens = s.BatchSize * s.Accumulation * typical.SeqLength
	work := fit.FLOPs(s.BatchSize, typical.SeqLength, typical.Targets)
	d.StepFLOPs = work.Total() * float64(s.Accumulation)
	if gpu.Name != "" {
		d.predict(gpu, work, s)
	}
}

func (d *dryRun) predict(gpu memplan.GPU, work engine.FLOPs, s memplan.Settings) {
	seconds := gpu.StepSeconds(work, s.Model.Weights) * float64(s.Accumulation)
	p := &prediction{
		Peak: gpu.BF16, Source: gpu.Source, Efficiency: memplan.Efficiency(s.Model.Weights),
		TokensPerSecond: float64(d.StepTokens) / seconds, StepSeconds: seconds,
		HoursPer1000: seconds / float64(s.BatchSize*s.Accumulation) * 1000 / 3600,
	}
	if s.Model.Weights == engine.FP8GEMM {
		p.PeakFP8 = gpu.FP8
	}
	switch {
	case d.Windows > 0: // an epoch may end in a partial step
		p.Hours = seconds / float64(s.BatchSize*s.Accumulation) * float64(d.visited(s)) / 3600
	default:
		p.Hours = seconds * float64(d.Steps) / 3600
	}
	d.Predicted = p
}
