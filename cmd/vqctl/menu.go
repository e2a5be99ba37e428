package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/urfave/cli/v3"
	"golang.org/x/term"

	"ventriloquist/internal/terminal"
	"ventriloquist/internal/usererr"
)

// runRoot runs `vqctl` without a command: it shows the menu in a terminal, and the help elsewhere.
func runRoot(ctx context.Context, c *cli.Command) error {
	if c.Args().Present() {
		return unknownCommand(c, c.Args().First())
	}
	if !term.IsTerminal(int(os.Stdin.Fd())) || !term.IsTerminal(int(os.Stdout.Fd())) {
		return cli.ShowRootCommandHelp(c)
	}
	runStep := func(args []string) error {
		stepContext, stop := watchInterrupts(context.WithoutCancel(ctx)) // Ctrl-C leads back to the menu
		defer stop()
		return newApp().Run(stepContext, append([]string{"vqctl"}, args...))
	}
	return runMenu(ctx, os.Stdin, stdout, runStep)
}

// A menu leads through the pipeline.
type menu struct {
	ctx   context.Context // of one turn: canceled by Ctrl-C
	lines *lineReader
	out   io.Writer
	run   func(args []string) error
	read  func(context.Context) menuState
	state menuState
	later bool // the user left the last step for later
}

// errLeave ends the menu.
var errLeave = errors.New("the input ended")

// runMenu shows the menu until the user quits. If a step fails, it prints the error and shows the menu again.
func runMenu(ctx context.Context, in io.Reader, out io.Writer, runStep func(args []string) error) error {
	m := &menu{lines: newLineReader(in), out: out, run: runStep, read: readMenuState}
	return m.loop(ctx)
}

func (m *menu) loop(ctx context.Context) error {
	interrupts := 0
	for show := true; ; {
		shown, chosen, err := m.turn(ctx, show)
		if err == nil && terminated.Load() {
			err = context.Canceled
		}
		switch {
		case errors.Is(err, errLeave):
			return nil
		case err == nil:
			interrupts, show = 0, true
			continue
		case !errors.Is(err, context.Canceled) || ctx.Err() != nil || terminated.Load():
			return err
		case chosen:
			fmt.Fprintln(m.out, "interrupted")
			interrupts, show = 0, true
			continue
		}
		if interrupts++; interrupts > 1 {
			fmt.Fprintln(m.out)
			return err
		}
		fmt.Fprintln(m.out, "\nq quits, and so does Ctrl-C again")
		show = show && !shown
	}
}

// turn shows the menu, unless it is on the screen already, and does what the user chooses. It returns whether the menu was shown and a
// choice was made, and an error only for what is not an ordinary failure of a step: errLeave and context.Canceled.
func (m *menu) turn(ctx context.Context, show bool) (shown, chosen bool, err error) {
	ctx, stop := watchInterrupts(ctx) // all the time, so that Ctrl-C cannot hit between two steps and end the menu
	defer stop()
	m.ctx = ctx
	if show {
		m.state = m.read(ctx)
		if ctx.Err() != nil {
			return false, false, ctx.Err()
		}
		m.print()
	}
	choice, err := m.lines.next(ctx, m.out, "> ")
	if errors.Is(err, errLeave) {
		fmt.Fprintln(m.out)
	}
	if err != nil {
		return true, false, err
	}
	return true, true, m.choose(choice)
}

// choose does what the user chose, and prints what goes wrong.
func (m *menu) choose(choice string) error {
	switch choice {
	case "q", "Q", "quit", "exit":
		return errLeave
	case "":
		return nil
	}
	err := m.do(choice)
	switch {
	case errors.Is(err, errLeave):
		fmt.Fprintln(m.out)
		return errLeave
	case err == nil || err == context.Canceled:
		return err
	case terminated.Load():
		return err
	}
	printError(err, usererr.Of(err))
	return nil
}

// do runs the entry that a choice names, with the flags after it.
func (m *menu) do(choice string) error {
	fields, err := splitWords(choice)
	if err != nil {
		return err
	}
	if fields[0] == "a" {
		return m.doMissing()
	}
	for _, e := range menuEntries {
		if fields[0] == e.key || strings.EqualFold(fields[0], e.command) {
			return e.do(m, fields[1:])
		}
	}
	return usererr.With(fmt.Errorf("%q is not in the menu", fields[0]), "type a number or a letter from the left, then Enter; q quits")
}

// doMissing does the required steps that are not done, in order, up to one that the user leaves for later.
func (m *menu) doMissing() error {
	done := 0
	for _, e := range menuEntries {
		if !e.required || e.isDone(m.state) {
			continue
		}
		m.later = false
		fmt.Fprintf(m.out, "\n%s %s\n", e.key, e.title)
		if err := e.do(m, nil); err != nil {
			return err
		}
		done++
		if m.state = m.read(m.ctx); m.ctx.Err() != nil {
			return m.ctx.Err()
		}
		if m.later && !e.isDone(m.state) {
			return nil
		}
	}
	if done == 0 {
		fmt.Fprintln(m.out, "nothing is missing; choose a number to do a step again")
	}
	return nil
}

func (m *menu) print() {
	width := terminalWidth(m.out)
	line := func(text string) {
		if width > 0 {
			text = terminal.Cut(text, width-1)
		}
		fmt.Fprintln(m.out, text)
	}
	line("")
	line(fmt.Sprintf("Ventriloquist: data in %s, adapters in %s", defaultDataDir, defaultOutputDir))
	line("")
	for _, e := range menuEntries {
		line(strings.TrimRight(fmt.Sprintf("  %-2s %-20s %s", e.key, e.title, e.says(m.state)), " "))
		if e.command == "train" && m.state.settings != "" {
			printHanging(m.out, width-1, "     ", m.state.settings)
		}
	}
	line("")
	var missing []string
	for _, e := range menuEntries {
		if e.required && !e.isDone(m.state) {
			missing = append(missing, e.key)
		}
	}
	all := "all that is missing: " + strings.Join(missing, ", ")
	if len(missing) == 0 {
		all = "nothing is missing"
	}
	line("  a  " + all)
	line("  q  quit")
	line("")
	line(`flags may follow a number: 5 --stride 10`)
}
