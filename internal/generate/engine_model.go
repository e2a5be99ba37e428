package generate

import "ventriloquist/engine"

// onEngine is a Model that runs on the engine; its caches are engine sessions.
type onEngine struct {
	model   *engine.Model
	adapter *engine.Adapter
}

// OnEngine returns a Model that runs m with an adapter, or alone if a is nil.
func OnEngine(m *engine.Model, a *engine.Adapter) Model { return onEngine{m, a} }

func (m onEngine) VocabSize() int { return m.model.Config().Vocab }

func (m onEngine) NewCache(capacity, sequences int) (Cache, error) {
	s, err := m.model.NewSession(m.adapter, capacity, sequences)
	return engineCache{s}, err
}

// engineCache keeps logits on the device.
type engineCache struct{ *engine.Session }

func (c engineCache) Prefill(sequence int, ids []int32, keep bool) error {
	if keep {
		return c.PrefillOnDevice(sequence, ids)
	}
	return c.Session.Prefill(sequence, ids, nil)
}

func (c engineCache) Decode(sequences, ids []int32) error {
	return c.Session.Decode(sequences, ids, nil)
}
