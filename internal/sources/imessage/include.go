package imessage

import (
	"maps"
	"slices"
	"strings"

	"ventriloquist/internal/usererr"
)

// includable are the rows that are left out unless they are asked for, by the names that a user gives them.
var includable = map[string]Fate{"junk": Spam, "deleted": Deleted, "scheduled": Scheduled, "failed": Failed}

// Include says which rows that are left out otherwise become messages all the same.
type Include [fates]bool

// ParseInclude reads a list such as "junk,deleted"; "all" stands for all of them.
func ParseInclude(list string) (Include, error) {
	var include Include
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
			return include, usererr.Usage("--include %q is none of all, %s", name, strings.Join(slices.Sorted(maps.Keys(includable)), ", "))
		}
	}
	return include, nil
}
