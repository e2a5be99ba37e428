package model

import (
	"fmt"
	"math"
	"strconv"

	"ventriloquist/internal/model/safetensors"
	"ventriloquist/internal/usererr"
)

// config returns the config.json of the model.
func (r ggufReader) config() ([]byte, error) {
	if err := r.refuseUnsupported(); err != nil {
		return nil, err
	}
	c := Config{TieEmbeddings: true, DType: r.dtype()}
	if _, ok := r.File.Tensor(ggufNames[LMHead]); ok {
		c.TieEmbeddings = false
	}
	embedding, ok := r.File.Tensor(ggufNames[EmbedTokens])
	if !ok || len(embedding.Shape) != 2 {
		return nil, fmt.Errorf("%s: tensor %q is missing, or no matrix", r.Path(), ggufNames[EmbedTokens])
	}
	c.VocabSize = embedding.Shape[0]
	for _, f := range []struct {
		key   string
		value *int
	}{
		{"embedding_length", &c.HiddenSize}, {"feed_forward_length", &c.IntermediateSize}, {"block_count", &c.Layers},
		{"attention.head_count", &c.Heads}, {"attention.head_count_kv", &c.KVHeads}, {"attention.key_length", &c.HeadDim},
		{"context_length", &c.MaxPositions},
	} {
		if err := r.size(f.key, f.value); err != nil {
			return nil, err
		}
	}
	if c.KVHeads == 0 {
		c.KVHeads = c.Heads
	}
	if c.HeadDim == 0 && c.Heads > 0 {
		c.HeadDim = c.HiddenSize / c.Heads
	}
	if err := r.numbers(&c); err != nil {
		return nil, err
	}
	if end, ok, err := r.Integer("tokenizer.ggml.eos_token_id"); err != nil {
		return nil, err
	} else if ok {
		c.EOSTokenIDs = []int{int(end)}
	}
	return c.encode()
}

// size reads a size; it stays 0 where the key is absent, which ParseConfig refuses where it matters.
func (r ggufReader) size(key string, value *int) error {
	n, _, err := r.Integer(r.key(key))
	if err == nil && (n < 0 || n > math.MaxInt32) {
		err = fmt.Errorf("%s: %s is %d", r.Path(), r.key(key), n)
	}
	*value = int(n)
	return err
}

// numbers reads the settings that are float32 in the file, as the shortest decimals for them.
func (r ggufReader) numbers(c *Config) (err error) {
	for _, f := range []struct {
		key       string
		otherwise float64
		value     *float64
	}{{"attention.layer_norm_rms_epsilon", 0, &c.RMSNormEps}, {"rope.freq_base", 10000, &c.RopeTheta}} {
		n, ok, err := r.Number(r.key(f.key))
		if err != nil {
			return err
		}
		if !ok {
			n = f.otherwise
		}
		if math.IsNaN(n) || math.IsInf(n, 0) {
			return fmt.Errorf("%s: %s is %g", r.Path(), r.key(f.key), n)
		}
		if *f.value, err = strconv.ParseFloat(strconv.FormatFloat(n, 'g', -1, 32), 64); err != nil {
			return fmt.Errorf("%s: %s: %w", r.Path(), r.key(f.key), err)
		}
	}
	return nil
}

// dtype is the type of the weights: that of the first layer's queries.
func (r ggufReader) dtype() safetensors.DType {
	t, _ := r.File.Tensor(GGUFLayerTensor(0, "self_attn.q_proj"))
	if d := ggufDType(t.Type); d.IsFloat() {
		return d
	}
	return safetensors.BF16
}

// refuseUnsupported refuses settings that ask for another computation.
func (r ggufReader) refuseUnsupported() error {
	wrong := func(key string, value any) error {
		return usererr.With(fmt.Errorf("%s: %s %v is not supported", r.Path(), key, value), "use a model without it, such as Qwen/Qwen3-8B-Base")
	}
	key := r.key("rope.scaling.type")
	if kind, err := r.Text(key); err != nil || kind != "" && kind != "none" {
		if err == nil {
			err = wrong(key, kind)
		}
		return err
	}
	head, hasHead, err := r.Integer(r.key("attention.key_length"))
	if err != nil {
		return err
	}
	for _, name := range []string{"attention.value_length", "rope.dimension_count"} {
		if n, ok, err := r.Integer(r.key(name)); err != nil {
			return err
		} else if ok && hasHead && n != head {
			return wrong(r.key(name), fmt.Sprintf("%d, unlike the %d of attention.key_length,", n, head))
		}
	}
	for name, neutral := range map[string]float64{
		"attention.sliding_window": 0, "rope.scaling.factor": 1, "rope.scale_linear": 1, "expert_count": 0, "pooling_type": 0,
	} {
		if n, ok, err := r.Number(r.key(name)); err != nil {
			return err
		} else if ok && n != neutral {
			return wrong(r.key(name), n)
		}
	}
	return nil
}
