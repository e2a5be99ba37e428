package model

import (
	"bytes"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"ventriloquist/internal/model/safetensors"
	"ventriloquist/internal/usererr"
)

// checkExtra refuses a tensor that no computation uses: ignoring it would give another model than the file holds. A tied
// model's copy of the embedding and RoPE's frequencies may be there, if they are what is computed with.
func (m *Model) checkExtra(file weightFile, name string) error {
	switch {
	case name == LMHead && m.Config.TieEmbeddings:
		return nil // see checkTied
	case strings.HasSuffix(name, "rotary_emb.inv_freq"):
		return m.checkFrequencies(file, name)
	}
	return usererr.With(fmt.Errorf("%s: tensor %q has no place in a Qwen3 model of this %s", file.Path(), name, ConfigFile),
		"%s", m.extraAdvice(name))
}

var layerPattern = regexp.MustCompile(`^(?:model\.)?layers\.([0-9]+)\.`)

// extraAdvice says what a tensor is a sign of, and what to do about it.
func (m *Model) extraAdvice(name string) string {
	if match := layerPattern.FindStringSubmatch(name); match != nil {
		if layer, err := strconv.Atoi(match[1]); err != nil || layer >= m.Config.Layers {
			return fmt.Sprintf("num_hidden_layers is %d: %s describes another model", m.Config.Layers, ConfigFile)
		}
	}
	switch {
	case isQuantizationTensor(name):
		return quantizedAdvice(m.Location.Name)
	case strings.Contains(name, "lora_"):
		return "these are an adapter's matrices: merge them with PEFT (merge_and_unload) and save the result, or use them as an adapter"
	case strings.HasSuffix(name, ".bias"):
		return "biases are not supported: use a model without them, such as " + Default
	}
	return "use a model without it, such as " + Default
}

// checkTied refuses a tied model whose file has another output layer than its embedding. transformers would use that layer.
func (m *Model) checkTied(found map[string]weightFile) error {
	file := found[LMHead]
	if file == nil || !m.Config.TieEmbeddings {
		return nil
	}
	stored := m.index[EmbedTokens]
	head, _ := file.Tensor(LMHead)
	embedding, _ := stored.file.Tensor(stored.name)
	same := head.DType == embedding.DType && bytes.Equal(head.Data, embedding.Data)
	file.Evict()
	stored.file.Evict()
	if same {
		return nil
	}
	return usererr.With(fmt.Errorf("%s: tie_word_embeddings is true, but tensor %q differs from %q", file.Path(), LMHead, stored.name),
		`set "tie_word_embeddings" to false in %s to use the output layer of the file, as transformers does`, m.Location.Path(ConfigFile))
}

// checkFrequencies compares stored frequencies of RoPE with those of the configuration.
func (m *Model) checkFrequencies(file weightFile, name string) error {
	wrong := func(what string) error {
		return usererr.With(fmt.Errorf("%s: tensor %q %s", file.Path(), name, what), "the model was made with another RoPE than %s says", ConfigFile)
	}
	t, _ := file.Tensor(name)
	if !t.DType.IsFloat() || t.Elements() != m.Config.HeadDim/2 {
		return wrong(fmt.Sprintf("is %s of shape %v, not %d frequencies", t.DType, t.Shape, m.Config.HeadDim/2))
	}
	values, err := t.Floats()
	if err != nil {
		return fmt.Errorf("%s: %w", file.Path(), err)
	}
	tolerance := map[safetensors.DType]float64{safetensors.F32: 1e-5, safetensors.F16: 2e-3, safetensors.BF16: 1e-2}[t.DType]
	for i, got := range values {
		want := math.Pow(m.Config.RopeTheta, -2*float64(i)/float64(m.Config.HeadDim))
		if !(math.Abs(float64(got)-want) <= tolerance*want+1e-7) { // F16 has no smaller steps; also true for NaN
			return wrong(fmt.Sprintf("has %g at %d, but rope_theta %g gives %g", got, i, m.Config.RopeTheta, want))
		}
	}
	return nil
}
