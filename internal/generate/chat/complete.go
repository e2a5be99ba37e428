package chat

import (
	"slices"
	"strings"
)

// Completer completes lines of a dialogue as it was when the completer was made. It may be used during an answer.
func (d *Dialogue) Completer() func(line string) (from int, candidates []string) {
	c := completer{names: d.everyone()}
	if d.Adapters != nil {
		list, _ := d.Adapters.List() // without a list there is nothing to complete
		for _, a := range list {
			c.adapters = append(c.adapters, a.Name)
		}
	}
	return c.complete
}

// completer is what lines can name.
type completer struct{ names, adapters []string }

// complete returns what the last word of a line may become: a command, one of the names, or the argument of a command. from is the
// offset in bytes where the word begins; each candidate replaces the line from there on.
func (c completer) complete(line string) (from int, candidates []string) {
	command, rest, argument := strings.Cut(line, " ")
	if !strings.HasPrefix(line, "/") {
		if line == "" {
			return 0, nil
		}
		for _, name := range matching(line, c.names) {
			candidates = append(candidates, name+": ")
		}
		return 0, candidates
	}
	if !argument {
		for _, name := range matching(line, commandNames()) {
			if takesArgument(name) {
				name += " "
			}
			candidates = append(candidates, name)
		}
		return 0, candidates
	}
	from = len(command) + 1
	switch command {
	case "/target":
		return from, matching(strings.TrimLeft(rest, "\" "), append(slices.Clone(c.names), Anyone))
	case "/as":
		return from, matching(strings.TrimLeft(rest, "\" "), c.names)
	case "/members":
		at := strings.LastIndexAny(rest, " ,") + 1
		for _, name := range matching(strings.TrimLeft(rest[at:], "\""), c.names) {
			if strings.ContainsAny(name, " ,") {
				name = `"` + name + `"`
			}
			candidates = append(candidates, name+" ")
		}
		return from + at, candidates
	case "/adapter":
		return from, matching(rest, c.adapters)
	case "/type":
		return from, matching(rest, []string{"dm", "group"})
	}
	return from, nil
}

// takesArgument reports whether a command says nothing without one.
func takesArgument(name string) bool {
	return slices.ContainsFunc(commands(), func(c command) bool {
		return c.name == name && c.argument != "" && !strings.HasPrefix(c.argument, "[")
	})
}

// matching returns the names that begin with text, in any case.
func matching(text string, names []string) (found []string) {
	for _, name := range names {
		if len(name) >= len(text) && strings.EqualFold(name[:len(text)], text) {
			found = append(found, name)
		}
	}
	return found
}
