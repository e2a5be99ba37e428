package main

import (
	"fmt"
	"os"
	"time"

	"ventriloquist/internal/terminal"
)

// stdout and stderr are where commands print. They escape control characters, so that names, messages and paths of other people
// cannot control a terminal. Only progress bars, which do control it, write to os.Stderr itself.
var (
	stdout = terminal.NewWriter(os.Stdout)
	stderr = terminal.NewWriter(os.Stderr)
)

// size formats a number of bytes for people.
func size(n uint64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.2f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d B", n)
}

// day formats a date, "-" for none.
func day(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Format(time.DateOnly)
}

// some formats a number of things.
func some(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
