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
