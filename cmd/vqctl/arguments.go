package main

import (
	"github.com/urfave/cli/v3"

	"ventriloquist/internal/usererr"
)

// noArguments refuses arguments of a command that has only flags; hint says what to do, if there is something.
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
