package main

import (
	"context"
	"fmt"
	"regexp"
	"slices"
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
		return usererr.Usage("%s", inWords(err.Error()))
	}
	given = strings.TrimLeft(given, "-")
	var names []string
	for _, f := range append(c.VisibleFlags(), c.VisiblePersistentFlags()...) {
		names = append(names, f.Names()...)
	}
	unknown := usererr.Usage("unknown flag %s", dashed(given))
	if advice := otherFlags[c.Name+" --"+given]; advice != "" {
		return usererr.With(unknown, "%s", advice)
	}
	if owners := commandsWithFlag(c.Root(), given); len(owners) > 0 {
		return usererr.With(unknown, "%s is a flag of %s", dashed(given), strings.Join(owners, " and "))
	}
	return usererr.Suggest(unknown, given, names, "--%s", fmt.Sprintf("`%s --help` lists the flags", c.FullName()))
}

// commandsWithFlag returns the commands that have a flag of exactly this name, if they are few.
func commandsWithFlag(root *cli.Command, name string) (owners []string) {
	const few = 2
	for _, sub := range root.VisibleCommands() {
		for _, f := range sub.VisibleFlags() {
			if slices.Contains(f.Names(), name) {
				owners = append(owners, "`"+sub.FullName()+"`")
			}
		}
	}
	if len(owners) > few {
		return nil
	}
	return owners
}

// wrongValue is the library's error about a value that does not fit its flag.
var wrongValue = regexp.MustCompile(`^invalid value (".*") for flag -+(\S+): (.*)$`)

// inWords returns the library's error about a flag in the form of ours.
func inWords(text string) string {
	if flag, missing := strings.CutPrefix(text, "flag needs an argument: "); missing {
		return dashed(strings.TrimLeft(flag, "-")) + " needs a value"
	}
	parts := wrongValue.FindStringSubmatch(text)
	if parts == nil {
		return text
	}
	problem := parts[3]
	switch {
	case strings.Contains(problem, "out of range"):
		problem = "is out of range"
	case strings.Contains(problem, "ParseFloat"):
		problem = "is not a number"
	case strings.Contains(problem, "ParseInt"), strings.Contains(problem, "ParseUint"):
		problem = "is not a whole number"
	case problem == "parse error":
		problem = "must be true or false"
	}
	return fmt.Sprintf("%s %s %s", dashed(parts[2]), parts[1], problem)
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
	if advice := elsewhere[c.Name+" "+strings.ToLower(given)]; advice != "" {
		return usererr.With(unknown, "%s", advice)
	}
	return usererr.Suggest(unknown, given, names, "`"+c.FullName()+" %s`", fmt.Sprintf("`%s --help` lists the commands", c.FullName()))
}
