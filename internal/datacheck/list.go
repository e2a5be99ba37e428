package datacheck

import (
	"maps"
	"math"
	"slices"
	"sync"

	"ventriloquist/internal/windows"
)

// StandardError returns the standard error of the difference of two held-out losses, in nats, on so many held-out messages: about as
// large as measured, without measuring.
func StandardError(messages int) float64 {
	return spreadOfDifference / math.Sqrt(float64(max(1, messages)))
}

// Watch returns a list that checks each window when it is first read, so that checking reads nothing by itself. train are the windows to
// train on, heldOut those to evaluate on.
func Watch(source windows.List, train, heldOut []int) (*Watched, *Checker) {
	names, seen := map[string]bool{}, map[int]bool{}
	for _, i := range slices.Concat(train, heldOut) {
		if c := source.Conversation(i); !seen[c] {
			seen[c] = true
			for _, name := range source.Conversations()[c] {
				names[name] = true
			}
		}
	}
	people := slices.Collect(maps.Keys(names))
	w := &Watched{List: source, checker: New(people), to: make(map[int]bool, len(train)+len(heldOut))}
	for _, i := range train {
		w.to[i] = false
	}
	for _, i := range heldOut {
		w.to[i] = true
	}
	return w, w.checker
}

// Watched is a list whose windows are checked.
type Watched struct {
	windows.List
	checker *Checker

	mu sync.Mutex
	to map[int]bool // windows that are still to be checked, and whether they are held out
}

// Window reads window i.
func (w *Watched) Window(i int) (*windows.Window, error) {
	window, err := w.List.Window(i)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if heldOut, new := w.to[i]; new {
		delete(w.to, i)
		w.checker.Add(window, heldOut)
	}
	return window, nil
}
