// Command vqctl learns how the people in a message history write, and writes the next message as any of them.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"ventriloquist/internal/usererr"
)

// Exit statuses; nothing but main and a second interrupt ends the process.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

func main() {
	status := runUntilSignal(os.Args)
	screen.Close()
	_, _ = stdout.Flush(), stderr.Flush() // the process ends, so an error cannot be reported
	exit(status)
}

// runUntilSignal runs a command line that Ctrl-C, SIGTERM or SIGHUP asks to stop.
func runUntilSignal(args []string) int {
	makePrivate()
	ctx, stop := watchInterrupts(context.Background())
	defer stop()
	return run(ctx, args)
}

// run runs one command line and returns its exit status.
func run(ctx context.Context, args []string) int {
	settingsError := loadDotEnv()
	if complete(args, stdout) || isSpare(args) {
		return exitDone
	}
	err := newApp().Run(withDotEnvError(ctx, settingsError), args)
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, context.Canceled):
		words := strings.Replace(err.Error(), context.Canceled.Error(), "interrupted", 1)
		printError(errors.New(words), usererr.Of(err))
		return exitInterrupted
	case errors.Is(err, usererr.ErrUsage):
		printError(err, usererr.Of(err))
		return exitUsage
	}
	printError(err, usererr.Of(err))
	return exitFailed
}

// exit ends the process when everything is printed. A process that works with others has more to do then.
var exit = os.Exit

// speaker begins the errors of a process that prints nothing else: see silence.
var speaker string

func printError(err error, advice string) {
	if speaker != "" {
		fmt.Fprintf(unsilenced(), "%svqctl: %v\n", speaker, err)
		return
	}
	width := terminalWidth(stderr)
	fmt.Fprintln(stderr, fitLines(fmt.Sprintf("vqctl: %v", err), width))
	if advice != "" {
		fmt.Fprintln(stderr, fitLines("hint: "+advice, width))
	}
}
