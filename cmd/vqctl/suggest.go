package main

import (
	"context"
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
	if name := nearest(given, names); name != "" {
		return usererr.With(unknown, "did you mean %s?", dashed(name))
	}
	return usererr.With(unknown, "`%s --help` lists the flags", c.FullName())
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
	if name := nearest(given, names); name != "" {
		return usererr.With(unknown, "did you mean `%s %s`?", c.FullName(), name)
	}
	return usererr.With(unknown, "`%s --help` lists the commands", c.FullName())
}

// nearest returns the name that a mistyped one probably stands for, or "": one edit per three letters may separate them.
func nearest(given string, names []string) (found string) {
	least := (len(given)+2)/3 + 1
	for _, name := range names {
		if d := editDistance(given, name); d < least && d < len(name) {
			found, least = name, d
		}
	}
	return found
}

// editDistance returns the number of bytes to insert, delete or replace to turn a into b (Levenshtein).
func editDistance(a, b string) int {
	row := make([]int, len(b)+1) // distances of the part of a before i to the first j bytes of b
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
