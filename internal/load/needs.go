package load

import (
	"ventriloquist/engine"
	"ventriloquist/internal/model"
	"ventriloquist/internal/model/adapter"
)

// Needs says how much memory a base model takes at a precision and a format of weights, by the engine's own plans.
type Needs struct {
	Precision string `json:"precision"`
	Weights   string `json:"weights,omitempty"` // the format of quantized ones
	Training  Memory `json:"training"`
	Inference Memory `json:"inference"`
}

// Memory is an engine's plan in bytes, its parts put together as people think of them.
type Memory struct {
	Weights     uint64 `json:"weights"`     // mapped from the file, and copies in the layout of the products
	Adapter     uint64 `json:"adapter"`     // with its gradients and the optimizer's moments
	Activations uint64 `json:"activations"` // in inference the cache of keys and values
	Workspace   uint64 `json:"workspace"`
	Total       uint64 `json:"total"`
}

func memoryOf(p engine.Plan) Memory {
	return Memory{
		Weights: p.WeightsMapped + p.WeightsPrepared, Adapter: p.Adapter + p.Gradients + p.Optimizer,
		Activations: p.Activations, Workspace: p.Workspace, Total: p.Total,
	}
}

// Workload is what NeedsOf is asked about.
type Workload struct {
	Rank    int // of an adapter on all seven projections
	Tokens  int // of a micro-batch in training
	Windows int // in that micro-batch, one target message each
	Context int // tokens that a session holds
}

// targetTokens of a window carry loss in such an estimate; a message seldom has more.
const targetTokens = 64

// NeedsOf asks the engine what training and inference would take at each precision, and with quantized weights at the one
// that is fastest. Nothing is loaded.
func NeedsOf(device *engine.Device, m *model.Model, w Workload) ([]Needs, error) {
	stored, err := StoredDType(m)
	if err != nil {
		return nil, err
	}
	lora := AdapterConfig(adapter.Config{R: w.Rank, Alpha: 1, Targets: model.Projections})
	limits := engine.TrainLimits{MaxTokens: w.Tokens, MaxWindows: w.Windows, MaxTargets: w.Windows * targetTokens}
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
		needs := Needs{Precision: how.precision.String(), Training: memoryOf(training), Inference: memoryOf(inference)}
		if how.weights != engine.Plain {
			needs.Weights = how.weights.String()
		}
		list = append(list, needs)
	}
	return list, nil
}
