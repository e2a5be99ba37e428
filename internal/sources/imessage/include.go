package imessage

import (
	"maps"
	"slices"
	"strings"

	"ventriloquist/internal/sources"
	"ventriloquist/internal/usererr"
)

// includable are the rows that are left out unless they are asked for, by the names that a user gives them.
var includable = map[string]sources.Fate{"junk": sources.Junk, "deleted": sources.RecentlyDeleted, "scheduled": sources.Scheduled, "failed": sources.NeverSent}

// ParseInclude reads a list of rows that are to become messages all the same, such as "junk,deleted"; "all" stands for all of them.
func ParseInclude(list string) (sources.FateSet, error) {
	var include sources.FateSet
	for name := range strings.SplitSeq(list, ",") {
		name = strings.ToLower(strings.TrimSpace(name))
		fate, known := includable[name]
		switch {
		case known:
			include[fate] = true
		case name == "all":
			for _, fate := range includable {
				include[fate] = true
			}
		case name != "":
			return include, usererr.Invalid("include", "%q: must be all or some of %s", name, strings.Join(slices.Sorted(maps.Keys(includable)), ", "))
		}
	}
	return include, nil
}
