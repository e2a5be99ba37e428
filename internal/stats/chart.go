package stats

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"strings"
)

// bar is one bar of a chart.
type bar struct {
	label string // on the axis
	value float64
	words string // tooltip
}

// Sizes of a chart in its own units; it scales to the page.
const (
	wideChart   = 720
	halfChart   = 440 // for two side by side
	chartHeight = 150
	marginLeft  = 62
	marginBelow = 22
	marginAbove = 8
)

// barChart draws bars over an axis that labels every every-th bar. Screen readers read the title.
func barChart(title string, width int, bars []bar, every int, scale func(float64) string) template.HTML {
	top := 0.0
	for _, b := range bars {
		top = max(top, b.value)
	}
	if top == 0 {
		return ""
	}
	top = roundUp(top)
	var s strings.Builder
	fmt.Fprintf(&s, `<svg class="chart" viewBox="0 0 %d %d" role="img" aria-label="%s">`, width, chartHeight, html.EscapeString(title))
	plot := float64(chartHeight - marginBelow - marginAbove)
	for _, part := range []float64{0, 0.5, 1} {
		y := marginAbove + plot*(1-part)
		fmt.Fprintf(&s, `<line class="grid" x1="%d" x2="%d" y1="%.1f" y2="%.1f"/>`, marginLeft, width, y, y)
		fmt.Fprintf(&s, `<text class="axis" x="%d" y="%.1f" text-anchor="end">%s</text>`, marginLeft-6, y+4, html.EscapeString(scale(top*part)))
	}
	step := float64(width-marginLeft) / float64(len(bars))
	thick := max(step*0.8, min(step, 1))
	for i, b := range bars {
		x := marginLeft + step*float64(i)
		height := plot * b.value / top
		if b.value > 0 {
			fmt.Fprintf(&s, `<rect class="bar" x="%.2f" y="%.2f" width="%.2f" height="%.2f"><title>%s</title></rect>`,
				x+(step-thick)/2, marginAbove+plot-height, thick, height, html.EscapeString(b.words))
		}
		if i%every == 0 {
			fmt.Fprintf(&s, `<text class="axis" x="%.1f" y="%d" text-anchor="middle">%s</text>`, x+step/2, chartHeight-6, html.EscapeString(b.label))
		}
	}
	s.WriteString(`</svg>`)
	return template.HTML(s.String()) // all text in it is escaped
}

// roundUp returns the next number whose half is also round.
func roundUp(top float64) float64 {
	unit := math.Pow(10, math.Floor(math.Log10(top)))
	for _, n := range []float64{1, 2, 4, 6, 8, 10} {
		if top <= n*unit {
			return n * unit
		}
	}
	return top
}

func monthsChart(title string, months []Month) template.HTML {
	bars := make([]bar, len(months))
	for i, m := range months {
		bars[i] = bar{m.Month, float64(m.Messages), fmt.Sprintf("%s: %d messages", m.Month, m.Messages)}
	}
	const most = 9 // labels on the axis
	return barChart(title, wideChart, bars, (len(bars)+most-1)/most, func(v float64) string { return thousand(int(math.Ceil(v))) })
}

func repliesChart(title string, r Reply) template.HTML {
	bars := make([]bar, len(r.ByHour))
	for hour, seconds := range r.ByHour {
		bars[hour].label = fmt.Sprint(hour)
		if seconds != nil {
			bars[hour].value = *seconds / 60
			bars[hour].words = fmt.Sprintf("%d:00: %s", hour, Duration(seconds))
		}
	}
	return barChart(title, halfChart, bars, 3, func(v float64) string { return fmt.Sprintf("%g min", v) })
}

// weekChart draws a square for each hour of the week, darker with more messages.
func weekChart(title string, week [7][24]int) template.HTML {
	top := 0
	for _, day := range week {
		for _, n := range day {
			top = max(top, n)
		}
	}
	if top == 0 {
		return ""
	}
	const side, gap, left, above = 26, 2, 40, 18
	var s strings.Builder
	fmt.Fprintf(&s, `<svg class="chart" viewBox="0 0 %d %d" role="img" aria-label="%s">`, left+24*(side+gap), above+7*(side+gap), html.EscapeString(title))
	for hour := 0; hour < 24; hour += 3 {
		fmt.Fprintf(&s, `<text class="axis" x="%d" y="12" text-anchor="middle">%d</text>`, left+hour*(side+gap)+side/2, hour)
	}
	for day, list := range week {
		fmt.Fprintf(&s, `<text class="axis" x="%d" y="%d" text-anchor="end">%s</text>`, left-6, above+day*(side+gap)+side/2+4, weekdays[day])
		for hour, n := range list {
			fmt.Fprintf(&s, `<rect class="cell" x="%d" y="%d" width="%d" height="%d"/><rect class="bar" x="%[1]d" y="%[2]d" width="%[3]d" height="%[4]d" opacity="%.3f"><title>%s %d:00: %d messages</title></rect>`,
				left+hour*(side+gap), above+day*(side+gap), side, side, float64(n)/float64(top), weekdays[day], hour, n)
		}
	}
	s.WriteString(`</svg>`)
	return template.HTML(s.String()) // it contains no text of any message
}

// spark draws a word-sized chart over the months of the whole history.
func spark(months, all []Month) template.HTML {
	top := 1
	counts := make(map[string]int, len(months))
	for _, m := range months {
		counts[m.Month] = m.Messages
		top = max(top, m.Messages)
	}
	const width, height = 120, 22
	var s strings.Builder
	fmt.Fprintf(&s, `<svg class="spark" viewBox="0 0 %d %d" preserveAspectRatio="none" aria-hidden="true">`, width, height)
	step := float64(width) / float64(len(all))
	for i, m := range all {
		if n := counts[m.Month]; n > 0 {
			h := max(float64(height)*float64(n)/float64(top), 1)
			fmt.Fprintf(&s, `<rect class="bar" x="%.2f" y="%.2f" width="%.2f" height="%.2f"/>`, step*float64(i), height-h, max(step*0.8, 0.5), h)
		}
	}
	s.WriteString(`</svg>`)
	return template.HTML(s.String())
}
