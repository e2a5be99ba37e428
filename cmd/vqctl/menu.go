package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/urfave/cli/v3"
	"golang.org/x/term"

	"ventriloquist/internal/usererr"
)

// menuEntry is one line of the pipeline menu.
type menuEntry struct {
	key, title string
	args       []string // the command line that it stands for
	state      func(pipelineState) string
}

var menuEntries = []menuEntry{
	{"1", "collect the message history", []string{"collect"}, func(p pipelineState) string { return counted(p.messages, "message") }},
	{"c", "contacts: who is who", []string{"contacts"}, func(pipelineState) string { return "" }},
	{"s", "statistics", []string{"stats"}, func(pipelineState) string { return "" }},
	{"1.5", "describe attachments (optional)", []string{"describe"}, describedState},
	{"2", "preprocess it into training windows", []string{"preprocess"}, func(p pipelineState) string { return counted(p.windows, "window") }},
	{"3", "train", []string{"train"}, func(p pipelineState) string { return p.checkpoint }},
	{"4", "chat with what was learned", []string{"chat"}, func(pipelineState) string { return "" }},
}

// allSteps are the keys that "a" stands for.
var allSteps = []string{"1", "2", "3"}

// runRoot runs `vqctl` without a command: it shows the menu in a terminal, and the help elsewhere.
func runRoot(ctx context.Context, c *cli.Command) error {
	if c.Args().Present() {
		return unknownCommand(c, c.Args().First())
	}
	if !term.IsTerminal(int(os.Stdin.Fd())) || !term.IsTerminal(int(os.Stdout.Fd())) {
		return cli.ShowRootCommandHelp(c)
	}
	runStep := func(args []string) error { return newApp().Run(ctx, append([]string{"vqctl"}, args...)) }
	return runMenu(ctx, os.Stdin, stdout, runStep)
}

// runMenu shows the menu until the user quits. If a step fails, it prints the error and shows the menu again.
func runMenu(ctx context.Context, in io.Reader, out io.Writer, runStep func(args []string) error) error {
	choices := bufio.NewScanner(in)
	for {
		printMenu(out, readPipelineState(ctx, defaultDataDir, defaultOutputDir))
		if !choices.Scan() {
			fmt.Fprintln(out)
			return choices.Err()
		}
		screen.Entered()
		choice := strings.TrimSpace(choices.Text())
		if choice == "q" {
			return nil
		}
		if err := runChoice(choice, runStep); err != nil {
			if errors.Is(err, context.Canceled) {
				return err
			}
			printError(err, usererr.Of(err))
		}
	}
}

func printMenu(out io.Writer, state pipelineState) {
	fmt.Fprintf(out, "\nVentriloquist: data in %s, adapters in %s\n\n", defaultDataDir, defaultOutputDir)
	for _, e := range menuEntries {
		fmt.Fprintf(out, "  %-3s  %-38s%s\n", e.key, e.title, e.state(state))
	}
	fmt.Fprintf(out, "  a    %s\n  q    quit\n\n> ", "all: "+strings.Join(allSteps, ", "))
}

func runChoice(choice string, runStep func(args []string) error) error {
	keys := []string{choice}
	if choice == "a" {
		keys = allSteps
	}
	for _, key := range keys {
		entry, ok := findEntry(key)
		if !ok {
			return fmt.Errorf("%q is not in the menu", choice)
		}
		if err := runStep(entry.args); err != nil {
			return err
		}
	}
	return nil
}

func findEntry(key string) (menuEntry, bool) {
	for _, e := range menuEntries {
		if e.key == key {
			return e, true
		}
	}
	return menuEntry{}, false
}

func counted(n int, what string) string {
	if n < 0 {
		return "not done"
	}
	return "done: " + some(n, what)
}

func describedState(p pipelineState) string {
	if p.described > 0 {
		return counted(p.described, "attachment")
	}
	return ""
}
