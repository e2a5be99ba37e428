package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"ventriloquist/internal/generate"
	"ventriloquist/internal/generate/chat"
	"ventriloquist/internal/load"
	"ventriloquist/internal/model/adapter"
	"ventriloquist/internal/terminal"
	"ventriloquist/internal/train"
)

// chatAdapters are the adapters that a chat can change between, and what writes with the one in use.
type chatAdapters struct {
	model    modelOptions
	loaded   *load.Loaded
	capacity int // tokens of the cache
	memory   *recaller
	writer   *generate.Generator
	used     string // folder of the adapter in use, or the mixture of the flags; "" for the base alone
}

// start makes what writes with the adapter that was loaded.
func (a *chatAdapters) start() (err error) {
	if a.used == "" && a.loaded.Files != nil {
		if a.used = a.mixture(); a.used == "" {
			if _, a.used, err = a.model.resolve(); err != nil {
				return err
			}
		}
	}
	a.writer = newGenerator(a.loaded, false)
	// Reserve the whole cache now: a larger one allocated later would be empty.
	return a.writer.Reserve(a.capacity, 1)
}

func (a *chatAdapters) close() {
	a.memory.close()
	if a.writer != nil {
		a.writer.Close()
	}
}

// mixture is the name of the adapters that the flags mix, "" for none.
func (a *chatAdapters) mixture() string {
	var parts []string
	for _, p := range a.model.mix {
		parts = append(parts, fmt.Sprintf("%s:%g", p.Dir, p.Weight))
	}
	return strings.Join(parts, " + ")
}

// List returns the adapters below the output folder, the one in use and the mixture of the flags, the newest first.
func (a *chatAdapters) List() ([]chat.Adapter, error) {
	dirs := adaptersToComplete(nil)
	for _, name := range []string{a.used, a.mixture()} {
		if name != "" && !slices.Contains(dirs, name) {
			dirs = append(dirs, name)
		}
	}
	written := make(map[string]time.Time)
	for _, dir := range dirs {
		if info, err := os.Stat(filepath.Join(dir, adapter.WeightsFile)); err == nil {
			written[dir] = info.ModTime()
		}
	}
	slices.SortStableFunc(dirs, func(x, y string) int {
		return cmp.Or(written[y].Compare(written[x]), strings.Compare(x, y))
	})
	list := make([]chat.Adapter, len(dirs))
	for i, dir := range dirs {
		list[i] = chat.Adapter{Name: dir, Notes: adapterNotes(dir, written[dir]), Used: dir == a.used}
	}
	return list, nil
}

// Has reports whether a folder anywhere holds an adapter.
func (a *chatAdapters) Has(name string) bool {
	_, err := os.Stat(filepath.Join(name, adapter.WeightsFile))
	return err == nil
}

// adapterNotes says what is known of an adapter.
func adapterNotes(dir string, written time.Time) string {
	var notes []string
	if state, err := train.ReadState(dir); err == nil {
		notes = append(notes, fmt.Sprintf("step %s of %s", terminal.Count(int64(state.Step)), terminal.Count(int64(state.TotalSteps))))
		if loss, ok := state.HeldOutLoss(); ok {
			notes = append(notes, fmt.Sprintf("held-out loss %.4f", loss))
		}
	}
	if !written.IsZero() {
		notes = append(notes, written.Format("2006-01-02 15:04"))
	}
	return strings.Join(notes, ", ")
}

// Use changes to an adapter of the list, or in another folder.
func (a *chatAdapters) Use(name string) (generate.Writer, []string, error) {
	chosen := modelOptions{adapter: name}
	parts := []adapter.Part{{Dir: name, Weight: 1}}
	if name == a.mixture() {
		chosen, parts = a.model, a.model.mix
	}
	done := waiting("loading the adapter")
	err := a.loaded.ChangeSum(parts, func() { a.writer.Close() })
	done()
	if err != nil {
		return nil, nil, err
	}
	a.used = name
	dirs := make([]string, len(parts))
	for i, p := range parts {
		dirs[i] = p.Dir
	}
	tokens, err := memoryTokens(dirs)
	if err != nil {
		return nil, nil, err
	}
	a.memory.use(tokens)
	if err := a.start(); err != nil {
		return nil, nil, err
	}
	return a.writer, chosen.knownPeople().trained, nil
}
