package terminal

import (
	"slices"
	"strings"
)

// Table is a table that fits into a width: names are cut first, then columns are left out from the right, never the names.
type Table struct {
	titles []string
	right  []bool
	rows   [][]string
	names  int // the column whose cells are cut first
}

const (
	columnGap    = "  "
	leastName    = 12 // to which names are cut before a column is left out
	leastWords   = 12 // to which the last column is cut before it is left out
	mostOfColumn = 24 // of a text in a column that is neither that of the names nor the last
)

// NewTable makes a table whose first column has names. A title that ends in > is that of numbers, aligned at the right.
func NewTable(titles ...string) *Table {
	t := &Table{}
	for _, title := range titles {
		name, right := strings.CutSuffix(title, ">")
		t.titles, t.right = append(t.titles, name), append(t.right, right)
	}
	return t
}

// WithNames sets the column that has the names.
func (t *Table) WithNames(column int) *Table {
	t.names = column
	return t
}

// Empty reports whether the table has no rows.
func (t *Table) Empty() bool { return len(t.rows) == 0 }

// Add adds a row. A cell may hold anything: line breaks and what could control the terminal would break the table.
func (t *Table) Add(cells ...string) {
	for i, cell := range cells {
		cells[i] = Escape(strings.NewReplacer("\n", " ", "\r", " ", "\t", " ").Replace(cell))
	}
	t.rows = append(t.rows, cells)
}

// leftOut is the width of a column that is not shown.
const leftOut = -1

// widths returns the width of each column within a number of cells; 0 is no limit.
func (t *Table) widths(limit int) []int {
	widths := make([]int, len(t.titles))
	for _, row := range append([][]string{t.titles}, t.rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], Width(cell))
		}
	}
	if limit == 0 {
		return widths
	}
	natural := slices.Clone(widths)
	last := len(widths) - 1
	for i := range widths {
		switch {
		case i == t.names:
			widths[i] = min(natural[i], leastName)
		case i == last:
			widths[i] = min(natural[i], leastWords)
		case i > 0 && !t.right[i]:
			widths[i] = min(natural[i], mostOfColumn)
		}
	}
	room := limit - widths[0]
	for _, width := range widths[1:] {
		room -= len(columnGap) + width
	}
	for i := last; i > 0 && room < 0; i-- {
		if i != t.names {
			room += len(columnGap) + widths[i]
			widths[i] = leftOut
		}
	}
	for _, i := range []int{last, t.names} {
		if widths[i] != leftOut {
			wider := max(min(natural[i]-widths[i], room), 1-widths[i])
			widths[i], room = widths[i]+wider, room-wider
		}
	}
	return widths
}

// Fit returns the table in lines of at most limit cells; 0 is no limit.
func (t *Table) Fit(limit int) string {
	widths := t.widths(limit)
	var text strings.Builder
	for _, row := range append([][]string{t.titles}, t.rows...) {
		var line strings.Builder
		for i, width := range widths {
			if width == leftOut {
				continue
			}
			if i > 0 {
				line.WriteString(columnGap)
			}
			cell := Cut(row[i], width)
			pad := strings.Repeat(" ", width-Width(cell))
			if t.right[i] {
				line.WriteString(pad + cell)
			} else {
				line.WriteString(cell + pad)
			}
		}
		text.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return text.String()
}
