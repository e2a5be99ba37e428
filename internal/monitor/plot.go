package monitor

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"ventriloquist/internal/runlog"
	"ventriloquist/internal/terminal"
)

// point is a value at an optimizer step.
type point struct{ x, y float64 }

// series is a line of a plot.
type series struct {
	points []point
	color  color
	mark   rune // at the last point, so that lines can be told apart without colors; 0 for none
	faint  bool // points that are not connected and do not decide the range
}

// canvas is a grid of braille characters, of 2 by 4 dots each.
type canvas struct {
	columns, rows int
	dots          []rune // bits of the character, by row and column
	colors        []color
	marks         []rune
}

func newCanvas(columns, rows int) *canvas {
	n := columns * rows
	return &canvas{columns, rows, make([]rune, n), make([]color, n), make([]rune, n)}
}

// brailleBit is the bit of a dot in a character, by row and column.
var brailleBit = [4][2]rune{{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}}

// set draws the dot in column x and row y, counted from the top left.
func (c *canvas) set(x, y int, paint color) {
	if x < 0 || y < 0 || x >= 2*c.columns || y >= 4*c.rows {
		return
	}
	at := y/4*c.columns + x/2
	c.dots[at] |= brailleBit[y%4][x%2]
	c.colors[at] = paint
}

// line connects two dots.
func (c *canvas) line(x0, y0, x1, y1 int, paint color) {
	n := max(abs(x1-x0), abs(y1-y0), 1)
	for i := range n + 1 {
		share := float64(i) / float64(n)
		c.set(x0+int(math.Round(share*float64(x1-x0))), y0+int(math.Round(share*float64(y1-y0))), paint)
	}
}

func abs(n int) int { return max(n, -n) }

// lines returns the rows of the canvas.
func (c *canvas) lines() (rows []string) {
	for y := range c.rows {
		var row strings.Builder
		for x := range c.columns {
			at := y*c.columns + x
			switch {
			case c.marks[at] != 0:
				row.WriteString(c.colors[at].paint(string(c.marks[at])))
			case c.dots[at] != 0:
				row.WriteString(c.colors[at].paint(string(0x2800 + c.dots[at])))
			default:
				row.WriteByte(' ')
			}
		}
		rows = append(rows, row.String())
	}
	return rows
}

// frame is the range of a plot.
type frame struct {
	left, right, bottom, top float64
	oneValue                 bool // of all points that decide the range
}

// frameOf returns the range of the series. It has a height; all points may be at one step.
func frameOf(list []series) (f frame, ok bool) {
	f = frame{left: math.Inf(1), right: math.Inf(-1), bottom: math.Inf(1), top: math.Inf(-1)}
	for _, s := range list {
		for _, p := range s.points {
			f.left, f.right = min(f.left, p.x), max(f.right, p.x)
			if !s.faint {
				f.bottom, f.top = min(f.bottom, p.y), max(f.top, p.y)
			}
		}
	}
	if f.bottom > f.top {
		return f, false
	}
	f.oneValue = f.bottom == f.top
	margin := max(0.05*(f.top-f.bottom), 1e-4*math.Abs(f.top), 1e-9)
	f.bottom, f.top = f.bottom-margin, f.top+margin
	return f, true
}

// atOneStep reports whether all points are at the same step.
func (f frame) atOneStep() bool { return f.left == f.right }

// gutter is the width of the labels at the left of a plot.
const gutter = 8

// plot draws series in a number of columns and rows, with a title, labels at the left and steps below.
func plot(title string, columns, rows int, list []series) []string {
	lines := []string{bold.paint(terminal.Cut(title, columns))}
	f, ok := frameOf(list)
	width, height := columns-gutter, rows-2
	if !ok || width < 4 || height < 1 {
		for len(lines) < rows {
			text := ""
			if len(lines) == rows/2 && !ok {
				text = faint.paint(terminal.Cut("  nothing to draw yet", columns))
			}
			lines = append(lines, text)
		}
		return lines[:rows]
	}
	c := newCanvas(width, height)
	for _, s := range list {
		c.draw(f, s)
	}
	for y, row := range c.lines() {
		left := label(f, y, height)
		if f.oneValue && f.atOneStep() && y != height/2 {
			left = strings.Repeat(" ", gutter)
		}
		lines = append(lines, faint.paint(left)+row)
	}
	return append(lines, faint.paint(strings.Repeat(" ", gutter)+axis(f, width)))
}

// draw draws a series.
func (c *canvas) draw(f frame, s series) {
	column := func(p point) int {
		if f.atOneStep() {
			return c.columns
		}
		return int(math.Round((p.x - f.left) / (f.right - f.left) * float64(2*c.columns-1)))
	}
	row := func(p point) int {
		return int(math.Round((f.top - p.y) / (f.top - f.bottom) * float64(4*c.rows-1)))
	}
	for i, p := range s.points {
		switch {
		case s.faint || i == 0:
			c.set(column(p), row(p), s.color)
		default:
			before := s.points[i-1]
			c.line(column(before), row(before), column(p), row(p), s.color)
		}
	}
	mark := s.mark
	if len(s.points) == 1 && mark == 0 && !s.faint {
		mark = '•' // a dot of braille is hard to see
	}
	if n := len(s.points); n > 0 && mark != 0 {
		last := s.points[n-1]
		at := min(max(row(last)/4, 0), c.rows-1)*c.columns + min(max(column(last)/2, 0), c.columns-1)
		c.marks[at], c.colors[at] = mark, s.color
	}
}

// label returns the label of a row: at the top, in the middle and at the bottom.
func label(f frame, row, rows int) string {
	if row != 0 && row != rows-1 && row != rows/2 {
		return strings.Repeat(" ", gutter)
	}
	y := f.top - (f.top-f.bottom)*(float64(row)+0.5)/float64(rows)
	text := strconv.FormatFloat(y, 'g', 4, 64)
	if math.Abs(y) < 1e4 && math.Abs(y) >= 1e-3 {
		text = strconv.FormatFloat(y, 'f', 4, 64)
		text = text[:min(len(text), gutter-2)]
	}
	text = terminal.Cut(text, gutter-1)
	return strings.Repeat(" ", gutter-1-len([]rune(text))) + text + " "
}

// axis returns the steps at both ends of a plot, or the only one in the middle.
func axis(f frame, width int) string {
	if f.atOneStep() {
		text := "step " + terminal.Count(int64(math.Round(f.left)))
		return strings.Repeat(" ", max(width/2-len(text)/2, 0)) + terminal.Cut(text, width)
	}
	left, right := terminal.Count(int64(math.Round(f.left))), "step "+terminal.Count(int64(math.Round(f.right)))
	if len(left)+len(right)+1 > width {
		return terminal.Cut(right, width)
	}
	return left + strings.Repeat(" ", width-len(left)-len(right)) + right
}

// lossPoints returns the training losses of a log.
func lossPoints(l *runlog.Log) (points []point) {
	for _, m := range l.Steps {
		if runlog.Finite(m.Loss) {
			points = append(points, point{float64(m.Step), m.Loss})
		}
	}
	return points
}

// heldOutPoints returns the losses of the evaluations of a log.
func heldOutPoints(l *runlog.Log) (points []point) {
	for _, e := range l.Evaluations {
		if runlog.Finite(e.Loss) {
			points = append(points, point{float64(e.Step), e.Loss})
		}
	}
	return points
}

// smoothed returns a running mean of the points, over about a tenth of them.
func smoothed(points []point) []point {
	points = slices.Clone(points)
	span := float64(max(len(points)/10, 5))
	mean, weight := 0.0, 0.0
	for i, p := range points {
		mean = mean*(1-1/span) + p.y/span
		weight = weight*(1-1/span) + 1/span // of the mean, which begins at zero
		points[i].y = mean / weight
	}
	return points
}
