package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"ventriloquist/engine"
	"ventriloquist/internal/generate"
	"ventriloquist/internal/load"
	"ventriloquist/internal/model/adapter"
	"ventriloquist/internal/serve"
	"ventriloquist/internal/terminal"
	"ventriloquist/internal/usererr"
)

// servedModels are the handles of the models of a server.
type servedModels struct {
	loaded   *load.Loaded
	adapters []*engine.Adapter // besides the first
	pools    []*generate.Pool
	memories []*recaller
}

func (m *servedModels) close() {
	for _, p := range m.pools {
		p.Close()
	}
	for _, memory := range m.memories {
		memory.close()
	}
	for _, a := range m.adapters {
		a.Close()
	}
	m.loaded.Close()
}

// open opens the models, and sets what the server needs to know of them.
func (o *serveOptions) open(ctx context.Context) (closeModels func(), err error) {
	if o.backend.url != "" {
		return o.openBackend(ctx)
	}
	m, err := o.load(ctx)
	if err != nil {
		return nil, err
	}
	return m.close, nil
}

// load loads the base model and the adapters.
func (o *serveOptions) load(ctx context.Context) (*servedModels, error) {
	if len(o.adapters) > 0 {
		o.model.adapter = o.adapters[0]
	}
	loaded, err := o.model.open()
	if err != nil {
		return nil, err
	}
	m := &servedModels{loaded: loaded}
	warnOfMemory(slices.Concat(o.model.adapterDirs(), o.adapters[min(1, len(o.adapters)):]))
	o.server.Vocabulary = loaded.Base.Config.VocabSize
	adapters := []*engine.Adapter{loaded.Adapter}
	for _, dir := range o.adapters[min(1, len(o.adapters)):] {
		a, err := m.addAdapter(dir)
		if err != nil {
			m.close()
			return nil, err
		}
		adapters = append(adapters, a)
	}
	for i, a := range adapters {
		if err := o.addModel(ctx, m, i, a, len(adapters)); err != nil {
			m.close()
			return nil, err
		}
	}
	return m, nil
}

// addAdapter loads a further adapter of the same base model.
func (m *servedModels) addAdapter(dir string) (*engine.Adapter, error) {
	files, err := adapter.Load(dir, m.loaded.Base.Config)
	if err == nil {
		err = load.RequireSameBase(m.loaded.Base, files, dir)
	}
	if err != nil {
		return nil, err
	}
	a, err := load.Adapter(m.loaded.Model, files)
	if err == nil {
		m.adapters = append(m.adapters, a)
		warnOfAdapter(adapter.Origin{Dir: dir, Fingerprint: files.BaseFingerprint}, m.loaded.Base.Location.Name)
	}
	return a, err
}

// addModel makes the pool of an adapter, and lists whom it writes as.
func (o *serveOptions) addModel(ctx context.Context, m *servedModels, i int, a *engine.Adapter, of int) error {
	at := o.model
	if i > 0 {
		at.adapter = o.adapters[i]
	}
	known := at.knownPeople()
	if i == 0 {
		o.server.Owner = known.owner
	}
	served := servedPeople(&known)
	served.Tokenizer = m.loaded.Tokenizer
	tokens, err := memoryTokens(at.adapterDirs())
	if err != nil {
		return err
	}
	memory := newRecaller(ctx, o.contacts.dataDir, tokens, tokenCount(m.loaded.Tokenizer))
	m.memories, served.Recall = append(m.memories, memory), memory.recall
	if of > 1 {
		served.Adapter = o.label(i)
	}
	if served.Pool, err = o.newPool(m.loaded, a, of); err != nil {
		return err
	}
	m.pools = append(m.pools, served.Pool)
	o.server.Models = append(o.server.Models, served)
	return nil
}

// servedPeople returns a model that writes as the people it was trained on, or where they are not known, as anyone.
func servedPeople(known *knownPeople) *serve.Model {
	served := &serve.Model{People: slices.Clone(known.trained), AnyName: len(known.trained) == 0}
	if served.AnyName {
		served.People = slices.Clone(known.contacts)
		if known.owner != "" && !slices.Contains(served.People, known.owner) {
			served.People = append(served.People, known.owner)
		}
	}
	return served
}

// label is the shortest end of an adapter's path that no other one has.
func (o *serveOptions) label(i int) string {
	label := filepath.Base(filepath.Clean(o.adapters[i]))
	for parent := filepath.Dir(filepath.Clean(o.adapters[i])); ; parent = filepath.Dir(parent) {
		same := 0
		for _, dir := range o.adapters {
			if dir = filepath.Clean(dir); dir == label || len(dir) > len(label) && dir[len(dir)-len(label)-1:] == string(filepath.Separator)+label {
				same++
			}
		}
		if same <= 1 || parent == filepath.Dir(parent) {
			return label
		}
		label = filepath.Join(filepath.Base(parent), label)
	}
}

// defaultCacheTokens is how many tokens of all conversations are kept in memory, if there is room for them.
const defaultCacheTokens = 32768

// newPool makes a pool with as large a cache as fits, if no size was asked for.
func (o *serveOptions) newPool(l *load.Loaded, a *engine.Adapter, of int) (*generate.Pool, error) {
	size := generate.PoolOptions{Capacity: o.cacheTokens, Sequences: o.server.Parallel, Rows: engine.DecodeRows}
	if l.Device.Info().DiscreteMemory {
		size.Rows = o.server.Parallel
	}
	least := o.server.MaxTokens + o.server.Defaults.MaxNewTokens + 256
	if size.Capacity == 0 {
		size.Capacity = max(defaultCacheTokens/of, least)
	}
	for {
		pool, err := generate.NewPool(generate.OnEngine(l.Model, a), l.Tokenizer, endsOfText(l.Base.Config, l.Tokenizer), size)
		if o.cacheTokens > 0 || !errors.Is(err, engine.ErrNoMemory) {
			return pool, err
		}
		if size.Capacity == least {
			return nil, usererr.With(fmt.Errorf("there is no memory for conversations of %s tokens: %w", terminal.Count(int64(least)), err),
				"use a shorter --max-seq-length, or close other programs")
		}
		size.Capacity = max(size.Capacity/2, least)
	}
}
