package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/urfave/cli/v3"

	"ventriloquist/internal/terminal"
)

// The groups of flags in the help of a command, which lists them in the order of its flags.
const (
	sourceGroup       = "Source"
	dataGroup         = "Data"
	modelGroup        = "Model and device"
	loraGroup         = "LoRA"
	optimizerGroup    = "Optimizer"
	runGroup          = "Run"
	planGroup         = "Planning"
	measureGroup      = "Measurements"
	samplingGroup     = "Sampling"
	filterGroup       = "Filters"
	conversationGroup = "Conversation"
	liveGroup         = "Live conversation"
	serverGroup       = "Server"
	attachmentGroup   = "Attachments"
	outputGroup       = "Output"
	checkGroup        = "Check"
	globalGroup       = "Global options"
)

// inGroup sets the group of flags.
func inGroup(name string, flags ...cli.Flag) []cli.Flag {
	for _, f := range flags {
		f.(cli.CategorizableFlag).SetCategory(name)
	}
	return flags
}

// newHelpCommand makes the help command of a command with subcommands. It is hidden: every list of commands would repeat it.
func newHelpCommand() *cli.Command {
	return &cli.Command{
		Name: "help", Aliases: []string{"h"}, Usage: "show the help of a command", ArgsUsage: "[COMMAND…]", Hidden: true,
		Action: func(ctx context.Context, c *cli.Command) error {
			return showHelp(ctx, c.Lineage()[1], c.Args().Slice()...)
		},
	}
}

// showHelp prints the help of the command that names lead to from c. The library calls it for `COMMAND ARGUMENT --help`.
func showHelp(_ context.Context, c *cli.Command, names ...string) error {
	for _, name := range names {
		if len(c.VisibleCommands()) == 0 {
			break // an argument
		}
		sub := c.Command(name)
		if sub == nil {
			return unknownCommand(c, name)
		}
		c = sub
	}
	printHelp(c.Root().Writer, "", c)
	return nil
}

// helpPage builds the help of a command.
type helpPage struct {
	text  strings.Builder
	width int // of a line
}

// printHelp prints the help of a command: a cli.HelpPrinterFunc. The library's own template would sort the flags.
func printHelp(w io.Writer, _ string, data any) {
	c, ok := data.(*cli.Command)
	if !ok {
		return
	}
	p := helpPage{width: 80}
	if columns := terminalWidth(w); columns > 0 {
		p.width = min(columns, 110)
	}
	p.paragraphs("", c.FullName()+" - "+c.Usage)
	p.text.WriteString("\nUsage: " + usageLine(c) + "\n")
	if c.Description != "" {
		p.text.WriteString("\n")
		p.paragraphs("  ", c.Description)
	}
	p.commands(c)
	p.flags(c)
	fmt.Fprint(w, p.text.String())
}

// terminalWidth returns the number of columns of a terminal, at least 40; 0 if out is not a terminal.
func terminalWidth(out io.Writer) int {
	if columns := terminal.Columns(out); columns > 0 {
		return max(columns, 40)
	}
	return 0
}

func usageLine(c *cli.Command) string {
	line := c.FullName()
	if len(c.VisibleCommands()) > 0 {
		line += " [command]"
	}
	line += " [options]"
	return strings.TrimRight(line+" "+c.ArgsUsage, " ")
}

func (p *helpPage) commands(c *cli.Command) {
	var rows [][2]string
	for _, sub := range c.VisibleCommands() {
		rows = append(rows, [2]string{sub.Name, sub.Usage})
	}
	p.table("Commands", rows)
}

func (p *helpPage) flags(c *cli.Command) {
	groups, order := map[string][][2]string{}, []string{}
	for _, f := range append(c.VisibleFlags(), c.VisiblePersistentFlags()...) {
		group := "Options"
		switch g, ok := f.(cli.CategorizableFlag); {
		case f.Names()[0] == "help", f.Names()[0] == "version":
			group = globalGroup
		case ok:
			group = cmp.Or(g.GetCategory(), group)
		}
		if groups[group] == nil && group != globalGroup {
			order = append(order, group)
		}
		name, usage, _ := strings.Cut(f.String(), "\t")
		name, _, _ = strings.Cut(name, " [ ")              // of a flag that may be repeated
		usage = strings.TrimSuffix(usage, " (default: 0)") // 0 means off
		if words := strings.Fields(name); len(words) > 1 {
			usage = strings.TrimPrefix(usage, words[1]+": ") // the placeholder alone
		}
		groups[group] = append(groups[group], [2]string{name, usage})
	}
	for _, group := range append(order, globalGroup) {
		p.table(group, groups[group])
	}
}

// table writes a title and rows. If a name is too long for its column, its text begins on the next line.
func (p *helpPage) table(title string, rows [][2]string) {
	if len(rows) == 0 {
		return
	}
	p.text.WriteString("\n" + title + ":\n")
	p.rows(rows)
}

// rows writes names and texts in two columns.
func (p *helpPage) rows(rows [][2]string) {
	const most = 24
	column := 0
	for _, row := range rows {
		if n := terminal.Width(row[0]); n <= most {
			column = max(column, n)
		}
	}
	indent := strings.Repeat(" ", column+4)
	for _, row := range rows {
		lines := wrapped(row[1], p.width-len(indent))
		name := row[0]
		if terminal.Width(name) > column {
			p.text.WriteString("  " + name + "\n")
			name = ""
		}
		for _, line := range lines {
			fmt.Fprintf(&p.text, "  %-*s  %s\n", column, name, line)
			name = ""
		}
	}
}

// paragraphs writes a text. Empty and indented lines stay as they are; lines of a name, at least three spaces and a text become
// the rows of a table.
func (p *helpPage) paragraphs(indent, text string) {
	paragraph, rows := "", [][2]string(nil)
	flush := func() {
		p.rows(rows)
		rows = nil
		if paragraph != "" {
			for _, line := range wrapped(paragraph, p.width-len(indent)) {
				p.text.WriteString(indent + line + "\n")
			}
		}
		paragraph = ""
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if line == "" || strings.HasPrefix(line, " ") {
			flush()
			p.text.WriteString(strings.TrimRight(indent+line, " ") + "\n")
			continue
		}
		if name, text, found := strings.Cut(line, "   "); found {
			if paragraph != "" {
				flush()
			}
			rows = append(rows, [2]string{name, text})
			continue
		}
		if rows != nil {
			flush()
		}
		paragraph += " " + line
	}
	flush()
}

// wrapped breaks a text into lines of at most width cells, and a word that is longer in the middle.
func wrapped(text string, width int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(text) {
		for terminal.Width(word) > width {
			if line != "" {
				lines, line = append(lines, line), ""
			}
			head := beginningOf(word, width)
			lines, word = append(lines, head), word[len(head):]
		}
		if line != "" && terminal.Width(line)+1+terminal.Width(word) > width {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimLeft(line+" "+word, " ")
	}
	return append(lines, line)
}

// beginningOf returns as many characters of a text as fit into a number of cells, at least one.
func beginningOf(text string, cells int) string {
	head := strings.TrimSuffix(terminal.Cut(text, cells+1), "…")
	if head == "" {
		_, size := utf8.DecodeRuneInString(text)
		return text[:size]
	}
	return head
}
