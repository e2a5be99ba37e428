package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/urfave/cli/v3"

	"ventriloquist/internal/usererr"
)

// undefinedFlag is the beginning of the library's error about an unknown flag.
const undefinedFlag = "flag provided but not defined: "

// usageError turns the library's errors about flags into usage errors: a cli.OnUsageErrorFunc.
func usageError(_ context.Context, c *cli.Command, err error, _ bool) error {
	given, undefined := strings.CutPrefix(err.Error(), undefinedFlag)
	if !undefined {
		return usererr.Usage("%v", err)
	}
	given = strings.TrimLeft(given, "-")
	var names []string
	for _, f := range append(c.VisibleFlags(), c.VisiblePersistentFlags()...) {
		names = append(names, f.Names()...)
	}
	unknown := usererr.Usage("unknown flag %s", dashed(given))
	return usererr.Suggest(unknown, given, names, "--%s", fmt.Sprintf("`%s --help` lists the flags", c.FullName()))
}

// dashed returns a flag as a user types it.
func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

// unknownCommand returns the error of a command that has no subcommand of the given name.
func unknownCommand(c *cli.Command, given string) error {
	var names []string
	for _, sub := range c.VisibleCommands() {
		names = append(names, sub.Name)
	}
	unknown := usererr.Usage("%s has no command %q", c.Name, given)
	return usererr.Suggest(unknown, given, names, "`"+c.FullName()+" %s`", fmt.Sprintf("`%s --help` lists the commands", c.FullName()))
}
