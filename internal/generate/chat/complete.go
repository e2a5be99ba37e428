package chat

import (
	"slices"
	"strings"
)

// Completer completes lines of a dialogue as it was when the completer was made. It may be used during an answer.
func (d *Dialogue) Completer() func(line string) (from int, candidates []string) {
	names := d.everyone()
	return func(line string) (int, []string) { return complete(line, names) }
}

// complete returns what the last word of a line may become: a command, one of the names, or the argument of a command. from is the
// offset in bytes where the word begins; each candidate replaces the line from there on.
func complete(line string, names []string) (from int, candidates []string) {
	command, rest, argument := strings.Cut(line, " ")
	if !strings.HasPrefix(line, "/") {
		if line == "" {
			return 0, nil
		}
		for _, name := range matching(line, names) {
			candidates = append(candidates, name+": ")
		}
		return 0, candidates
	}
	if !argument {
		for _, name := range matching(line, commands) {
			if slices.Contains([]string{"/target", "/members", "/type"}, name) {
				name += " "
			}
			candidates = append(candidates, name)
		}
		return 0, candidates
	}
	from = len(command) + 1
	switch command {
	case "/target":
		return from, matching(strings.TrimLeft(rest, "\" "), names)
	case "/members":
		at := strings.LastIndexAny(rest, " ,") + 1
		for _, name := range matching(strings.TrimLeft(rest[at:], "\""), names) {
			if strings.ContainsAny(name, " ,") {
				name = `"` + name + `"`
			}
			candidates = append(candidates, name+" ")
		}
		return from + at, candidates
	case "/type":
		return from, matching(rest, []string{"dm", "group"})
	}
	return from, nil
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
