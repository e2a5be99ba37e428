package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"

	"ventriloquist/internal/usererr"
)

// A lineReader reads what the user types, a line at a time. It reads ahead of no step that asks for something itself.
type lineReader struct {
	in      *bufio.Reader
	pending chan typedLine // of a read that was interrupted, else nil
}

type typedLine struct {
	text string
	err  error
}

func newLineReader(in io.Reader) *lineReader { return &lineReader{in: bufio.NewReader(in)} }

// next prints a prompt, and returns the next line without spaces around it, errLeave at the end of the input, or context.Canceled after Ctrl-C.
func (r *lineReader) next(ctx context.Context, out io.Writer, prompt string) (string, error) {
	ctx, stop := watchInterrupts(ctx) // before the prompt, which the user may answer with Ctrl-C at once
	defer stop()
	fmt.Fprint(out, prompt)
	if r.pending == nil {
		r.pending = make(chan typedLine, 1)
		go func(to chan<- typedLine) {
			text, err := r.in.ReadString('\n')
			to <- typedLine{text, err}
		}(r.pending)
	}
	select {
	case <-ctx.Done():
		return "", context.Canceled
	case line := <-r.pending:
		r.pending = nil
		screen.Entered()
		if line.err != nil && line.text == "" {
			return "", errLeave
		}
		return strings.TrimSpace(line.text), nil
	}
}

// question asks for a line.
func (m *menu) question(format string, args ...any) (string, error) {
	answer, err := m.lines.next(m.ctx, m.out, fitLines(fmt.Sprintf(format, args...), terminalWidth(m.out))+" ")
	if err == context.Canceled {
		fmt.Fprintln(m.out)
	}
	return answer, err
}

// agree asks a question and reports whether the answer is yes.
func (m *menu) agree(format string, args ...any) (bool, error) {
	answer, err := m.question(format+" [y/N]", args...)
	switch strings.ToLower(answer) {
	case "y", "yes":
		return true, err
	}
	return false, err
}

// splitWords splits a line into words as a shell does: quotes keep spaces, and so does a backslash, except in single quotes.
func splitWords(line string) (words []string, err error) {
	var word strings.Builder
	quote, begun, escaped := rune(0), false, false
	for _, c := range line {
		switch {
		case escaped:
			word.WriteRune(c)
			escaped = false
		case c == '\\' && quote != '\'':
			escaped, begun = true, true
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote, begun = c, true
		case quote == 0 && (c == ' ' || c == '\t'):
			if begun {
				words = append(words, word.String())
			}
			word.Reset()
			begun = false
		default:
			word.WriteRune(c)
			begun = true
		}
	}
	if quote != 0 {
		return nil, usererr.With(fmt.Errorf("the quote %c is not closed", quote), "write it on both sides of a path or name with spaces")
	}
	if begun {
		words = append(words, word.String())
	}
	return words, nil
}
