package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// The size of the plot, and of its margins.
const (
	plotWidth, plotHeight = 720.0, 420.0
	plotLeft, plotRight   = 70.0, 200.0
	plotTop, plotBottom   = 20.0, 50.0
)

// colors are those of the series, told apart also by those who see fewer.
var colors = []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"}

// plot draws the held-out loss over the stride, a line for each length of runs. A bar is the interval of the difference
// from the smallest stride of its line.
func plot(out io.Writer, keys []series, lines map[series][]point) error {
	x, y := newAxis(), newAxis()
	for _, key := range keys {
		for _, p := range lines[key] {
			x.add(math.Log10(float64(p.stride)))
			low, high := barOf(lines[key], p)
			y.add(low)
			y.add(high)
		}
	}
	x.widen(0.05)
	y.widen(0.1)
	toX := func(stride int) float64 {
		return plotLeft + x.share(math.Log10(float64(stride)))*(plotWidth-plotLeft-plotRight)
	}
	toY := func(loss float64) float64 {
		return plotHeight - plotBottom - y.share(loss)*(plotHeight-plotTop-plotBottom)
	}
	var s strings.Builder
	fmt.Fprintf(&s, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %g" font-family="sans-serif" font-size="12">`+"\n", plotWidth, plotHeight)
	fmt.Fprintf(&s, `<title>Held-out loss by stride</title><rect width="%g" height="%g" fill="white"/>`+"\n", plotWidth, plotHeight)
	drawAxes(&s, strides(keys, lines), y, toX, toY)
	for i, key := range keys {
		shift := 4 * float64(i) // so that bars of one stride stand side by side
		color := colors[i%len(colors)]
		var path []string
		for _, p := range lines[key] {
			path = append(path, fmt.Sprintf("%.1f,%.1f", shift+toX(p.stride), toY(p.loss.mean)))
		}
		fmt.Fprintf(&s, `<polyline points="%s" fill="none" stroke="%s"/>`+"\n", strings.Join(path, " "), color)
		for _, p := range lines[key] {
			px, py := shift+toX(p.stride), toY(p.loss.mean)
			low, high := barOf(lines[key], p)
			fmt.Fprintf(&s, `<path d="M%.1f %.1fV%.1f" stroke="%s" opacity="0.5"/>`, px, toY(low), toY(high), color)
			fmt.Fprintf(&s, `<circle cx="%.1f" cy="%.1f" r="4" fill="%s"/>`+"\n", px, py, color)
		}
		name := fmt.Sprintf("%s, W %d, %s", key.Chat, key.Window, key.length())
		if key.Phase == randomPhase {
			name += ", random"
		}
		fmt.Fprintf(&s, `<text x="%g" y="%g" fill="%s">%s</text>`+"\n", plotWidth-plotRight+12, plotTop+16+18*float64(i), color, name)
	}
	s.WriteString("</svg>\n")
	_, err := io.WriteString(out, s.String())
	return err
}

// barOf is the range of a point's bar.
func barOf(points []point, p point) (low, high float64) {
	if p.stride == points[0].stride {
		return p.loss.mean, p.loss.mean
	}
	return points[0].loss.mean + p.more.low, points[0].loss.mean + p.more.high
}

// strides returns the strides of all lines, each once.
func strides(keys []series, lines map[series][]point) (all []int) {
	for _, key := range keys {
		for _, p := range lines[key] {
			all = append(all, p.stride)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func drawAxes(s *strings.Builder, strides []int, y axis, toX func(int) float64, toY func(float64) float64) {
	bottom, right := plotHeight-plotBottom, plotWidth-plotRight
	fmt.Fprintf(s, `<path d="M%g %gV%gH%g" fill="none" stroke="#444"/>`+"\n", plotLeft, plotTop, bottom, right)
	for _, stride := range strides {
		fmt.Fprintf(s, `<text x="%.1f" y="%g" text-anchor="middle" fill="#444">%d</text>`+"\n", toX(stride), bottom+18, stride)
	}
	for i := range 5 {
		loss := y.low + (y.high-y.low)*float64(i)/4
		fmt.Fprintf(s, `<text x="%g" y="%.1f" text-anchor="end" fill="#444">%.3f</text><path d="M%g %.1fH%g" stroke="#ddd"/>`+"\n", plotLeft-6, toY(loss)+4, loss,
			plotLeft, toY(loss), right)
	}
	fmt.Fprintf(s, `<text x="%g" y="%g" text-anchor="middle">stride</text>`+"\n", (plotLeft+right)/2, plotHeight-8)
	fmt.Fprintf(s, `<text transform="translate(14 %g) rotate(-90)" text-anchor="middle">held-out loss</text>`+"\n", (plotTop+bottom)/2)
}

// axis is the range of an axis.
type axis struct{ low, high float64 }

func newAxis() axis { return axis{math.Inf(1), math.Inf(-1)} }

func (a *axis) add(v float64) { a.low, a.high = min(a.low, v), max(a.high, v) }

func (a *axis) widen(share float64) {
	by := max(share*(a.high-a.low), 1e-3)
	a.low, a.high = a.low-by, a.high+by
}

func (a *axis) share(v float64) float64 { return (v - a.low) / (a.high - a.low) }
