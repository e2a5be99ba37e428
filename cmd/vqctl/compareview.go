package main

import (
	"fmt"
	"io"
	"strings"

	"ventriloquist/internal/evaluate"
	"ventriloquist/internal/windows"
)

// shown is a message as people read it: `John <5m>: hey`, with what it is when it is no plain text.
func shown(m *windows.Message) string { return shownAuthor(m) + ": " + printable(m.Text) }

// shownAuthor is what stands before the text of a shown message.
func shownAuthor(m *windows.Message) string {
	var notes []string
	if m.ContentType != "text" {
		notes = append(notes, m.ContentType)
	}
	if m.ReplyTo != nil {
		notes = append(notes, fmt.Sprintf("to “%s”", printable(*m.ReplyTo)))
	}
	note := ""
	if len(notes) > 0 {
		note = " (" + strings.Join(notes, " ") + ")"
	}
	return fmt.Sprintf("%s <%s>%s", printable(m.Name), strings.TrimPrefix(m.Delta, "<"), note)
}

// printable takes out control characters, which could make a terminal do things.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7F && r < 0xA0 {
			return -1
		}
		return r
	}, text)
}

// printComparison shows a conversation and below it the real message and the written ones.
func printComparison(out io.Writer, c *evaluate.Comparison) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s of %s, from %s on\n\n", c.Where, c.Header.Type, printable(strings.Join(c.Header.Members, ", ")), c.Header.Start)
	for i := range c.Context {
		fmt.Fprintf(&b, "  %s\n", shown(&c.Context[i]))
	}
	fmt.Fprintf(&b, "\nreal       %s\ngenerated  %s\n", shown(&c.Real), shown(&c.Generated))
	if c.Base != nil {
		fmt.Fprintf(&b, "base       %s\n", shown(c.Base))
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
