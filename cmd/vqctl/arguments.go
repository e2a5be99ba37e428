package main

import (
	"fmt"

	"github.com/urfave/cli/v3"

	"ventriloquist/internal/usererr"
)

// noArguments returns an error if a command that takes only flags has arguments; hint is its advice, "" for where the flags are listed.
func noArguments(c *cli.Command, hint string) error {
	if !c.Args().Present() {
		return nil
	}
	err := usererr.Usage("%s: unexpected argument %q", c.Name, c.Args().First())
	if hint == "" {
		hint = fmt.Sprintf("`%s --help` lists the flags", c.FullName())
	}
	return usererr.With(err, "%s", hint)
}
