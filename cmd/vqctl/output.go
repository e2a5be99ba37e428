package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"ventriloquist/internal/terminal"
)

// stdout and stderr are where commands print. They escape control characters, so that names, messages and paths of other people
// cannot control a terminal. Only the live line of screen, which does control it, is written to os.Stderr itself.
var (
	screen = openScreen()
	stdout = openOutput(os.Stdout)
	stderr = openOutput(os.Stderr)
)

// unsilenced returns standard error also where nothing else is printed: see silence.
func unsilenced() io.Writer { return terminal.NewWriter(os.Stderr) }

// openScreen returns the screen of the terminal that stderr is, if it is one that can rewrite a line.
func openScreen() *terminal.Screen {
	if !term.IsTerminal(int(os.Stderr.Fd())) || os.Getenv("TERM") == "dumb" {
		return terminal.NewScreen(nil, nil)
	}
	return terminal.NewScreen(os.Stderr, func() int { return terminal.Columns(os.Stderr) })
}

// openOutput returns the writer to a file, through the screen if the file is a terminal.
func openOutput(f *os.File) *terminal.Writer {
	if screen.Live() && term.IsTerminal(int(f.Fd())) {
		return terminal.NewWriter(screen.Writer(f))
	}
	return terminal.NewWriter(f)
}

// dataOutput returns where a command prints data byte for byte: standard output, escaped if it is a terminal.
func dataOutput() io.Writer {
	if term.IsTerminal(int(os.Stdout.Fd())) {
		return stdout
	}
	return os.Stdout
}

// day formats a date, "-" for none.
func day(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Format(time.DateOnly)
}

// fitLines wraps the lines of a text that are longer than a width in cells, 0 for no limit. What is indented stays so.
func fitLines(text string, width int) string {
	if width == 0 {
		return text
	}
	var fitted []string
	for line := range strings.SplitSeq(text, "\n") {
		if terminal.Width(line) <= width {
			fitted = append(fitted, line)
			continue
		}
		indent := line[:len(line)-len(strings.TrimLeft(line, " "))]
		for _, part := range wrapped(line, max(width-len(indent), 4)) {
			fitted = append(fitted, indent+part)
		}
	}
	return strings.Join(fitted, "\n")
}

// printPairs prints texts behind their names, wrapped at the width of a terminal, and below them where it is narrow. A text without a
// name continues the one before.
func printPairs(out io.Writer, pairs [][2]string) error {
	const gap, leastText = 2, 30
	names, width := 0, terminalWidth(out)
	for _, p := range pairs {
		names = max(names, terminal.Width(p[0]))
	}
	var text strings.Builder
	for _, p := range pairs {
		switch pad := strings.Repeat(" ", names-terminal.Width(p[0])+gap); {
		case width == 0:
			text.WriteString(p[0] + pad + p[1] + "\n")
		case width-names-gap >= leastText:
			printHanging(&text, width, p[0]+pad, p[1])
		default:
			if p[0] != "" {
				text.WriteString(p[0] + "\n")
			}
			printHanging(&text, width, "  ", p[1])
		}
	}
	_, err := io.WriteString(out, text.String())
	return err
}

// printHanging prints a text behind a first word, in lines of a width, 0 for no limit: further lines are indented as far.
func printHanging(out io.Writer, width int, first, text string) {
	lines := []string{text}
	if width > terminal.Width(first) {
		lines = wrapped(text, max(width-terminal.Width(first), 20))
	}
	for _, line := range lines {
		fmt.Fprintln(out, first+line)
		first = strings.Repeat(" ", terminal.Width(first))
	}
}

// printWrapped prints a text with an indent, wrapped at the width of a terminal.
func printWrapped(out io.Writer, indent, text string) {
	printHanging(out, terminalWidth(out), indent, text)
}
