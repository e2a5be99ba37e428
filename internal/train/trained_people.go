package train

import (
	"maps"
	"slices"
)

// People are those whose conversations an adapter was trained on: a checkpoint says so, for whoever is to be forgotten.
type People struct {
	Names []string `json:"names"` // sorted
	// Others is whether it continues an adapter that does not say whose.
	Others bool `json:"others,omitempty"`
}

// people are the members of the conversations that are trained on.
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

// peopleOf are the people of an adapter that is continued, none without one.
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

// union are the people of both.
func (p People) union(q People) People {
	names := slices.Concat(p.Names, q.Names)
	slices.Sort(names)
	return People{Names: slices.Compact(names), Others: p.Others || q.Others}
}
