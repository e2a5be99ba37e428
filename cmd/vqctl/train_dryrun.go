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
	"ventriloquist/internal/datacheck"
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
	// Of several processes, one per GPU; without machines for one process.
	cluster memplan.Cluster
}

func dryRunFlags() []cli.Flag {
	return inGroup(planGroup,
		&cli.BoolFlag{Name: "dry-run", Usage: "print the memory and time the run would take, then exit; needs no weights"},
		&cli.StringFlag{Name: "gpu-type", Usage: "plan for the GPU `NAME`, present or not, such as rtx4090, 3060, \"RTX 4070 Laptop\" or h100"},
		&cli.StringFlag{Name: "gpu-memory", Usage: "plan for a GPU with `SIZE` of memory as nvidia-smi shows it, such as 24GiB; CUDA gives programs a little less"},
		&cli.IntFlag{Name: "nodes", HideDefault: true, Value: 1, Usage: "plan for `N` machines, each with --gpus-per-node of the GPU of --gpu-type"},
		&cli.IntFlag{Name: "gpus-per-node", HideDefault: true, Value: 1, Usage: "plan for `N` GPUs per machine, each with a process of its own"},
		&cli.StringFlag{Name: "network", Usage: "`RATE` of the network between the machines of --nodes, in bits per second, such as 100g or 10GbE"})
}

func dryRunOptionsOf(c *cli.Command) (o dryRunOptions, err error) {
	o.wanted = c.Bool("dry-run")
	for _, name := range []string{"gpu-type", "gpu-memory", "nodes", "gpus-per-node", "network"} {
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
	o.cluster, err = clusterOf(c, o.gpu)
	return o, err
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
	Nodes        int    `json:"nodes,omitempty"` // of a run in several processes
	PerNode      int    `json:"gpus_per_node,omitempty"`
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
	WindowTokens  int             `json:"tokens_per_window,omitempty"`
	WindowTargets int             `json:"target_tokens_per_window,omitempty"`
	Estimated     bool            `json:"estimated_tokens,omitempty"` // counted without the base model's tokenizer
	Checkpoints   *checkpointPlan `json:"checkpoints,omitempty"`      // if the number of steps is known
	Predicted     *prediction     `json:"predicted,omitempty"`        // only if the run fits
	Range         *predicted      `json:"predicted_range,omitempty"`  // instead, for any card with the given memory

	Settings []settingValue      `json:"settings"`
	Warnings []datacheck.Finding `json:"warnings"` // about the windows, if they are on this machine
	notes    []string            // the settings, for people

	Nearest []memplan.Suggestion `json:"nearest,omitempty"` // if the run does not fit
	Faster  []memplan.Faster     `json:"faster,omitempty"`  // if it takes more than a few hours
}

// predicted are the predictions for the fastest and the slowest card.
type predicted struct {
	Fastest prediction `json:"fastest"`
	Slowest prediction `json:"slowest"`
}

// prediction is computed from a card's published peak, or from the measured GEMM rate of this machine's device.
type prediction struct {
	Device          string  `json:"device"`
	Peak            float64 `json:"peak_flops"`
	PeakFP8         float64 `json:"peak_fp8_flops,omitempty"` // of the GEMMs with the base weights
	Measured        bool    `json:"measured,omitempty"`       // the peak, on this machine
	Source          string  `json:"source,omitempty"`
	Efficiency      float64 `json:"efficiency"` // assumed, not measured
	TokensPerSecond float64 `json:"tokens_per_second"`
	StepSeconds     float64 `json:"seconds_per_step"`
	Hours           float64 `json:"hours,omitempty"` // of the run, if the number of steps is known
	HoursPer1000    float64 `json:"hours_per_1000_windows"`
	// Of a run in several processes. Peak and efficiency are those of one GPU.
	Cluster *memplan.ClusterStep `json:"cluster,omitempty"`
}

// runDryRun plans the run that the flags describe, and prints the plan to out.
func runDryRun(ctx context.Context, o trainOptions, out io.Writer) error {
	config, name, err := o.dryRunModel()
	if err != nil {
		return err
	}
	device, err := o.planDevice()
	if err != nil {
		return err
	}
	defer device.Close()
	data, err := o.planData(ctx)
	defer data.close()
	if err != nil {
		return err
	}
	s := o.dryRunSettings(config, data.mostTargets())
	budget, where, err := o.budget(device, &s)
	if err != nil {
		return err
	}
	fit, err := memplan.FitTo(s.Run(), budget, o.leastRecomputed(config))
	if err != nil {
		return err
	}
	result := newDryRun(name, where, config, s, fit, budget)
	result.Nodes, result.PerNode = o.dryRun.cluster.Machines, o.dryRun.cluster.PerMachine
	result.Settings, result.Warnings = o.values(), data.found
	result.notes = o.settingLines()
	work, err := o.schedule(ctx, &result, data)
	if err != nil {
		return err
	}
	speeds, err := o.speeds(device, s)
	if err != nil {
		return err
	}
	result.count(fit, s, work)
	result.planCheckpoints(o.settings, s)
	if err := result.compare(o.comparison(config, s, budget, work, speeds), fit, o.dryRun.cluster); err != nil {
		return err
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

// planDevice opens the device to plan for: the one that train would use, unless a card is described.
func (o *trainOptions) planDevice() (*engine.Device, error) {
	if o.dryRun.memory > 0 {
		return engine.OpenCPU(o.model.threads)
	}
	return load.Device(o.model.at, o.model.threads)
}

// speeds returns the speed of the device, or of the cards that the flags describe.
func (o *trainOptions) speeds(device *engine.Device, s memplan.Settings) (memplan.Speeds, error) {
	switch {
	case o.dryRun.memory == 0:
		return load.Speeds(device, fasterPrecisions(device, s.Precision)...)
	case o.dryRun.gpu.Name != "":
		return memplan.SpeedsOf(o.dryRun.gpu), nil
	}
	return memplan.SpeedsOf(memplan.GPUsWithMemory(o.dryRun.memory)...), nil
}

// fasterPrecisions returns the precision, and bf16 if the device has it and the precision is f32.
func fasterPrecisions(device *engine.Device, precision engine.DType) []engine.DType {
	if auto, err := load.Precision("auto", device); err == nil && auto != precision {
		return []engine.DType{precision, auto}
	}
	return []engine.DType{precision}
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

// dryRunSettings returns the settings in the flags, with all windows at the maximum length and with this many target messages.
func (o *trainOptions) dryRunSettings(config model.Config, targets int) memplan.Settings {
	s := memplan.Settings{
		Model: load.ModelConfig(config, o.model.weights), Stored: engine.BF16, Adapter: load.AdapterConfig(o.lora),
		BatchSize: o.run.BatchSize, Accumulation: o.run.Accumulation, SeqLength: o.run.MaxSeqLength, Targets: targets * memplan.TokensPerTarget,
		Ranks: o.dryRun.cluster.Ranks(),
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

// count counts the work of a step of windows of the mean size.
func (d *dryRun) count(fit memplan.Fit, s memplan.Settings, w memplan.Work) {
	d.StepTokens = s.BatchSize * s.Accumulation * w.Tokens
	d.StepFLOPs = fit.FLOPs(s.BatchSize, w.Tokens, w.Targets).Total() * float64(s.Accumulation)
}

// compare predicts the time of a run that fits, and names settings that take less time if it is long. For a run that does not fit, it
// names the nearest settings that do. It does both for one process only as far as times are concerned.
func (d *dryRun) compare(p memplan.Plan, fit memplan.Fit, cluster memplan.Cluster) (err error) {
	if !fit.Fits {
		cost := func(s memplan.Settings, fit memplan.Fit) *memplan.Hours {
			return memplan.Cost(s, fit, p.Work, p.Speeds)
		}
		if cluster.Ranks() > 0 {
			cost = nil
		}
		d.Nearest, err = memplan.Suggest(p.Settings, p.Budget, cost)
		return err
	}
	d.predict(p, fit, cluster)
	if cluster.Ranks() > 0 {
		return nil
	}
	d.Faster, err = p.Faster(memplan.Cost(p.Settings, fit, p.Work, p.Speeds))
	return err
}

// predict sets the predictions for the plan's devices.
func (d *dryRun) predict(p memplan.Plan, fit memplan.Fit, cluster memplan.Cluster) {
	var all predicted
	for i, speed := range p.Speeds(p.Settings) {
		one := d.prediction(speed, p, fit, cluster)
		if i == 0 || one.StepSeconds < all.Fastest.StepSeconds {
			all.Fastest = one
		}
		if i == 0 || one.StepSeconds > all.Slowest.StepSeconds {
			all.Slowest = one
		}
	}
	switch {
	case all.Slowest.Device == "":
	case all.Fastest == all.Slowest:
		d.Predicted = &all.Fastest
	default:
		d.Range = &all
	}
}

func (d *dryRun) prediction(speed memplan.Speed, p memplan.Plan, fit memplan.Fit, cluster memplan.Cluster) prediction {
	s := p.Settings
	perStep := float64(s.BatchSize * s.Accumulation)
	microBatch := speed.Seconds(fit.FLOPs(s.BatchSize, p.Work.Tokens, p.Work.Targets))
	seconds := microBatch * float64(s.Accumulation)
	var step *memplan.ClusterStep
	if cluster.Ranks() > 0 {
		planned := cluster.Step(microBatch, s.Accumulation, fit.Memory.Adapter)
		step, seconds = &planned, planned.Seconds()
	}
	one := prediction{
		Device: speed.Device, Peak: speed.Peak, PeakFP8: speed.PeakFP8, Measured: speed.Measured, Source: speed.Source, Efficiency: speed.Efficiency,
		TokensPerSecond: float64(d.StepTokens) / seconds, StepSeconds: seconds, HoursPer1000: seconds / perStep * 1000 / 3600,
		Hours: seconds * float64(d.Steps) / 3600, Cluster: step,
	}
	if d.Windows > 0 { // an epoch may end in a partial step
		one.Hours = seconds / perStep * p.Work.Windows / 3600
	}
	return one
}
