package memplan_test

import (
	"os"
	"strings"
	"testing"

	"ventriloquist/engine"
	"ventriloquist/internal/load/memplan"
)

// The default recipe on Qwen3-8B.
func recipe(weights engine.WeightFormat) memplan.Settings {
	return memplan.Settings{
		Model: engine.ModelConfig{Layers: 36, Hidden: 4096, FFN: 12288, Heads: 32, KVHeads: 8, HeadDim: 128, Vocab: 151936,
			NormEps: 1e-6, RopeTheta: 1e6, Weights: weights},
		Stored: engine.BF16, Precision: engine.BF16,
		Adapter:   engine.AdapterConfig{Rank: 128, Scale: 2, Dropout: 0.05, Targets: engine.AllTargets},
		BatchSize: 2, Accumulation: 16, SeqLength: 4096, Targets: 64,
	}
}

func device(t *testing.T) *engine.Device {
	t.Helper()
	d, err := engine.OpenCPU(1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

func fitTo(t *testing.T, s memplan.Settings, memory uint64) memplan.Fit {
	t.Helper()
	c, err := memplan.FitTo(s.Run(), memplan.OfGPU(memplan.GPU{}, memory), 0)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const gib = 1 << 30

// bf16 must fit 40 GiB, 8 bits 24 GiB, 4 bits 16 GiB, and cards of these sizes.
func TestFitTo_DefaultRecipeFits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		weights engine.WeightFormat
		memory  uint64
		cards   []string
	}{
		{engine.FP8GEMM, 40 * gib, []string{"l40s", "h100", "h200", "b200"}},
		{engine.Plain, 40 * gib, []string{"a100-40gb", "a100", "h100", "h200", "l40s", "a6000"}},
		{engine.Int8, 24 * gib, []string{"rtx3090", "rtx4090", "rtx5090"}},
		{engine.FP8, 24 * gib, []string{"rtx4090", "rtx5090"}},
		{engine.NF4, 16 * gib, []string{"rtx4080", "rtx5080", "l4", "a10"}},
	} {
		sizes := []uint64{c.memory}
		for _, name := range c.cards {
			gpu, err := memplan.GPUNamed(name)
			if err != nil {
				t.Fatal(err)
			}
			sizes = append(sizes, gpu.Memory)
		}
		for _, size := range sizes {
			choice := fitTo(t, recipe(c.weights), size)
			if !choice.Fits {
				t.Errorf("%s does not fit %.2f GiB: %.2f GiB", c.weights, float64(size)/gib, float64(choice.Memory.Total)/gib)
			}
			t.Logf("%s on %.2f GiB: %.2f GiB, %d layers share buffers, offload %v", c.weights, float64(size)/gib,
				float64(choice.Memory.Total)/gib, choice.Limits.RecomputeLayers, choice.Limits.OffloadOptimizer)
		}
	}
	if c := fitTo(t, recipe(engine.Plain), 24*gib); c.Fits {
		t.Error("bf16 weights fit 24 GiB, which hold 15 of weights, 5 of the adapter and 7 of the least activations")
	}
}

// One recomputed layer fewer does not fit.
func TestFitTo_RecomputesAsFewLayersAsPossible(t *testing.T) {
	t.Parallel()
	large := fitTo(t, recipe(engine.Plain), 141*gib)
	if large.Limits.RecomputeLayers != 0 || large.Limits.OffloadOptimizer || large.RecomputedLayers() != 0 {
		t.Errorf("with room for all: %+v", large.Limits)
	}
	for _, size := range []uint64{34 * gib, 40 * gib, 48 * gib} {
		c := fitTo(t, recipe(engine.Plain), size)
		if !c.Fits || c.Limits.RecomputeLayers < 2 || c.Limits.OffloadOptimizer {
			t.Errorf("%d GiB: %+v, fits %v", size/gib, c.Limits, c.Fits)
		}
		fewer := c.TrainingRun
		fewer.Limits.RecomputeLayers--
		m, err := memplan.OfGPU(memplan.GPU{}, size).Memory(fewer)
		if err != nil || m.Total <= size {
			t.Errorf("%d GiB: %d layers would have done as well: %v, %v", size/gib, fewer.Limits.RecomputeLayers, m.Total, err)
		}
	}
	all := fitTo(t, recipe(engine.Plain), 20*gib)
	if all.Fits {
		t.Error("bf16 weights fit 20 GiB")
	}
}

// The rows of a plan add up, and those that do not depend on the device are the same on every device.
func TestOfGPU_RowsAddUp(t *testing.T) {
	t.Parallel()
	cpu := memplan.OfDevice(device(t))
	for _, offload := range []bool{false, true} {
		s := recipe(engine.NF4).Run()
		s.Limits.RecomputeLayers, s.Limits.OffloadOptimizer = 20, offload
		m, err := memplan.OfGPU(memplan.GPU{}, gib).Memory(s)
		if err != nil {
			t.Fatal(err)
		}
		p, err := cpu.Memory(s)
		if err != nil {
			t.Fatal(err)
		}
		if m.Adapter != p.Adapter || m.Gradients != p.Gradients || m.Activations != p.Activations {
			t.Errorf("%+v, on the CPU %+v", m, p)
		}
		parameters := uint64(s.Adapter.Parameters(s.Model))
		if m.Adapter != 4*parameters || m.Optimizer+boolBytes(offload)*8*parameters != 8*parameters {
			t.Errorf("%d parameters take %d, their moments %d", parameters, m.Adapter, m.Optimizer)
		}
		if sum := m.Weights + m.Adapter + m.Gradients + m.Optimizer + m.Activations + m.Workspace + m.Driver; sum != m.Total {
			t.Errorf("the parts are %d, the whole %d", sum, m.Total)
		}
		if offload && m.Host < 8*parameters || m.Workspace > 8*gib {
			t.Errorf("host %d, workspace %d", m.Host, m.Workspace)
		}
	}
}

func boolBytes(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// Bytes of weights by hand: 6,945,767,424 elements of projections, 1,244,659,712 of the embedding and of the output each.
func TestOfGPU_Weights(t *testing.T) {
	t.Parallel()
	const projections, others, rows, norms = 6945767424.0, 2 * 2 * 622329856, 36 * (4096 + 2*1024 + 4096 + 2*12288 + 4096), 1.2e6 + 36*1e3
	for weights, want := range map[engine.WeightFormat]float64{
		engine.Plain: 2 * projections, engine.Int8: projections + 4*rows, engine.FP8: projections + 4*rows,
		engine.FP8GEMM: 2*projections + 4*rows, // once as they are, once transposed
		engine.NF4:     projections/2 + projections/64 + projections/64/256*4,
	} {
		m, err := memplan.OfGPU(memplan.GPU{}, gib).Memory(recipe(weights).Run())
		if err != nil {
			t.Fatal(err)
		}
		if got := float64(m.Weights); got < want+others || got > want+others+2*norms {
			t.Errorf("%s: %.0f bytes, by hand %.0f and norms", weights, got, want+others)
		}
	}
}

// Suggested settings fit.
func TestSuggest_FindsSettingsThatFit(t *testing.T) {
	t.Parallel()
	budget := memplan.OfGPU(memplan.GPU{}, 24*gib)
	found, err := memplan.Suggest(recipe(engine.Plain), budget, nil)
	if err != nil || len(found) == 0 {
		t.Fatalf("%v, %v", found, err)
	}
	var flags []string
	for _, s := range found {
		flags = append(flags, s.Flags)
		if s.Total > budget.Bytes {
			t.Errorf("%s takes %d", s.Flags, s.Total)
		}
	}
	for _, want := range []string{"load_in_8bit", "load_in_4bit"} {
		if !strings.Contains(strings.Join(flags, "|"), want) {
			t.Errorf("%s is not among %q", want, flags)
		}
	}
	// 4 bits and a batch of one are tried together when nothing else is enough.
	small := memplan.OfGPU(memplan.GPU{}, 12*gib)
	found, err = memplan.Suggest(recipe(engine.Plain), small, nil)
	if err != nil || len(found) == 0 || !strings.HasPrefix(found[0].Flags, "load_in_4bit max_seq_length ") {
		t.Errorf("for 12 GiB: %v, %v", found, err)
	}
	if found, err = memplan.Suggest(recipe(engine.Plain), memplan.OfGPU(memplan.GPU{}, 2*gib), nil); err != nil || len(found) > 0 {
		t.Errorf("for 2 GiB: %v, %v", found, err)
	}
}

// The arithmetic of a window of Qwen3-8B, r = 128, 4,096 tokens, 40 targets: 135.9 TFLOP without recomputation,
// 214.6 less what full recomputation of the last layers and the output would add.
func TestTrainingRun_FLOPs(t *testing.T) {
	t.Parallel()
	s := recipe(engine.Plain)
	s.BatchSize = 1
	w := s.Run().FLOPs(1, 4096, 40)
	if tera := w.Total() / 1e12; tera < 135.5 || tera > 136.5 {
		t.Errorf("%.1f TFLOP", tera)
	}
	if share := w.Base / w.Total(); share < 0.8 || share > 0.85 {
		t.Errorf("GEMMs with frozen weights are %.3f of it", share)
	}
	subject := s.Run()
	subject.Limits.RecomputeLayers = 36
	if again := subject.FLOPs(1, 4096, 40).Recomputed / 1e12; again < 45 || again > 64 {
		t.Errorf("%.1f TFLOP again", again)
	}
}

// With fp8 GEMMs the base model's arithmetic runs at the peak of fp8, everything else at that of bf16.
func TestSpeed_FP8GEMMsRunAtTheirOwnPeak(t *testing.T) {
	t.Parallel()
	gpu, err := memplan.GPUNamed("h100")
	if err != nil {
		t.Fatal(err)
	}
	work := engine.FLOPs{Base: 4e15, Other: 1e15}
	got := gpu.Speed(engine.FP8GEMM).Seconds(work) * memplan.Efficiency(engine.FP8GEMM)
	if want := 4e15/gpu.FP8 + 1e15/gpu.BF16; got < want*0.999 || got > want*1.001 {
		t.Errorf("%.3f s at the peaks, by hand %.3f", got, want)
	}
	if gpu.Speed(engine.FP8GEMM).Seconds(work) >= gpu.Speed(engine.FP8).Seconds(work) {
		t.Error("fp8 GEMMs are no faster than bf16 GEMMs with weights in fp8")
	}
}

// A card is planned with what CUDA gives to programs, which is less than nvidia-smi's total.
func TestGPUs_MemoryIsWhatCUDAGives(t *testing.T) {
	t.Parallel()
	for name, shown := range map[string]float64{ // by nvidia-smi, in MiB
		"rtx3090": 24576, "rtx4080": 16376, "rtx4090": 24564, "rtx5080": 16303, "rtx5090": 32607, "a10": 23028, "a6000": 49140, "a100-40gb": 40960,
		"a100": 81920, "l4": 23034, "l40s": 46068, "h100-pcie": 81559, "h100": 81559, "h200": 143771, "b200": 183359,
	} {
		gpu, err := memplan.GPUNamed(name)
		if err != nil {
			t.Fatal(err)
		}
		if share := float64(gpu.Memory) / (shown * (1 << 20)); share < 0.98 || share > 0.995 {
			t.Errorf("%s: %.2f GiB, %.4f of what nvidia-smi shows", name, float64(gpu.Memory)/gib, share)
		}
	}
	for name, want := range map[string]float64{"rtx4090": 23.65, "rtx5090": 31.36} {
		if gpu, _ := memplan.GPUNamed(name); float64(gpu.Memory)/gib < want-0.001 || float64(gpu.Memory)/gib > want {
			t.Errorf("%s: %.3f GiB", name, float64(gpu.Memory)/gib)
		}
	}
}

func TestGPUNamed(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"rtx4090", "RTX4090", "GeForce RTX 4090", "RTX-4090", "h100", "H100_PCIe", "a100-40gb"} {
		if _, err := memplan.GPUNamed(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := memplan.GPUNamed("voodoo2"); err == nil || !strings.Contains(err.Error(), `"voodoo2"`) {
		t.Errorf("%v", err)
	}
	for _, g := range memplan.GPUs {
		if g.Memory < 3*gib || g.BF16 < 1e13 || g.FP8 != 0 && g.FP8 < 1.9*g.BF16 || g.Source == "" || g.Title == "" {
			t.Errorf("%+v", g)
		}
	}
}

// On an open GPU the moments may move to the host's memory, and then do not count as the GPU's.
func TestOfDevice_GPUOffloads(t *testing.T) {
	t.Parallel()
	const library = "../../../build/engine/libvqcuda_sim.so" // the CUDA backend on the CPU
	if _, err := os.Stat(library); err != nil {
		t.Skipf("%s is not built: make test builds it", library)
	}
	gpu, err := engine.OpenBackend(library, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer gpu.Close()
	memory := func(budget memplan.MemoryBudget, weights engine.WeightFormat, offload bool) memplan.Memory {
		s := recipe(weights).Run()
		s.Limits.OffloadOptimizer = offload
		m, err := budget.Memory(s)
		if err != nil {
			t.Fatal(err)
		}
		if sum := m.Weights + m.Adapter + m.Gradients + m.Optimizer + m.Activations + m.Workspace + m.Driver; sum != m.Total {
			t.Errorf("the parts are %d, the whole %d", sum, m.Total)
		}
		return m
	}
	budget := memplan.OfDevice(gpu)
	if !budget.Discrete || memplan.OfDevice(device(t)).Discrete {
		t.Error("a GPU has memory of its own, a CPU does not")
	}
	s := recipe(engine.Int8).Run()
	moments := 8 * uint64(s.Adapter.Parameters(s.Model))
	with, without := memory(budget, engine.Int8, false), memory(budget, engine.Int8, true)
	if with.Total-without.Total != moments || without.Host-with.Host != moments || without.Optimizer != 0 {
		t.Errorf("with the moments %+v, without %+v", with, without)
	}
	// The plan for a described card is that of the open one, but for the driver.
	same := memplan.GPU{Name: "the open one", Multiprocessors: gpu.Info().Threads, FP8: 1}
	for _, weights := range []engine.WeightFormat{engine.Plain, engine.Int8, engine.NF4, engine.FP8} {
		described, open := memory(memplan.OfGPU(same, gib), weights, false), memory(budget, weights, false)
		described.Total += open.Driver - described.Driver
		described.Driver = open.Driver
		if described != open {
			t.Errorf("%s: described %+v, open %+v", weights, described, open)
		}
	}
}

// Row: 50,000 messages, 8B, an RTX 4090 take 66 hours at a stride of 1, and 1.3 hours at a stride of 50; no settings are named for a
// run of a few hours.
func TestPlan_NamesFasterSettings(t *testing.T) {
	t.Parallel()
	gpu, err := memplan.GPUNamed("4090")
	if err != nil {
		t.Fatal(err)
	}
	s := recipe(engine.Int8)
	plan := memplan.Plan{Settings: s, Budget: memplan.OfGPU(gpu, gpu.Memory), Speeds: memplan.SpeedsOf(gpu), Epochs: 2, FP8: true,
		Work: memplan.Work{Windows: 2 * 49985, Tokens: 4096, Targets: 48, Stride: 1, Messages: 100}}
	small := s.Model
	small.Weights, small.Layers = engine.Plain, 6
	plan.Smaller = []memplan.Base{{Name: "small", Model: small}}
	hours := func() *memplan.Hours {
		fit, err := memplan.FitTo(s.Run(), plan.Budget, 0)
		if err != nil {
			t.Fatal(err)
		}
		return memplan.Cost(s, fit, plan.Work, plan.Speeds)
	}
	now := hours()
	if now.From != now.To || now.To < 55 || now.To > 80 {
		t.Errorf("it takes %+v hours", now)
	}
	found, err := plan.Faster(now)
	if err != nil {
		t.Fatal(err)
	}
	took := map[string]float64{}
	for _, f := range found {
		took[strings.TrimSpace(f.Preprocess+" "+f.Train)] = f.Hours.To / now.To
	}
	for flags, want := range map[string]float64{"stride 10": 0.1, "stride 50": 0.02, "window 50 stride 25": 0.02, "num_epochs 1": 0.5, "limit 2000": 0.04, "base_model small": 0.11} {
		if got := took[flags]; got < 0.8*want || got > 1.3*want {
			t.Errorf("%s takes %.3f of it, want about %.3f: %v", flags, got, want, took)
		}
	}
	plan.Work.Windows /= 1000
	if found, err := plan.Faster(hours()); err != nil || len(found) > 0 {
		t.Errorf("a short run: %v, %v", found, err)
	}
}

// With --max-steps, other windows save nothing.
func TestPlan_FixedStepsAreShortenedByTheModelAlone(t *testing.T) {
	t.Parallel()
	gpu, err := memplan.GPUNamed("h100")
	if err != nil {
		t.Fatal(err)
	}
	small := recipe(engine.Plain).Model
	small.Layers = 6
	plan := memplan.Plan{Settings: recipe(engine.Plain), Budget: memplan.OfGPU(gpu, gpu.Memory), Speeds: memplan.SpeedsOf(gpu),
		Work: memplan.Work{Windows: 1e6, Tokens: 4096, Targets: 48, Stride: 1, Messages: 100}, Smaller: []memplan.Base{{Name: "small", Model: small}}}
	found, err := plan.Faster(&memplan.Hours{From: 100, To: 100})
	if err != nil || len(found) != 1 || found[0].Train != "base_model small" {
		t.Errorf("%+v, %v", found, err)
	}
}
