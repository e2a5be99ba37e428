// Package load brings base models and adapters from their files into the engine, for training, evaluation and inference
// alike.
//
// In: a model.Location, an adapter.Adapter or none, a precision. Out: engine handles and a tokenizer that belong together.
// It must not know what they are used for.
package load

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"ventriloquist/engine"
	"ventriloquist/internal/model"
	"ventriloquist/internal/model/adapter"
	"ventriloquist/internal/model/safetensors"
	"ventriloquist/internal/tokenizer"
	"ventriloquist/internal/usererr"
)

// Precisions are the values of the option precision.
var Precisions = []string{"auto", "f32", "bf16", FP8}

// FP8 is the precision of GEMMs of the base weights with both operands in fp8 (engine.FP8GEMM).
const FP8 = "fp8"

// Precision is the type that a device computes in: "auto" is bf16 where that is faster than f32. With fp8 it is that of
// everything else.
func Precision(name string, device *engine.Device) (engine.DType, error) {
	switch name {
	case "f32":
		return engine.F32, nil
	case "bf16":
		return engine.BF16, nil
	case "auto", FP8:
		if device.Info().FastBF16 {
			return engine.BF16, nil
		}
		return engine.F32, nil
	}
	return 0, usererr.Invalid("precision", "%q: it is one of %s", name, strings.Join(Precisions, ", "))
}

// Tokenizer reads the tokenizer of a base model and checks that the model has a row for each of its ids.
func Tokenizer(base *model.Model) (*tokenizer.Tokenizer, error) {
	t, err := LoadTokenizer(base.Location)
	if err != nil {
		return nil, err
	}
	if t.VocabSize() > base.Config.VocabSize {
		return nil, fmt.Errorf("%s: the tokenizer has ids up to %d, the model's vocabulary is %d: they are not of one model",
			base.Location, t.VocabSize()-1, base.Config.VocabSize)
	}
	return t, nil
}

// LoadTokenizer reads a tokenizer without its model.
func LoadTokenizer(source model.Location) (*tokenizer.Tokenizer, error) {
	var files tokenizer.Files
	for _, f := range []struct {
		name     string
		content  *[]byte
		required bool
	}{
		{model.TokenizerFile, &files.Tokenizer, true},
		{model.TokenizerConfigFile, &files.Config, false},
		{model.AddedTokensFile, &files.AddedTokens, false},
		{model.SpecialTokensFile, &files.SpecialTokens, false},
	} {
		var err error
		if *f.content, err = source.ReadFile(f.name); err != nil && (f.required || !errors.Is(err, fs.ErrNotExist)) {
			return nil, err
		}
	}
	return tokenizer.Parse(cmp.Or(source.Dir, source.Name), files)
}

// ModelConfig is a configuration in the engine's words, with weights kept in this format.
func ModelConfig(c model.Config, weights engine.WeightFormat) engine.ModelConfig {
	return engine.ModelConfig{
		Layers: c.Layers, Hidden: c.HiddenSize, FFN: c.IntermediateSize, Heads: c.Heads, KVHeads: c.KVHeads,
		HeadDim: c.HeadDim, Vocab: c.VocabSize, Tied: c.TieEmbeddings, NormEps: float32(c.RMSNormEps), RopeTheta: c.RopeTheta,
		Weights: weights,
	}
}

// AdapterConfig is an adapter's configuration in the engine's words.
func AdapterConfig(c adapter.Config) engine.AdapterConfig {
	config := engine.AdapterConfig{Rank: c.R, Scale: float32(c.Scale()), Dropout: float32(c.Dropout)}
	for _, p := range c.Targets {
		config.Targets |= target(p)
	}
	return config
}

// target is the engine's name of a projection.
func target(p model.Projection) engine.Target {
	t, ok := engine.TargetNamed(p.Short)
	if !ok {
		panic("load: the engine has no projection " + p.Short)
	}
	return t
}

// Model loads a base model's weights onto a device in this format. The base model must stay open until the result is
// closed.
func Model(device *engine.Device, base *model.Model, precision engine.DType, weights engine.WeightFormat, forTraining bool) (*engine.Model, error) {
	m, err := device.NewModel(ModelConfig(base.Config, weights), precision)
	if err != nil {
		return nil, err
	}
	if err := setTensors(m, base); err != nil {
		m.Close()
		return nil, err
	}
	if err := finish(m, base, forTraining); err != nil {
		m.Close()
		return nil, fmt.Errorf("%s: %w", base.Location, err)
	}
	return m, nil
}

// finish prepares the weights and meanwhile releases mapped pages that have been read: most weights are copied into the
// layout of the GEMMs or quantized. Pages that are used in place come back when they are next read.
func finish(m *engine.Model, base *model.Model, forTraining bool) error {
	done, evicted := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(evicted)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				base.Evict()
			case <-done:
				base.Evict()
				return
			}
		}
	}()
	err := m.Finish(forTraining)
	close(done)
	<-evicted
	return err
}

// layerTensors are the parts of a layer, as model.LayerTensor names them.
var layerTensors = map[string]engine.TensorKind{
	"input_layernorm": engine.AttentionNorm, "post_attention_layernorm": engine.MLPNorm,
	"self_attn.q_norm": engine.QueryNorm, "self_attn.k_norm": engine.KeyNorm,
	"self_attn.q_proj": engine.Q, "self_attn.k_proj": engine.K, "self_attn.v_proj": engine.V, "self_attn.o_proj": engine.O,
	"mlp.gate_proj": engine.Gate, "mlp.up_proj": engine.Up, "mlp.down_proj": engine.Down,
}

func setTensors(m *engine.Model, base *model.Model) error {
	if err := setTensor(m, base, engine.Embedding, 0, model.EmbedTokens); err != nil {
		return err
	}
	if err := setTensor(m, base, engine.FinalNorm, 0, model.FinalNorm); err != nil {
		return err
	}
	if !base.Config.TieEmbeddings {
		if err := setTensor(m, base, engine.Output, 0, model.LMHead); err != nil {
			return err
		}
	}
	for layer := range base.Config.Layers {
		for part, kind := range layerTensors {
			if err := setTensor(m, base, kind, layer, model.LayerTensor(layer, part)); err != nil {
				return err
			}
		}
	}
	return nil
}

func setTensor(m *engine.Model, base *model.Model, kind engine.TensorKind, layer int, name string) error {
	view, err := base.Tensor(name)
	if err != nil {
		return err
	}
	dtype, err := DType(view.DType)
	if err != nil {
		return fmt.Errorf("%s: tensor %s: %w", base.Location, name, err)
	}
	rows, cols := 1, view.Shape[0]
	if len(view.Shape) == 2 {
		rows, cols = view.Shape[0], view.Shape[1]
	}
	if err := m.SetTensor(kind, layer, view.Data, dtype, rows, cols); err != nil {
		return fmt.Errorf("%s: tensor %s: %w", base.Location, name, err)
	}
	return nil
}

// DType is a file's type in the engine's words.
func DType(t safetensors.DType) (engine.DType, error) {
	switch t {
	case safetensors.F32:
		return engine.F32, nil
	case safetensors.BF16:
		return engine.BF16, nil
	case safetensors.F16:
		return engine.F16, nil
	}
	return 0, fmt.Errorf("weights of type %s cannot be used", t)
}

// StoredDType is the type of a base model's weights in its files, as the engine's plans ask for it: that of the embedding.
func StoredDType(base *model.Model) (engine.DType, error) {
	embedding, err := base.TensorType(model.EmbedTokens)
	if err != nil {
		return 0, err
	}
	return DType(embedding)
}

// EachPair calls f for each projection of each layer that the adapter is attached to, until f fails.
func EachPair(files *adapter.Adapter, f func(layer int, target engine.Target, p *adapter.Pair) error) error {
	for layer := range files.Layers {
		for i, projection := range files.Targets {
			if p := &files.Layers[layer][i]; !p.Absent {
				if err := f(layer, target(projection), p); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// Adapter loads an adapter onto the engine's model.
func Adapter(m *engine.Model, files *adapter.Adapter) (*engine.Adapter, error) {
	a, err := m.NewAdapter(AdapterConfig(files.Config))
	if err != nil {
		return nil, err
	}
	err = EachPair(files, func(layer int, target engine.Target, p *adapter.Pair) error {
		return a.Write(layer, target, p.A, p.B)
	})
	if err != nil {
		a.Close()
		return nil, err
	}
	return a, nil
}
