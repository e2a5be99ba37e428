package engine_test

import (
	"testing"

	"ventriloquist/engine"
)

// What quantising the projections' weights costs: the relative error of log probabilities, in the order of the bits that
// the formats keep. Storage is compared with bitsandbytes, and computation with the model of
// their dequantized values, in csrc/tests.
func TestScorer_QuantizedWeightsNearGoldens(t *testing.T) {
	formats := []engine.WeightFormat{engine.Int8, engine.FP8, engine.FP8GEMM, engine.NF4}
	most := []float64{0.03, 0.12, 0.2, 0.35}
	for _, name := range caseNames(t) {
		last := 0.0
		for i, format := range formats {
			c := openQuantizedCase(t, name, engine.F32, format)
			scorer := engine.NewScorer(c.model, c.adapter)
			defer scorer.Close()
			logProbs, _, err := scorer.Score(t.Context(), c.Adapted.IDs)
			ok(t, err)
			r := relative(logProbs, c.Adapted.LogProbs)
			t.Logf("%s, %s: %.2e", name, format, r)
			if !(r > last && r < most[i]) {
				t.Errorf("%s: the error of %s is %.2e, expected between %.2e and %g", name, format, r, last, most[i])
			}
			last = r
		}
	}
}

// A step of a quantized model trains the same adapter: its gradients are near those of the golden, and the same bytes
// each time.
func TestTrainer_QuantizedGradientsNearGoldens(t *testing.T) {
	// The models are small and random: their gradients change more with the weights than those of a trained one.
	for format, most := range map[engine.WeightFormat]float64{engine.Int8: 0.2, engine.FP8: 0.5, engine.FP8GEMM: 0.7, engine.NF4: 0.9} {
		for _, precision := range []engine.DType{engine.F32, engine.BF16} {
			t.Run(format.String()+"/"+precision.String(), func(t *testing.T) {
				var first []float32
				for range 2 {
					c := openQuantizedCase(t, someCase, precision, format)
					tr := newTrainer(t, c, goldenLimits)
					accumulate(t, tr, c.Steps[0].MicroBatches, 1)
					var all, want []float32
					c.pairs(func(key string, layer int, target engine.Target, a, b []float32) {
						ok(t, tr.ReadGradients(layer, target, a, b))
						all = append(append(all, a...), b...)
						want = append(append(want, c.tensor(t, "gradient."+key+"A")...), c.tensor(t, "gradient."+key+"B")...)
					})
					t.Logf("error of the gradients: %.2e", relative(all, want))
					near(t, "gradients", all, want, most)
					if first == nil {
						first = all
					} else if relative(all, first) != 0 {
						t.Error("the same step gave other gradients")
					}
				}
			})
		}
	}
}

// The CUDA kernels compute fp8 GEMMs as the CPU does: a step's gradients on every case, those whose sizes the
// library multiplies in fp8 and those that it does not.
func TestTrainer_FP8GEMMMatchesCPU(t *testing.T) {
	// Another order of sums moves an operand by a rounding, and some of those to the next code of e4m3: of a bf16 operand one
	// in thirty, and the models are random.
	for precision, most := range map[engine.DType]float64{engine.F32: 0.05, engine.BF16: 0.35} {
		for _, name := range caseNames(t) {
			t.Run(name+"/"+precision.String(), func(t *testing.T) {
				near(t, "gradients", fp8Gradients(t, openCUDA, name, precision), fp8Gradients(t, openCPU, name, precision), most)
			})
		}
	}
}

func fp8Gradients(t *testing.T, open func(*testing.T) (*engine.Device, error), name string, precision engine.DType) (all []float32) {
	c := openCaseOn(t, open, name, precision, engine.FP8GEMM)
	tr := newTrainer(t, c, goldenLimits)
	accumulate(t, tr, c.Steps[0].MicroBatches, 1)
	c.pairs(func(_ string, layer int, target engine.Target, a, b []float32) {
		ok(t, tr.ReadGradients(layer, target, a, b))
		all = append(append(all, a...), b...)
	})
	return all
}
