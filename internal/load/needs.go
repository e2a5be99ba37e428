package load

import (
	"ventriloquist/engine"
	"ventriloquist/internal/load/memplan"
	"ventriloquist/internal/model"
	"ventriloquist/internal/model/adapter"
)

// Needs is the memory that a base model takes at a precision and a weight format.
type Needs struct {
	Precision string         `json:"precision"`
	Weights   string         `json:"weights,omitempty"` // format of quantized ones
	Training  memplan.Memory `json:"training"`
	Inference memplan.Memory `json:"inference"`
}

// Workload is the use that NeedsOf plans for.
type Workload struct {
	Rank    int // LoRA rank, on all seven projections
	Tokens  int // per micro-batch in training
	Windows int // per micro-batch, one target message each
	Context int // tokens that a session holds
}

// NeedsOf plans training and inference at each precision, and with quantized weights at the fastest one. It loads nothing.
func NeedsOf(device *engine.Device, m *model.Model, w Workload) ([]Needs, error) {
	stored, err := StoredDType(m)
	if err != nil {
		return nil, err
	}
	lora := AdapterConfig(adapter.Config{R: w.Rank, Alpha: 1, Targets: model.Projections})
	limits := engine.TrainLimits{MaxTokens: w.Tokens, MaxWindows: w.Windows, MaxTargets: w.Windows * memplan.TokensPerTarget}
	var list []Needs
	fastest, err := Precision("auto", device)
	if err != nil {
		return nil, err
	}
	for _, how := range []struct {
		precision engine.DType
		weights   engine.WeightFormat
	}{{engine.F32, engine.Plain}, {engine.BF16, engine.Plain}, {fastest, engine.FP8}, {fastest, engine.Int8}, {fastest, engine.NF4}} {
		config := ModelConfig(m.Config, how.weights)
		training, err := device.PlanTraining(config, stored, how.precision, &lora, limits)
		if err != nil {
			return nil, err
		}
		inference, err := device.PlanSession(config, stored, how.precision, &lora, w.Context, 1)
		if err != nil {
			return nil, err
		}
		needs := Needs{Precision: how.precision.String(), Training: memplan.Memory(training), Inference: memplan.Memory(inference)}
		if how.weights != engine.Plain {
			needs.Weights = how.weights.String()
		}
		list = append(list, needs)
	}
	return list, nil
}
