package report

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"strconv"
	"strings"

	"ventriloquist/internal/runlog"
	"ventriloquist/internal/terminal"
)

// A chart is an SVG of shapes only, which stretches to any width, under labels in HTML, which keep their size.

// Size of the drawing in its own units.
const (
	plotWidth  = 1000
	plotHeight = 300
)

// mostPoints is how many points a line has; more are averaged.
const mostPoints = 500

type point struct{ x, y float64 }

// kind is how the values of a run are drawn.
type kind int

const (
	lines kind = iota // a line
	dots              // a line with a dot at each value
	noisy             // the values, faint, and their running mean
)

// colorOf returns the class of a run.
func colorOf(run int) string { return "r" + strconv.Itoa(run%6) }

// heldOut returns the losses of the evaluations.
func heldOut(l *runlog.Log) (points []point) {
	for _, e := range l.Evaluations {
		if runlog.Finite(e.Loss) {
			points = append(points, point{float64(e.Step), e.Loss})
		}
	}
	return points
}

// ofSteps returns a value of the reported steps.
func ofSteps(l *runlog.Log, value func(m runlog.Metrics) float64) (points []point) {
	for _, m := range l.Steps {
		if y := value(m); runlog.Finite(y) {
			points = append(points, point{float64(m.Step), y})
		}
	}
	return points
}

// averaged returns at most mostPoints points: means of consecutive ones.
func averaged(points []point) []point {
	if len(points) <= mostPoints {
		return points
	}
	fewer := make([]point, mostPoints)
	for i := range fewer {
		part := points[i*len(points)/mostPoints : (i+1)*len(points)/mostPoints]
		for _, p := range part {
			fewer[i].x += p.x / float64(len(part))
			fewer[i].y += p.y / float64(len(part))
		}
	}
	return fewer
}

// smoothed returns a running mean over about a tenth of the points.
func smoothed(points []point) []point {
	span := float64(max(len(points)/10, 5))
	mean, weight := 0.0, 0.0
	list := make([]point, len(points))
	for i, p := range points {
		mean = mean*(1-1/span) + p.y/span
		weight = weight*(1-1/span) + 1/span
		list[i] = point{p.x, mean / weight}
	}
	return list
}

// frame is the range of a chart.
type frame struct{ right, bottom, top float64 }

// frameOf returns the range of all points: from step 0 to the last, and from a round value to a round value.
func frameOf(all [][]point) (f frame, ok bool) {
	low, high := math.Inf(1), math.Inf(-1)
	f.right = 1
	for _, points := range all {
		for _, p := range points {
			f.right, low, high = max(f.right, p.x), min(low, p.y), max(high, p.y)
		}
	}
	if low > high {
		return f, false
	}
	return frame{f.right, low, high}.rounded(), true
}

// rounded returns the least range around this one whose ends and middle are round.
func (f frame) rounded() frame {
	size := f.top - f.bottom
	if size == 0 {
		size = max(math.Abs(f.top), 1e-6)
	}
	for unit := math.Pow(10, math.Floor(math.Log10(size/2))); !math.IsInf(unit, 0); unit *= 10 {
		for _, n := range []float64{1, 1.5, 2, 2.5, 3, 4, 5, 6, 8} {
			half := n * unit
			bottom := math.Floor(f.bottom/half*2) * half / 2
			if top := bottom + 2*half; top >= f.top && top > bottom {
				return frame{f.right, bottom, top}
			}
		}
	}
	return f
}

// at returns where a point is in the drawing.
func (f frame) at(p point) (x, y float64) {
	return plotWidth * p.x / f.right, plotHeight * (f.top - p.y) / (f.top - f.bottom)
}

// chart draws a value of each run over the steps.
func chart(title string, runs []Run, values func(l *runlog.Log) []point, k kind) template.HTML {
	all := make([][]point, len(runs))
	for i, r := range runs {
		all[i] = averaged(values(r.Log))
	}
	f, ok := frameOf(all)
	if !ok {
		return `<p class="soft">Nothing was measured yet.</p>`
	}
	var out strings.Builder
	bottom, middle, top := number(f.bottom), number((f.bottom+f.top)/2), number(f.top)
	gutter := 7*max(len(bottom), len(middle), len(top)) + 8
	fmt.Fprintf(&out, `<div class="plot curve" style="margin-left:%dpx"><svg class="chart" viewBox="0 0 %d %d" preserveAspectRatio="none" role="img" aria-label="%s">`,
		gutter, plotWidth, plotHeight, html.EscapeString(title))
	for _, y := range []int{0, plotHeight / 2, plotHeight} {
		fmt.Fprintf(&out, `<line class="grid" x1="0" x2="%d" y1="%d" y2="%d"/>`, plotWidth, y, y)
	}
	for i, points := range all {
		fmt.Fprintf(&out, `<g class="%s">`, colorOf(i))
		f.draw(&out, points, k, title+", "+runs[i].Title)
		out.WriteString(`</g>`)
	}
	out.WriteString(`</svg>`)
	for i, label := range []string{bottom, middle, top} {
		fmt.Fprintf(&out, `<span class="y" style="bottom:%d%%">%s</span>`, 50*i, label)
	}
	for i := range 5 {
		class := "x"
		if i%2 == 1 {
			class = "x wide"
		}
		step := math.Round(f.right * float64(i) / 4)
		if i > 0 && f.right < 4 && float64(int(step)) != f.right*float64(i)/4 {
			continue
		}
		fmt.Fprintf(&out, `<span class="%s" style="left:%d%%">%s</span>`, class, 25*i, terminal.Count(int64(step)))
	}
	out.WriteString(`</div>`)
	return template.HTML(out.String()) // all text in it is escaped
}

// draw draws the values of a run.
func (f frame) draw(out *strings.Builder, points []point, k kind, title string) {
	if k == noisy {
		fmt.Fprintf(out, `<path class="line faint" d="%s"/>`, f.path(points))
		points = smoothed(points)
	}
	fmt.Fprintf(out, `<path class="line" d="%s"/>`, f.path(points))
	if k != dots && len(points) > 1 {
		return
	}
	for _, p := range points {
		x, y := f.at(p)
		fmt.Fprintf(out, `<path class="dot" d="M%.1f %.1fh0"><title>%s, %s: %s</title></path>`, x, y, html.EscapeString(title), by(int(p.x)), number(p.y))
	}
}

// path connects points.
func (f frame) path(points []point) string {
	var d strings.Builder
	for i, p := range points {
		x, y := f.at(p)
		command := byte('L')
		if i == 0 {
			command = 'M'
		}
		fmt.Fprintf(&d, "%c%.1f %.1f", command, x, y)
	}
	return d.String()
}

// number formats a value of an axis.
func number(y float64) string {
	switch size := math.Abs(y); {
	case size == 0:
		return "0"
	case size >= 1e9 || size < 1e-3:
		return strconv.FormatFloat(y, 'g', 3, 64)
	case size >= 1000:
		return terminal.Count(int64(math.Round(y)))
	}
	return strconv.FormatFloat(math.Round(y*1e4)/1e4, 'f', -1, 64)
}

// spark draws a word-sized chart.
func spark(points []point, color string) template.HTML {
	f, ok := frameOf([][]point{points})
	if !ok || len(points) < 2 {
		return ""
	}
	return template.HTML(fmt.Sprintf(`<svg class="spark %s" viewBox="0 0 %d %d" preserveAspectRatio="none" aria-hidden="true"><path class="line" d="%s"/></svg>`,
		color, plotWidth, plotHeight, f.path(points)))
}
