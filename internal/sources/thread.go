package sources

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"ventriloquist/internal/usererr"
)

// Thread is who takes part in a chat of an export that does not say who the owner is.
type Thread struct {
	People []string // by the names or identifiers that the export has
	Title  string   // of a chat of two: the other person
	Group  bool
}

// FindOwner returns which of the people in chats is the owner: whom the user named, else the only one in all of several chats, else the
// one who is not the other person of a chat of two. The error lists the people.
func (r *Reading) FindOwner(path string, threads []Thread, names map[string]string) (string, error) {
	var all []string // people of all chats
	everyone := map[string]bool{}
	for i, t := range threads {
		for _, p := range t.People {
			everyone[p] = true
			if r.Owner != nil && (r.Owner(p) || names[p] != "" && r.Owner(names[p])) {
				return p, nil
			}
		}
		if i == 0 {
			all = slices.Clone(t.People)
		}
		all = slices.DeleteFunc(all, func(p string) bool { return !slices.Contains(t.People, p) })
	}
	if len(threads) > 1 && len(all) == 1 {
		return all[0], nil
	}
	for _, t := range threads {
		others := slices.DeleteFunc(slices.Clone(t.People), func(p string) bool { return p == t.Title || names[p] == t.Title })
		if !t.Group && len(t.People) == 2 && len(others) == 1 {
			return others[0], nil
		}
	}
	if len(everyone) == 0 {
		return "", nil
	}
	var list []string
	for p := range everyone {
		list = append(list, fmt.Sprintf("%q", p+strings.TrimSuffix(" ("+names[p]+")", " ()")))
	}
	slices.Sort(list)
	const shown = 8
	if more := len(list) - shown; more > 0 {
		list = append(list[:shown], fmt.Sprint(more, " others"))
	}
	return "", usererr.With(errors.New(path+": cannot tell who of "+strings.Join(list, ", ")+" is you"), "name yourself with %v NAME, or with MY_NAME in .env", usererr.Option("me"))
}
