package main

import (
	"os"
	"slices"

	"ventriloquist/internal/launch"
)

// isSpare reports whether a launcher started this process beside another that does the work: only train works in several processes.
// What the launcher's variables say wrongly is for train to report.
func isSpare(args []string) bool {
	if slices.Contains(args, "train") {
		return false
	}
	place, err := launch.FromEnvironment(os.Getenv)
	if err != nil || place.IsAlone() {
		return false
	}
	if place.Rank == 0 {
		notice("%s started %d processes, but only train works in several: the first one does everything", place.Launcher, place.World)
	}
	return place.Rank > 0
}
