package main

import "strings"

// knownName returns the name among names that a user means, whatever its case, and whether there is exactly one.
func knownName(given string, names []string) (name string, found bool) {
	given = strings.Join(strings.Fields(given), " ")
	matches := 0
	for _, one := range names {
		if one == given {
			return one, true
		}
		if strings.EqualFold(one, given) {
			name, matches = one, matches+1
		}
	}
	return name, matches == 1
}
