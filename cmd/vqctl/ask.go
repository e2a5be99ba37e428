package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"ventriloquist/internal/usererr"
)

// ask asks the user a question and reports whether the answer is yes. No answer is an error: scripts pass --yes.
func ask(ctx context.Context, question string, in io.Reader, out io.Writer) (bool, error) {
	if _, err := fmt.Fprintf(out, "%s [y/N] ", question); err != nil {
		return false, err
	}
	answers := make(chan string, 1)
	go func() {
		scanner := bufio.NewScanner(in)
		if scanner.Scan() {
			answers <- scanner.Text()
		}
		close(answers)
	}()
	select {
	case <-ctx.Done():
		return false, ctx.Err()
	case answer, answered := <-answers:
		screen.Entered()
		if !answered {
			fmt.Fprintln(out)
			return false, usererr.With(errors.New("no answer (stdin closed); nothing was changed"), "to answer yes, pass --yes")
		}
		switch strings.ToLower(strings.TrimSpace(answer)) {
		case "y", "yes":
			return true, nil
		}
		return false, nil
	}
}

// maySend says what would be sent to another machine, and asks whether it may be. Without a terminal, where there is no one to ask, it
// may not.
func maySend(ctx context.Context, what, question string, in io.Reader, inTerminal bool) (bool, error) {
	if _, err := io.WriteString(stderr, what); err != nil { // stdout is for results
		return false, err
	}
	if !inTerminal {
		return false, usererr.With(errors.New("nothing was sent: this is not a terminal, so there is no one to ask"), "--yes sends without asking")
	}
	return ask(ctx, question, in, stderr)
}
