package main

import (
	"github.com/urfave/cli/v3"

	"ventriloquist/internal/usererr"
)

// noArguments returns an error if a command that takes only flags has arguments; hint is its advice, "" for none.
func noArguments(c *cli.Command, hint string) error {
	if !c.Args().Present() {
		return nil
	}
	err := usererr.Usage("%s: unexpected argument %q", c.Name, c.Args().First())
	if hint == "" {
		return err
	}
	return usererr.With(err, "%s", hint)
}
