package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v3"

	"ventriloquist/internal/terminal"
)

// helpOf returns the lines that a command prints.
func helpOf(t *testing.T, args ...string) []string {
	t.Helper()
	var out bytes.Buffer
	app := newApp()
	app.Writer = &out
	if err := app.Run(t.Context(), append([]string{"vqctl"}, args...)); err != nil {
		t.Fatal(err)
	}
	return strings.Split(out.String(), "\n")
}

func TestHelp_FitsEightyColumns(t *testing.T) {
	eachCommand(newApp(), func(c *cli.Command) {
		var out bytes.Buffer
		printHelp(&out, "", c)
		for line := range strings.SplitSeq(out.String(), "\n") {
			if terminal.Width(line) > 80 {
				t.Errorf("%s: the line %q is too long", c.FullName(), line)
			}
		}
	})
}

// The options that all commands have come last, whatever the command has of its own.
func TestHelp_GlobalOptionsAreLast(t *testing.T) {
	for _, name := range []string{"contacts add", "contacts check", "stats", "model pull", "train"} {
		lines := helpOf(t, append(strings.Fields(name), "--help")...)
		if at := slices.Index(lines, globalGroup+":"); at < 0 || slices.ContainsFunc(lines[at+1:], func(line string) bool { return strings.HasSuffix(line, ":") && line[0] != ' ' }) {
			t.Errorf("%s: the global options are not the last group:\n%s", name, strings.Join(lines, "\n"))
		}
	}
}

func TestHelp_GroupsFlagsInTheirOrder(t *testing.T) {
	lines := helpOf(t, "train", "--help")
	last := 0
	for _, want := range []string{dataGroup, runGroup, optimizerGroup, loraGroup, modelGroup, planGroup, outputGroup, globalGroup} {
		at := slices.Index(lines, want+":")
		if at <= last {
			t.Errorf("%q is line %d, want after line %d", want, at, last)
		}
		last = at
	}
	if slices.Index(lines, "Options:") >= 0 {
		t.Error("a flag has no group")
	}
}

func TestPrintFindings_WrapsInATerminal(t *testing.T) {
	findings := []finding{{Name: "gpu", Status: "missing", Detail: strings.Repeat("word ", 40), Hint: "build it"}}
	for width, want := range map[int]int{0: 2, 60: 6, 40: 8} {
		var out bytes.Buffer
		if err := printFindings(&out, findings, width); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimRight(out.String(), "\n"), "\n")
		if len(lines) != want {
			t.Errorf("width %d: %d lines, want %d:\n%s", width, len(lines), want, out.String())
		}
		for _, line := range lines {
			if width > 0 && len(line) > width {
				t.Errorf("the line %q is too long", line)
			}
		}
	}
}

// placeholder is the word for a flag's value in the help, "" for a flag without one.
func placeholder(f cli.Flag) string {
	names, _, _ := strings.Cut(f.String(), "\t")
	names, _, _ = strings.Cut(names, " [ ") // of a flag that may be repeated
	first, _, _ := strings.Cut(names, ", ") // the aliases follow
	_, word, _ := strings.Cut(first, " ")
	return word
}

func TestHelp_NamesTheValueOfEachFlag(t *testing.T) {
	words := map[string]string{}
	eachCommand(newApp(), func(c *cli.Command) {
		for _, f := range c.Flags {
			name, word := f.Names()[0], placeholder(f)
			if word != strings.ToUpper(word) {
				t.Errorf("%s --%s shows the type %q for its value: write what it is, such as `N`, into its usage", c.Name, name, word)
			}
			if other, known := words[name]; known && other != word {
				t.Errorf("--%s takes %q in one command, %q in another", name, other, word)
			}
			words[name] = word
		}
	})
	if len(words) < 60 {
		t.Errorf("only %d flags were found", len(words))
	}
}

// eachCommand calls f for a command and all below it.
func eachCommand(c *cli.Command, f func(*cli.Command)) {
	f(c)
	for _, sub := range c.Commands {
		eachCommand(sub, f)
	}
}
