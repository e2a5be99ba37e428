package model

import (
	"fmt"
	"path"
	"regexp"
	"strings"

	"ventriloquist/internal/usererr"
)

// quantizedName matches the end of the names that quantized copies of models go by.
var quantizedName = regexp.MustCompile(`(?i)(?:[-_.](?:unsloth|dynamic))?[-_.](bnb|[48]bit|int[48]|gptq|awq|fp8|nvfp4|mxfp4|gguf|mlx|hqq|exl[23]|w[48]a(?:8|16)|i?q[2-8](?:_[0-9kmsl]+)*)(?:[-_.].*)?$`)

// Original returns the model that a quantized copy was made from, by the copy's name; ok is false if the name does not say.
func Original(name string) (original string, ok bool) {
	base := path.Base(name)
	match := quantizedName.FindStringIndex(base)
	if match == nil || match[0] == 0 {
		return "", false
	}
	base = base[:match[0]]
	if known, _ := RepoName(base); strings.Contains(known, "/") {
		return known, true
	}
	if owner, _, found := strings.Cut(name, "/"); found && owner != "" && strings.Count(name, "/") == 1 {
		return owner + "/" + base, true
	}
	return base, true
}

// quantizedAdvice says what to use in place of a model that another program quantized.
func quantizedAdvice(name string) string {
	what := "use the model that it was made from, with bf16 weights"
	if original, ok := Original(name); ok {
		what = fmt.Sprintf("use the model that it was made from, %s (vqctl model pull %s)", original, original)
	}
	return fmt.Sprintf("%s; %v and %v quantize it when it is loaded", what, usererr.Option("load_in_4bit"), usererr.Option("load_in_8bit"))
}

// quantizers are the programs that quantize models, by quant_method in config.json.
var quantizers = map[string]string{
	"bitsandbytes": "bitsandbytes", "gptq": "GPTQ", "awq": "AWQ", "fp8": "FP8 by blocks", "fbgemm_fp8": "FBGEMM's FP8",
	"compressed-tensors": "llm-compressor (compressed-tensors)", "hqq": "HQQ", "torchao": "torchao", "mxfp4": "MXFP4",
	"quanto": "Quanto", "eetq": "EETQ", "aqlm": "AQLM", "modelopt": "NVIDIA ModelOpt", "auto-round": "AutoRound",
}

// refuseQuantized names the program that quantized the weights, and what to use instead.
func (f configFields) refuseQuantized(name string) {
	for _, key := range []string{"quantization_config", "compression_config"} {
		if !f.Has(key) {
			continue
		}
		if from := f.TextOr("_name_or_path", ""); strings.Contains(from, "/") {
			if _, says := Original(name); !says {
				name = from
			}
		}
		by := f.Raw(key)
		if inner := f.Object(key); inner != nil {
			method := inner.TextOr("quant_method", "")
			if title, known := quantizers[strings.ToLower(method)]; known {
				by = "of " + title
			} else if method != "" {
				by = fmt.Sprintf("of %q", method)
			}
		}
		f.Unsupported(key, by, quantizedAdvice(name))
	}
}

var quantizationTensor = regexp.MustCompile(`\.(qweight|qzeros|g_idx|scales|weight_scale(_inv)?|weight_packed|weight_shape|weight_zero_point|input_scale|SCB|weight_format|weight\.(absmax|quant_map|nested_\w+|quant_state[\w.]*))$`)

// isQuantizationTensor reports whether a tensor belongs to the formats of quantizing programs.
func isQuantizationTensor(name string) bool { return quantizationTensor.MatchString(name) }
