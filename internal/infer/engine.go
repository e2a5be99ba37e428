package infer

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
	return m.model.NewSession(m.adapter, capacity, sequences)
}
