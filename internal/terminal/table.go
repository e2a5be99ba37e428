package terminal

import "strings"

// Table is a table that fits into a width: names are cut first, then columns are left out from the right.
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

// widths returns the width of each column that is shown within a number of cells; 0 is no limit.
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
	natural := widths[t.names]
	widths[t.names] = min(natural, leastName)
	total, last := widths[0], len(widths)-1
	for i := 1; i < len(widths); i++ {
		switch {
		case i == t.names:
		case i == last:
			widths[i] = min(widths[i], max(limit-total-len(columnGap), leastWords))
		case !t.right[i]:
			widths[i] = min(widths[i], mostOfColumn)
		}
		if total+len(columnGap)+widths[i] > limit {
			widths = widths[:i]
			break
		}
		total += len(columnGap) + widths[i]
	}
	if t.names < len(widths) {
		widths[t.names] = min(natural, max(widths[t.names]+limit-total, 1))
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
