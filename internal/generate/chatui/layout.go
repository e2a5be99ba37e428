package chatui

import (
	"strings"

	"github.com/charmbracelet/x/ansi"

	"ventriloquist/internal/terminal"
)

// layout breaks a prompt and the editor's text into rows of fewer than columns cells, and returns where the cursor is. cells is how
// the terminal measures text.
func (e *editor) layout(prompt string, columns int, cells ansi.Method) (rows []string, x, y int) {
	row, used := prompt, cells.StringWidth(prompt)
	if used > columns/2 { // a long name leaves room for text
		row = cells.Truncate(prompt, columns/2, "…> ")
		used = cells.StringWidth(row)
	}
	place := func(i int) {
		if i == e.cursor {
			x, y = used, len(rows)
		}
	}
	for i, cluster := range e.text {
		if cluster == "\n" {
			place(i)
			rows, row, used = append(rows, row), "", 0
			continue
		}
		shown := terminal.Escape(cluster)
		width := cells.StringWidth(shown)
		if used+width >= columns && used > 0 {
			rows, row, used = append(rows, row), "", 0
		}
		place(i)
		row += shown
		used += width
	}
	place(len(e.text))
	return append(rows, row), x, y
}

// firstRow cuts the beginning of a text that takes a row of fewer than columns cells, at a space if there is one. The rest is
// indented by a number of cells.
func firstRow(text string, columns, indent int, cells ansi.Method) (row, rest string, full bool) {
	if cells.StringWidth(text) < columns {
		return text, "", false
	}
	used, end, space := 0, 0, 0
	begin := len(text) - len(strings.TrimLeft(text, " "))
	for _, cluster := range clusters(text) {
		used += cells.StringWidth(cluster)
		if used >= columns && end > 0 {
			break
		}
		if cluster == " " && end > begin {
			space = end
		}
		end += len(cluster)
	}
	if space > begin {
		end = space
	}
	return text[:end], strings.Repeat(" ", min(indent, columns/2)) + strings.TrimLeft(text[end:], " "), true
}

// indentOf returns how far the further rows of a line are indented: two cells more than the line.
func indentOf(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) + 2 }
