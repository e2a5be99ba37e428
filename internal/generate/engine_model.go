package generate

import "ventriloquist/engine"

// onEngine is a Model whose caches are the engine's sessions.
type onEngine struct {
	model   *engine.Model
	adapter *engine.Adapter
}

// OnEngine makes a Model of a loaded one with an adapter, or with nil for the base alone.
func OnEngine(m *engine.Model, a *engine.Adapter) Model { return onEngine{m, a} }

func (m onEngine) VocabSize() int { return m.model.Config().Vocab }

func (m onEngine) NewCache(capacity, sequences int) (Cache, error) {
	s, err := m.model.NewSession(m.adapter, capacity, sequences)
	return engineCache{s}, err
}

// engineCache leaves logits where they are.
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
