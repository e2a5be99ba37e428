package main

import (
	"fmt"
	"io"
	"strings"

	"ventriloquist/internal/evaluate"
	"ventriloquist/internal/generate/chat"
	"ventriloquist/internal/terminal"
	"ventriloquist/internal/windows"
)

// printComparison shows a conversation and below it the real message and the written ones.
func printComparison(out io.Writer, c *evaluate.Comparison) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s of %s, from %s on\n\n", c.Where, c.Header.Type, chat.Printable(strings.Join(c.Header.Members, ", ")), c.Header.Start)
	for i := range c.Context {
		fmt.Fprintf(&b, "  %s\n", chat.Format(&c.Context[i]))
	}
	fmt.Fprintf(&b, "\nreal       %s\ngenerated  %s\n", chat.Format(&c.Real), chat.Format(&c.Generated))
	if c.Base != nil {
		fmt.Fprintf(&b, "base       %s\n", chat.Format(c.Base))
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// printComparisonJSON writes the same as one object; messages and header are those of the window.
func printComparisonJSON(out io.Writer, c *evaluate.Comparison) error {
	object := func(dst []byte, m *windows.Message) []byte {
		dst = windows.AppendMessage(dst, m)
		return dst[:len(dst)-1] // the newline
	}
	dst := windows.AppendString([]byte(`{"window": `), c.Where)
	dst = windows.AppendHeader(append(dst, `, "header": `...), c.Header)
	dst = append(dst[:len(dst)-1], `, "context": [`...)
	for i := range c.Context {
		dst = object(appendSeparator(dst, i), &c.Context[i])
	}
	dst = object(append(dst, `], "real": `...), &c.Real)
	dst = object(append(dst, `, "generated": `...), &c.Generated)
	if c.Base != nil {
		dst = object(append(dst, `, "base": `...), c.Base)
	}
	_, err := out.Write(append(dst, "}\n"...))
	return err
}

// printSideBySide shows the words of real messages, each after the one before it, and the written ones below them, in rows of at most
// columns cells.
func printSideBySide(out io.Writer, all []*evaluate.Comparison, columns int) error {
	var b strings.Builder
	line := func(label, text string) {
		fmt.Fprintf(&b, "%-9s%s\n", label, terminal.Cut(text, columns-9))
	}
	words := func(m *windows.Message) string { return chat.Printable(m.Name + ": " + m.Text) }
	for i, c := range all {
		if i > 0 {
			b.WriteByte('\n')
		}
		if n := len(c.Context); n > 0 {
			line("", words(&c.Context[n-1]))
		}
		line("real", words(&c.Real))
		line("written", words(&c.Generated))
	}
	_, err := io.WriteString(out, b.String())
	return err
}
