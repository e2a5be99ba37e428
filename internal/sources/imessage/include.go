package imessage

import (
	"maps"
	"slices"
	"strings"

	"ventriloquist/internal/sources"
	"ventriloquist/internal/usererr"
)

// includable maps the names that a user can pass to the rows that are left out by default.
var includable = map[string]sources.Fate{"junk": sources.Junk, "deleted": sources.RecentlyDeleted, "scheduled": sources.Scheduled, "failed": sources.NeverSent}

// ParseInclude parses a list of rows to collect as messages anyway, such as "junk,deleted"; "all" stands for all of them.
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
