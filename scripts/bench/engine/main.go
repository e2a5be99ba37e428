// Command engine measures the engine on a model of random weights and prints one JSON object.
//
//	go run ./scripts/bench/engine -what train -shape qwen3-0.6b -precision bf16
//	go run ./scripts/bench/engine -what infer -shape qwen3-0.6b -precision bf16
//	go run ./scripts/bench/engine -what serve -shape qwen3-0.6b -tokens 256 -rank 0
//	go run ./scripts/bench/engine -what chat
//	go run ./scripts/bench/engine -what members -shape tiny -tokens 512 -rank 0
//
// train: forward, backward and AdamW on windows of -tokens tokens with loss on the last -targets of each, -windows windows per
// micro-batch. Its share is relative to the GEMM speed that the device reaches on the model's largest matrix.
// infer: prefill of -tokens tokens, then decoding. Its share is relative to the memory bandwidth, counting the bytes that
// decoding must read. serve: what 1, 4 and 16 clients of a server get together; see serve.go. members: what it costs to ask who of several people said a message; see members.go. chat: messages that the built-in model, or that of -model, writes; see chat.go. Every figure is the best of -repeat, as other processes can only slow it down. With -model, the weights
// are mapped from files as in vqctl, so that the peak memory can be compared with the plan.
package main

import (
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"syscall"
	"time"

	"ventriloquist/engine"
	"ventriloquist/internal/load"
	"ventriloquist/internal/model"
)

type options struct {
	what, shape, model, precision, weights          string
	tokens, targets, windows, rank, threads, repeat int
	dropout                                         float64
	recompute                                       int
}

func main() {
	var o options
	flag.StringVar(&o.what, "what", "train", "train, infer, serve, members or chat")
	flag.StringVar(&o.shape, "shape", "qwen3-0.6b", "a shape of `vqctl model init`")
	flag.StringVar(&o.model, "model", "", "a model's folder, instead of -shape")
	flag.StringVar(&o.precision, "precision", "auto", "f32, bf16 or auto")
	flag.StringVar(&o.weights, "weights", "plain", "format of the projections' weights: plain, int8, nf4, fp8 or fp8-products")
	flag.IntVar(&o.tokens, "tokens", 2048, "tokens of a window")
	flag.IntVar(&o.targets, "targets", 40, "tokens of a window that carry loss")
	flag.IntVar(&o.windows, "windows", 1, "windows of a micro-batch")
	flag.IntVar(&o.rank, "rank", 128, "rank of the adapter, 0 for none (infer only)")
	flag.IntVar(&o.threads, "threads", 0, "threads, 0 for all")
	flag.IntVar(&o.repeat, "repeat", 3, "runs of which the best counts; of decoding, the fastest token")
	flag.Float64Var(&o.dropout, "dropout", 0, "dropout of the adapter's input")
	flag.IntVar(&o.recompute, "recompute", 0, "layers of which the input only is kept")
	flag.Parse()
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(o options) error {
	if o.what == "chat" {
		result := map[string]any{"what": o.what, "precision": o.precision, "weights": o.weights}
		if err := chat(o, result); err != nil {
			return err
		}
		return json.NewEncoder(os.Stdout).Encode(result)
	}
	device, err := engine.OpenCPU(o.threads)
	if err != nil {
		return err
	}
	defer device.Close()
	precision, err := load.Precision(o.precision, device)
	if err != nil {
		return err
	}
	weights, err := formatNamed(o.weights)
	if err != nil {
		return err
	}
	m, closeModel, err := openModel(device, o, precision, weights)
	if err != nil {
		return err
	}
	defer closeModel()
	var a *engine.Adapter
	if o.rank > 0 {
		if a, err = randomAdapter(m, o); err != nil {
			return err
		}
		defer a.Close()
	}
	result := map[string]any{"what": o.what, "shape": o.shape, "precision": precision.String(),
		"weights": weights.String(), "tokens": o.tokens,
		"rank": o.rank, "dropout": o.dropout, "threads": device.Info().Threads, "instructions": device.Info().Instructions}
	switch o.what {
	case "train":
		err = train(o, device, m, a, result)
	case "serve":
		err = serve(o, m, a, result)
	case "members":
		err = members(o, m, a, result)
	default:
		err = infer(o, device, m, a, result)
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(result)
}

func formatNamed(name string) (engine.WeightFormat, error) {
	for _, f := range []engine.WeightFormat{engine.Plain, engine.Int8, engine.NF4, engine.FP8, engine.FP8GEMM} {
		if f.String() == name {
			return f, nil
		}
	}
	return 0, fmt.Errorf("-weights %q: it is plain, int8, nf4, fp8 or fp8-products", name)
}

// openModel opens the folder of -model, or makes a random model of -shape.
func openModel(device *engine.Device, o options, precision engine.DType, weights engine.WeightFormat) (*engine.Model, func(), error) {
	training := o.what == "train"
	if o.model == "" {
		config, err := model.ShapeConfig(o.shape)
		if err != nil {
			return nil, nil, err
		}
		m, err := randomModel(device, load.ModelConfig(config, weights), precision, training)
		return m, m.Close, err
	}
	base, err := model.Open(o.model)
	if err != nil {
		return nil, nil, err
	}
	m, err := load.Model(device, base, precision, weights, training)
	return m, func() { m.Close(); base.Close() }, err
}

// peakMemory is the peak resident memory of the process in bytes.
func peakMemory() float64 {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return math.NaN()
	}
	if runtime.GOOS == "darwin" {
		return float64(usage.Maxrss)
	}
	return float64(usage.Maxrss) * 1024
}

// randomModel fills every tensor with bf16 values, because reading pages that were never written is unrealistically fast.
func randomModel(device *engine.Device, c engine.ModelConfig, precision engine.DType, training bool) (*engine.Model, error) {
	m, err := device.NewModel(c, precision)
	if err != nil {
		return nil, err
	}
	random := rand.New(rand.NewPCG(1, 1))
	var values [1 << 12]uint16
	for i := range values {
		values[i] = uint16(math.Float32bits(float32(random.NormFloat64()*0.02)) >> 16)
	}
	set := func(kind engine.TensorKind, layer, rows, cols int) {
		data := make([]byte, 2*rows*cols)
		for i := 0; i < len(data); i += 2 {
			value := uint16(0x3f80) // norms are 1
			if rows > 1 {
				value = values[random.Uint32()%uint32(len(values))]
			}
			binary.LittleEndian.PutUint16(data[i:], value)
		}
		if err == nil {
			err = m.SetTensor(kind, layer, data, engine.BF16, rows, cols)
		}
	}
	set(engine.Embedding, 0, c.Vocab, c.Hidden)
	set(engine.FinalNorm, 0, 1, c.Hidden)
	if !c.Tied {
		set(engine.Output, 0, c.Vocab, c.Hidden)
	}
	q, kv := c.Heads*c.HeadDim, c.KVHeads*c.HeadDim
	for l := range c.Layers {
		set(engine.AttentionNorm, l, 1, c.Hidden)
		set(engine.MLPNorm, l, 1, c.Hidden)
		set(engine.QueryNorm, l, 1, c.HeadDim)
		set(engine.KeyNorm, l, 1, c.HeadDim)
		set(engine.Q, l, q, c.Hidden)
		set(engine.K, l, kv, c.Hidden)
		set(engine.V, l, kv, c.Hidden)
		set(engine.O, l, c.Hidden, q)
		set(engine.Gate, l, c.FFN, c.Hidden)
		set(engine.Up, l, c.FFN, c.Hidden)
		set(engine.Down, l, c.Hidden, c.FFN)
	}
	if err == nil {
		err = m.Finish(training)
	}
	if err != nil {
		m.Close()
		return nil, err
	}
	return m, nil
}

func randomAdapter(m *engine.Model, o options) (*engine.Adapter, error) {
	a, err := m.NewAdapter(engine.AdapterConfig{Rank: o.rank, Scale: 2, Dropout: float32(o.dropout), Targets: engine.AllTargets})
	if err != nil {
		return nil, err
	}
	random := rand.New(rand.NewPCG(2, 2))
	fill := func(n int) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = 0.02 * (random.Float32() - 0.5)
		}
		return x
	}
	for l := range m.Config().Layers {
		for _, target := range engine.AllTargets.Each() {
			in, out := m.Config().TargetShape(target)
			if err := a.Write(l, target, fill(o.rank*in), fill(o.rank*out)); err != nil {
				a.Close()
				return nil, err
			}
		}
	}
	return a, nil
}

// best is the shortest time of the runs, after one warm-up run.
func best(repeat int, body func() error) (time.Duration, error) {
	if err := body(); err != nil {
		return 0, err
	}
	shortest := time.Duration(math.MaxInt64)
	for range repeat {
		start := time.Now()
		if err := body(); err != nil {
			return 0, err
		}
		shortest = min(shortest, time.Since(start))
	}
	return shortest, nil
}

func train(o options, device *engine.Device, m *engine.Model, a *engine.Adapter, result map[string]any) error {
	limits := engine.TrainLimits{MaxTokens: o.tokens * o.windows, MaxWindows: o.windows, MaxTargets: o.targets * o.windows,
		RecomputeLayers: o.recompute}
	adapter := a.Config()
	plan, err := device.PlanTraining(m.Config(), engine.BF16, m.Precision(), &adapter, limits)
	if err != nil {
		return err
	}
	result["plan_gb"] = float64(plan.Total) / 1e9
	t, err := m.NewTrainer(a, limits, true)
	if err != nil {
		return err
	}
	defer t.Close()
	b := t.Batch(0)
	random := rand.New(rand.NewPCG(3, 3))
	for i := range b.IDs {
		b.IDs[i] = int32(random.IntN(m.Config().Vocab))
	}
	for w := range o.windows {
		b.WindowBegin[w+1] = int32((w + 1) * o.tokens)
		for i := range o.targets {
			at := w*o.targets + i
			b.TargetRow[at] = b.WindowBegin[w+1] - int32(o.targets-i)
			b.TargetID[at], b.TargetWeight[at] = int32(i), 1
		}
	}
	step := int64(0)
	took, err := best(o.repeat, func() error {
		step++
		if err := t.Accumulate(0, o.windows, o.targets*o.windows, uint64(step)); err != nil {
			return err
		}
		if err := t.BeginUpdate(engine.Update{LearningRate: 1e-4, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, WeightDecay: 0.01,
			MaxGradNorm: 1, Normalizer: float64(o.targets * o.windows), Step: step}); err != nil {
			return err
		}
		_, err := t.EndUpdate()
		return err
	})
	if err != nil {
		return err
	}
	if o.model != "" {
		result["peak_memory_gb"] = peakMemory() / 1e9
	}
	c := m.Config()
	peak, err := device.MeasureGEMM(m.Precision(), limits.MaxTokens, 2*c.FFN, c.Hidden)
	if err != nil {
		return err
	}
	tokens, targets := make([]int64, o.windows), make([]int64, o.windows)
	for i := range tokens {
		tokens[i], targets[i] = int64(o.tokens), int64(o.targets)
	}
	gflops := engine.TrainingFLOPs(c, a.Config(), 0, tokens, targets).Useful() / took.Seconds() / 1e9
	result["windows"] = o.windows
	result["targets"] = o.targets
	result["tokens_per_second"] = float64(limits.MaxTokens) / took.Seconds()
	result["targets_per_second"] = float64(limits.MaxTargets) / took.Seconds()
	result["gflops"] = gflops
	result["product_gflops"] = peak
	result["share_of_product"] = gflops / peak
	return nil
}

func infer(o options, device *engine.Device, m *engine.Model, a *engine.Adapter, result map[string]any) error {
	const decoded = 32
	var adapter *engine.AdapterConfig
	if a != nil {
		config := a.Config()
		adapter = &config
	}
	plan, err := device.PlanSession(m.Config(), engine.BF16, m.Precision(), adapter, o.tokens+decoded, 1)
	if err != nil {
		return err
	}
	result["plan_gb"] = float64(plan.Total) / 1e9
	s, err := m.NewSession(a, o.tokens+decoded, 1)
	if err != nil {
		return err
	}
	defer s.Close()
	ids := make([]int32, o.tokens)
	random := rand.New(rand.NewPCG(3, 3))
	for i := range ids {
		ids[i] = int32(random.IntN(m.Config().Vocab))
	}
	logits := make([]float32, m.Config().Vocab)
	prefill, err := best(o.repeat, func() error {
		if err := s.Truncate(0, 0); err != nil {
			return err
		}
		return s.Prefill(0, ids, logits)
	})
	if err != nil {
		return err
	}
	decode, err := fastestToken(s, o, ids[:decoded], logits)
	if err != nil {
		return err
	}
	if o.model != "" {
		result["peak_memory_gb"] = peakMemory() / 1e9
	}
	bandwidth, err := device.MeasureBandwidth()
	if err != nil {
		return err
	}
	rate := 1 / decode.Seconds()
	weight := m.Precision()
	if plan.Mapped > 0 { // used in place in the file
		weight = engine.BF16
	}
	moved := decodingBytes(m.Config(), weight, m.Precision(), o)
	result["weights_gb"] = float64(plan.Weights) / 1e9
	result["prefill_tokens_per_second"] = float64(o.tokens) / prefill.Seconds()
	result["decode_tokens_per_second"] = rate
	result["bandwidth_gb_per_second"] = bandwidth / 1e9
	result["decode_gb_per_token"] = moved / 1e9
	result["share_of_bandwidth"] = rate * moved / bandwidth
	return nil
}

// fastestToken decodes ids -repeat times after the prompt and returns the time of the fastest token.
func fastestToken(s *engine.Session, o options, ids []int32, logits []float32) (time.Duration, error) {
	shortest := time.Duration(math.MaxInt64)
	for range o.repeat + 1 {
		if err := s.Truncate(0, o.tokens); err != nil {
			return 0, err
		}
		for i := range ids {
			start := time.Now()
			if err := s.Decode([]int32{0}, ids[i:i+1], logits); err != nil {
				return 0, err
			}
			shortest = min(shortest, time.Since(start))
		}
	}
	return shortest, nil
}

// decodingBytes is the number of bytes that decoding one token must read: all weights except the other rows of the embedding,
// the adapter, and the keys and values of the sequence.
func decodingBytes(c engine.ModelConfig, weight, precision engine.DType, o options) float64 {
	q, kv := c.Heads*c.HeadDim, c.KVHeads*c.HeadDim
	projections := float64(c.Layers * c.Hidden * (2*q + 2*kv + 3*c.FFN))
	others := 2 * kv * c.Layers * o.tokens
	if o.rank > 0 {
		others += engine.AdapterConfig{Rank: o.rank, Targets: engine.AllTargets}.Parameters(c)
	}
	return projections*bytesOf(c.Weights, weight) + float64(weight.Size()*c.Vocab*c.Hidden+precision.Size()*others)
}

// bytesOf is the number of bytes per element of a projection's weight, without per-row scales.
func bytesOf(format engine.WeightFormat, plain engine.DType) float64 {
	switch format {
	case engine.Int8, engine.FP8, engine.FP8GEMM:
		return 1
	case engine.NF4: // half a byte, plus 1 byte per block of 64 and 4 per 256 blocks
		return 0.5 + 1.0/64 + 4.0/(64*256)
	}
	return float64(plain.Size())
}
