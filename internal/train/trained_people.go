package train

import (
	"maps"
	"slices"
)

// People are the people whose conversations an adapter was trained on. Checkpoints keep them so that `vqctl forget`
// can find the adapters that saw a person.
type People struct {
	Names []string `json:"names"` // sorted
	// Others reports that the adapter continues one whose people are unknown.
	Others bool `json:"others,omitempty"`
}

// people returns the members of the conversations that are trained on.
func (d *Data) people() People {
	names := make(map[string]bool)
	seen := make(map[int]bool)
	for _, i := range d.Train {
		conversation := d.source.Conversation(i)
		if seen[conversation] {
			continue
		}
		seen[conversation] = true
		for _, name := range d.source.Conversations()[conversation] {
			names[name] = true
		}
	}
	return People{Names: slices.Sorted(maps.Keys(names))}
}

// peopleOf returns the people of an adapter that the run continues; none without an adapter.
func peopleOf(adapter string) People {
	if adapter == "" {
		return People{}
	}
	state, err := ReadState(adapter)
	if err != nil || state.People == nil {
		return People{Others: true}
	}
	return *state.People
}

// union returns the people of both.
func (p People) union(q People) People {
	names := slices.Concat(p.Names, q.Names)
	slices.Sort(names)
	return People{Names: slices.Compact(names), Others: p.Others || q.Others}
}
