package stats

import (
	"fmt"
	"html"
	"html/template"
	"strings"

	"ventriloquist/internal/terminal"
)

// A chart is an SVG of shapes only, which stretches to any width, under labels in HTML, which keep their size.

// plotHeight is the height of the drawing in its own units.
const plotHeight = 100

// bar is one bar of a series: its height, and what is said about it.
type bar struct {
	value float64
	words string
}

// barChart draws series of bars, side by side, over an axis. Screen readers read the title.
func barChart(class, title string, s scale, ticks []tick, series ...[]bar) template.HTML {
	var out strings.Builder
	n := len(series[0])
	fmt.Fprintf(&out, `<div class="plot %s" style="margin-left:%dpx"><svg class="chart" viewBox="0 0 %d %d" preserveAspectRatio="none" role="img" aria-label="%s">`,
		class, s.gutter(), n, plotHeight, html.EscapeString(title))
	for _, y := range []float64{0, plotHeight / 2, plotHeight} {
		fmt.Fprintf(&out, `<line class="grid" x1="0" x2="%d" y1="%g" y2="%g"/>`, n, y, y)
	}
	if class == small {
		out.WriteString(`<path class="bar1" d="` + outline(series[0], s.top) + `"/>`)
		series = nil
	}
	const gap = 0.2
	width := (1 - gap) / float64(max(len(series), 1))
	for k, bars := range series {
		for i, b := range bars {
			if b.value <= 0 {
				continue
			}
			height := max(plotHeight*b.value/s.top, 1)
			fmt.Fprintf(&out, `<rect class="bar%d" x="%.2f" y="%.1f" width="%.2f" height="%.1f"><title>%s</title></rect>`, k+1,
				float64(i)+gap/2+float64(k)*width, plotHeight-height, width, height, html.EscapeString(b.words))
		}
	}
	out.WriteString(`</svg>`)
	for i, label := range s.labels() {
		fmt.Fprintf(&out, `<span class="y" style="bottom:%d%%">%s</span>`, 50*i, html.EscapeString(label))
	}
	writeTicks(&out, ticks)
	out.WriteString(`</div>`)
	return template.HTML(out.String()) // all text in it is escaped
}

func writeTicks(out *strings.Builder, ticks []tick) {
	for _, t := range ticks {
		fmt.Fprintf(out, `<span class="%s" style="left:%s">%s</span>`, t.class, at(t.at), html.EscapeString(t.label))
	}
}

// small is the class of a chart of months in a card, where the bars are one shape, without tooltips.
const small = "small"

// monthsChart draws the messages of each month.
func monthsChart(class, title string, months []Month) template.HTML {
	bars := make([]bar, len(months))
	most := 0.0
	for i, m := range months {
		bars[i] = bar{float64(m.Messages), fmt.Sprintf("%s %s: %s", m.name(), m.Month[:4], terminal.Quantity(m.Messages, "message"))}
		most = max(most, bars[i].value)
	}
	return barChart(class, title, countScale(most), monthTicks(months), bars)
}

// repliesChart draws the median reply times by hour, of one or two sides.
func repliesChart(title string, names []string, sides ...Reply) template.HTML {
	most := 0.0
	for _, side := range sides {
		for _, seconds := range side.ByHour {
			if seconds != nil {
				most = max(most, *seconds)
			}
		}
	}
	s, unit := timeScale(most)
	series := make([][]bar, len(sides))
	for k, side := range sides {
		series[k] = make([]bar, len(side.ByHour))
		for hour, seconds := range side.ByHour {
			if seconds != nil {
				series[k][hour] = bar{max(*seconds/unit, s.top/plotHeight), fmt.Sprintf("%s, %s: %s", names[k], clock(hour), Duration(seconds))}
			}
		}
	}
	return barChart("small hours", title, s, hourTicks(), series...)
}

// levels is the number of shades of the week's chart.
const levels = 5

// level returns the shade of a number of messages, from 0 for none to levels for the most.
func level(n, most int) int { return (n*levels + most - 1) / most }

// weekChart draws a square for each hour of the week, darker with more messages.
func weekChart(title string, week Week) template.HTML {
	most := week.most()
	if most == 0 {
		return ""
	}
	var out strings.Builder
	fmt.Fprintf(&out, `<div class="plot week" style="margin-left:%dpx"><svg class="chart" viewBox="0 0 24 7" preserveAspectRatio="none" role="img" aria-label="%s">`,
		gutterOf(len(weekdays[0])), html.EscapeString(title))
	const gap = 0.06
	for day, list := range week {
		for hour, n := range list {
			fmt.Fprintf(&out, `<rect class="l%d" x="%.2f" y="%.2f" width="%.2f" height="%.2f"><title>%s, %s: %s</title></rect>`, level(n, most),
				float64(hour)+gap/2, float64(day)+gap/2, 1-gap, 1-gap, weekdays[day], clock(hour), terminal.Quantity(n, "message"))
		}
	}
	out.WriteString(`</svg>`)
	for day, name := range weekdays {
		fmt.Fprintf(&out, `<span class="y" style="bottom:%s">%s</span>`, at((float64(len(weekdays)-day)-0.5)/float64(len(weekdays))), name)
	}
	writeTicks(&out, hourTicks())
	out.WriteString(`</div>`)
	return template.HTML(out.String()) // it contains no text of any message
}

func (w *Week) most() (most int) {
	for _, day := range w {
		for _, n := range day {
			most = max(most, n)
		}
	}
	return most
}

// shade is an entry of the legend of the week's chart.
type shade struct {
	Level int
	Words string
}

// legend returns the numbers of messages that the shades of the week's chart stand for.
func legend(week Week) (list []shade) {
	most := week.most()
	if most == 0 {
		return nil
	}
	list = append(list, shade{0, "none"})
	for l := 1; l <= levels; l++ {
		from, to := (l-1)*most/levels+1, l*most/levels
		switch {
		case from == to:
			list = append(list, shade{l, count(to)})
		case from < to:
			list = append(list, shade{l, count(from) + "–" + count(to)})
		}
	}
	return list
}

// spark draws a word-sized chart over the months of the whole history.
func spark(months, all []Month) template.HTML {
	if len(all) == 0 {
		return ""
	}
	counts := make(map[string]int, len(months))
	for _, m := range months {
		counts[m.Month] = m.Messages
	}
	bars := make([]bar, len(all))
	top := 1.0
	for i, m := range all {
		bars[i].value = float64(counts[m.Month])
		top = max(top, bars[i].value)
	}
	return template.HTML(fmt.Sprintf(`<svg class="spark" viewBox="0 0 %d %d" preserveAspectRatio="none" aria-hidden="true"><path class="bar1" d="%s"/></svg>`,
		len(all), plotHeight, outline(bars, top)))
}

// outline draws bars as one path.
func outline(bars []bar, top float64) string {
	var out strings.Builder
	for i, b := range bars {
		if b.value > 0 {
			height := int(max(plotHeight*b.value/top, 3))
			fmt.Fprintf(&out, "M%d.1 %dv-%dh.8v%dz", i, plotHeight, height, height)
		}
	}
	return out.String()
}
