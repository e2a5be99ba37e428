package page

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"strings"

	"ventriloquist/internal/evaluate"
	"ventriloquist/internal/evaluate/style"
)

// reliability draws how often guesses are right against the probability that the model gives them.
func reliability(bins []evaluate.ReliabilityBin) template.HTML {
	const size, left, top = 260, 44, 10
	x := func(share float64) float64 { return left + size*share }
	y := func(share float64) float64 { return top + size*(1-share) }
	var out strings.Builder
	fmt.Fprintf(&out, `<svg class="fixed" viewBox="0 0 %d %d" role="img" aria-label="Guesses that are right, by the probability that the model gives them">`, left+size+20, top+size+44)
	for _, share := range []float64{0, 0.5, 1} {
		fmt.Fprintf(&out, `<line class="grid" x1="%.0f" x2="%.0f" y1="%.0f" y2="%.0f"/>`, x(0), x(1), y(share), y(share))
		fmt.Fprintf(&out, `<text x="%d" y="%.0f" text-anchor="end">%.0f%%</text><text x="%.0f" y="%d" text-anchor="middle">%.0f%%</text>`,
			left-6, y(share)+4, 100*share, x(share), top+size+18, 100*share)
	}
	fmt.Fprintf(&out, `<path class="ideal" d="M%.0f %.0fL%.0f %.0f"/><text x="%.0f" y="%d" text-anchor="middle">probability that the model gives</text>`, x(0), y(0), x(1), y(1), x(0.5), top+size+36)
	for _, b := range bins {
		if i := b.Interval; i != nil {
			fmt.Fprintf(&out, `<path class="m0 bar" d="M%.1f %.1fV%.1f"/>`, x(b.Confidence), y(i[0]), y(i[1]))
		}
		fmt.Fprintf(&out, `<circle class="m0" cx="%.1f" cy="%.1f" r="%.1f"><title>%d guesses: probability %.0f%%, right %.0f%%</title></circle>`,
			x(b.Confidence), y(b.Accuracy), 2+math.Sqrt(float64(b.Messages))/2, b.Messages, 100*b.Confidence, 100*b.Accuracy)
	}
	out.WriteString(`</svg>`)
	return template.HTML(out.String())
}

// distances draws for each feature the range from floor to ceiling, and each model's distance. Each row has its own scale.
func distances(models []*evaluate.Report) template.HTML {
	const left, width, step = 110, 520, 40
	var out strings.Builder
	fmt.Fprintf(&out, `<svg class="fixed wide" viewBox="0 0 %d %d" role="img" aria-label="Distances of style">`, left+width+20, step*len(style.Features)+10)
	for k, feature := range style.Features {
		scale := distancesOf(models[0], feature)
		if scale == nil {
			continue
		}
		largest := max(scale.Ceiling, scale.Floor, 1e-9)
		for _, m := range models {
			if d := distancesOf(m, feature); d != nil && d.Interval != nil {
				largest = max(largest, d.Interval[1])
			}
		}
		x := func(distance float64) float64 { return left + width*distance/largest }
		y := float64(step*k + 8)
		low, high := min(scale.Floor, scale.Ceiling), max(scale.Floor, scale.Ceiling)
		fmt.Fprintf(&out, `<text x="%d" y="%.0f" text-anchor="end">%s</text><rect class="scale" x="%.1f" y="%.0f" width="%.1f" height="24"><title>floor %.3f, ceiling %.3f</title></rect>`,
			left-8, y+16, html.EscapeString(feature), x(low), y, max(2, x(high)-x(low)), scale.Floor, scale.Ceiling)
		for i, m := range models {
			d := distancesOf(m, feature)
			if d == nil || d.Interval == nil {
				continue
			}
			at := y + 6 + 12*float64(i)/max(1, float64(len(models)-1))
			fmt.Fprintf(&out, `<path class="m%d bar" d="M%.1f %.1fH%.1f"/><circle class="m%d" cx="%.1f" cy="%.1f" r="4.5"><title>%s: %.3f (%.3f to %.3f)</title></circle>`,
				i%6, x(d.Interval[0]), at, x(d.Interval[1]), i%6, x(d.Written), at, html.EscapeString(m.Name), d.Written, d.Interval[0], d.Interval[1])
		}
	}
	out.WriteString(`</svg>`)
	return template.HTML(out.String()) // all text in it is escaped
}
