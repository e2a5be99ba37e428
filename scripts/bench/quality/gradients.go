package main

import (
	"math"

	"ventriloquist/engine"
	"ventriloquist/internal/batch"
	"ventriloquist/internal/load"
	"ventriloquist/internal/model"
	"ventriloquist/internal/model/adapter"
)

// rank of the adapter whose gradients are compared.
const rank = 16

// gradients returns the gradients of a new adapter on all projections over the sampled windows: only of B, because those of A
// are zero while B is zero.
func (s *subject) gradients(device *engine.Device, precision engine.DType, format engine.WeightFormat) ([]float32, error) {
	m, err := load.Model(device, s.base, precision, format, true)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	files, err := adapter.New(s.base.Config, adapter.Options{R: rank, Alpha: 2 * rank, Targets: model.Projections}, 1)
	if err != nil {
		return nil, err
	}
	a, err := load.Adapter(m, files)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	trainer, err := m.NewTrainer(a, engine.TrainLimits{MaxTokens: maxTokens, MaxWindows: 1, MaxTargets: maxTokens}, true)
	if err != nil {
		return nil, err
	}
	defer trainer.Close()
	reader := batch.NewReader(s.source, s.encoder, maxTokens)
	for _, i := range s.heldOut[:min(sampledWindows, len(s.heldOut))] {
		w, err := reader.Read(i)
		if err != nil {
			return nil, err
		}
		size := batch.Fill(trainer.Batch(0), []batch.Window{w})
		if err := trainer.Accumulate(0, size.Windows, size.Targets, 1); err != nil {
			return nil, err
		}
		if err := trainer.Wait(0); err != nil {
			return nil, err
		}
	}
	return readGradients(trainer, m.Config())
}

func readGradients(trainer *engine.Trainer, c engine.ModelConfig) (all []float32, err error) {
	for layer := range c.Layers {
		for _, target := range engine.AllTargets.Each() {
			in, out := c.TargetShape(target)
			b := make([]float32, out*rank)
			if err := trainer.ReadGradients(layer, target, make([]float32, in*rank), b); err != nil {
				return nil, err
			}
			all = append(all, b...)
		}
	}
	return all, nil
}

// apart is the relative error in the 2-norm.
func apart(got, want []float32) float64 {
	var difference, length float64
	for i, w := range want {
		d := float64(got[i]) - float64(w)
		difference += d * d
		length += float64(w) * float64(w)
	}
	return math.Sqrt(difference / length)
}
