// Command vqctl learns how the people in a message history write, and writes the next message as any of them.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"ventriloquist/internal/hint"
)

// Exit statuses; nothing else in the program ends the process.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := run(ctx, os.Args)
	stop()
	os.Exit(status)
}

// run executes one command line and returns its exit status.
func run(ctx context.Context, args []string) int {
	err := loadDotEnv()
	if err == nil {
		err = newApp().Run(ctx, args)
	}
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, context.Canceled):
		printError(errors.New("interrupted"), hint.Of(err))
		return exitInterrupted
	case errors.Is(err, hint.ErrUsage):
		printError(err, hint.Of(err))
		return exitUsage
	}
	printError(err, hint.Of(err))
	return exitFailed
}

func printError(err error, advice string) {
	fmt.Fprintf(os.Stderr, "vqctl: %v\n", err)
	if advice != "" {
		fmt.Fprintf(os.Stderr, "hint: %s\n", advice)
	}
}
