package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/urfave/cli/v3"

	"ventriloquist/internal/demo"
	"ventriloquist/internal/terminal"
)

func newDemoCommand() *cli.Command {
	return &cli.Command{
		Name:  "demo",
		Usage: "run the whole pipeline on the bundled chat, in a few minutes, without a download",
		Description: "Writes a chat.db with the messages of thirteen people, then runs the commands that learn from it and write\n" +
			"as three of them. The folder is kept, so that every command can be run in it by hand. Ctrl-C stops the running command,\n" +
			"which saves what it has.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "dir", Value: "demo", Usage: "`DIR`: folder to create; an earlier demonstration is replaced"},
		},
		Action: func(ctx context.Context, c *cli.Command) error {
			return runDemo(ctx, c.String("dir"), c.Root().Writer)
		},
	}
}

func runDemo(ctx context.Context, dir string, out io.Writer) error {
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("cannot find this program to run it again: %w", err)
	}
	lines, err := demo.Chat()
	if err != nil {
		return err
	}
	if err := demo.WriteFolder(dir, lines); err != nil {
		return err
	}
	printWrapped(out, "", fmt.Sprintf("%s holds a message history: chat.db with %s, the contacts, .env.", dir, terminal.Quantity(len(lines), "message")))
	// The commands write to the terminal itself, where they escape what they print, and keep it apart from their progress bars.
	runner := &demo.Runner{Program: program, Dir: dir, Stdout: terminal.Innermost(out), Stderr: os.Stderr, Interrupt: passedOn}
	result, err := runner.Run(ctx, demo.Steps())
	if err != nil {
		return err
	}
	result.Print(out)
	fmt.Fprintf(out, "Try it yourself:\n%s\n", runner.ByHand())
	return nil
}
