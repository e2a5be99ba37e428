package main

import (
	"os"

	"ventriloquist/internal/terminal"
)

// stdout and stderr are where commands print: names, messages and paths of other people cannot control a terminal from there.
// Only progress displays, which do control it, write to os.Stderr itself.
var (
	stdout = terminal.NewWriter(os.Stdout)
	stderr = terminal.NewWriter(os.Stderr)
)
