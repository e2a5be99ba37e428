package main

import (
	"strings"

	"ventriloquist/internal/terminal"
)

// statsTable is a table that fits into a width: names are cut first, then columns are left out from the right.
type statsTable struct {
	titles []string
	right  []bool
	rows   [][]string
}

const (
	columnGap    = "  "
	leastName    = 12 // to which names are cut before a column is left out
	leastWords   = 12 // to which the last column is cut before it is left out
	mostOfColumn = 24 // of a name in another column than the first
)

// newStatsTable makes a table. A title that ends in > is that of numbers, aligned at the right.
func newStatsTable(titles ...string) *statsTable {
	t := &statsTable{}
	for _, title := range titles {
		name, right := strings.CutSuffix(title, ">")
		t.titles, t.right = append(t.titles, name), append(t.right, right)
	}
	return t
}

// add adds a row. A name may hold anything: line breaks and what could control the terminal would break the table.
func (t *statsTable) add(cells ...string) {
	for i, cell := range cells {
		cells[i] = terminal.Escape(strings.NewReplacer("\n", " ", "\r", " ", "\t", " ").Replace(cell))
	}
	t.rows = append(t.rows, cells)
}

// widths returns the width of each column that is shown within a number of cells; 0 is no limit.
func (t *statsTable) widths(limit int) []int {
	widths := make([]int, len(t.titles))
	for _, row := range append([][]string{t.titles}, t.rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], terminal.Width(cell))
		}
	}
	if limit == 0 {
		return widths
	}
	natural := widths[0]
	widths[0] = min(natural, leastName)
	total := widths[0]
	last := len(widths) - 1
	for i := 1; i < len(widths); i++ {
		if i < last && !t.right[i] {
			widths[i] = min(widths[i], mostOfColumn)
		}
		if i == last {
			widths[i] = min(widths[i], max(limit-total-len(columnGap), leastWords))
		}
		if total+len(columnGap)+widths[i] > limit {
			widths = widths[:i]
			break
		}
		total += len(columnGap) + widths[i]
	}
	widths[0] = min(natural, widths[0]+limit-total)
	return widths
}

// write writes the table in lines of at most limit cells; 0 is no limit.
func (t *statsTable) write(out *strings.Builder, limit int) {
	widths := t.widths(limit)
	for _, row := range append([][]string{t.titles}, t.rows...) {
		var line strings.Builder
		for i, width := range widths {
			if i > 0 {
				line.WriteString(columnGap)
			}
			cell := terminal.Cut(row[i], width)
			pad := strings.Repeat(" ", width-terminal.Width(cell))
			if t.right[i] {
				line.WriteString(pad + cell)
			} else {
				line.WriteString(cell + pad)
			}
		}
		out.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
}
