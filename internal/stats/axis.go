package stats

import (
	"fmt"
	"math"
	"strconv"
)

// tick is a label on the axis below a chart.
type tick struct {
	at    float64 // its middle, as a share of the axis
	label string
	class string // "x", and "wide" or "narrow" if it is shown only where there is room, or none
}

// Maximum number of ticks where there is room for a chart, and on a telephone or in a card.
const (
	wideTicks   = 16
	narrowTicks = 7
)

// step returns the smallest of the given steps with which at most most of n units are labeled.
func step(n, most int, steps ...int) int {
	for _, s := range steps {
		if (n+s-1)/s <= most {
			return s
		}
	}
	return (n + most - 1) / most
}

// thin returns the class of the tick of a unit, "" if it is never shown.
func thin(number, wide, narrow int) string {
	switch isWide, isNarrow := number%wide == 0, number%narrow == 0; {
	case isWide && isNarrow:
		return "x"
	case isWide:
		return "x wide"
	case isNarrow:
		return "x narrow"
	}
	return ""
}

// monthTicks labels Januaries with their year and, in a history of at most two years, other months by name.
func monthTicks(months []Month) (ticks []tick) {
	n := len(months)
	if n == 0 {
		return nil
	}
	add := func(i int, label, class string) {
		if class != "" {
			ticks = append(ticks, tick{(float64(i) + 0.5) / float64(n), label, class})
		}
	}
	if n == 1 {
		add(0, months[0].name()+" "+months[0].Month[:4], "x")
		return ticks
	}
	if n <= 24 {
		wide, narrow := step(n, wideTicks, 1, 2, 3), step(n, narrowTicks, 1, 2, 3, 6)
		for i, m := range months {
			label := m.name()
			if m.number() == 0 {
				label = m.Month[:4]
			}
			add(i, label, thin(m.number(), wide, narrow))
		}
		return ticks
	}
	years := n/12 + 1
	wide, narrow := step(years, wideTicks, 1, 2, 5, 10), step(years, narrowTicks, 1, 2, 5, 10, 20)
	for i, m := range months {
		if m.number() == 0 {
			add(i, m.Month[:4], thin(m.year(), wide, narrow))
		}
	}
	return ticks
}

func (m Month) year() int {
	year, _ := strconv.Atoi(m.Month[:4])
	return year
}

// number returns the number of the month in its year, from 0.
func (m Month) number() int {
	number, _ := strconv.Atoi(m.Month[5:])
	return number - 1
}

var monthNames = []string{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"}

func (m Month) name() string { return monthNames[m.number()] }

// hourTicks labels every third hour, where there is little room every sixth.
func hourTicks() (ticks []tick) {
	for hour := 0; hour < 24; hour += 3 {
		ticks = append(ticks, tick{(float64(hour) + 0.5) / 24, clock(hour), thin(hour, 3, 6)})
	}
	return ticks
}

// scale is the axis at the left of a chart, from 0 to top.
type scale struct {
	top  float64
	unit string // after the numbers
}

// countScale returns the scale for numbers up to most.
func countScale(most float64) scale { return scale{top: roundUp(max(most, 2))} }

// timeScale returns the scale for times up to most seconds, and how many seconds one of its units has.
func timeScale(most float64) (s scale, unit float64) {
	switch {
	case most <= 120:
		s.unit, unit = "s", 1
	case most <= 2*3600:
		s.unit, unit = "min", 60
	default:
		s.unit, unit = "h", 3600
	}
	s.top = roundUp(max(most/unit, 2))
	return s, unit
}

// labels returns the labels at 0, in the middle and at the top.
func (s scale) labels() [3]string {
	var labels [3]string
	for i := range labels {
		labels[i] = count(int(s.top) * i / 2)
		if s.unit != "" && i > 0 {
			labels[i] += " " + s.unit
		}
	}
	return labels
}

// gutter is the width of the labels in CSS pixels.
func (s scale) gutter() int {
	longest := 0
	for _, label := range s.labels() {
		longest = max(longest, len(label))
	}
	return gutterOf(longest)
}

// gutterOf is the width of a label at the left of a chart: characters of at most 7 pixels, and a gap.
func gutterOf(characters int) int { return 7*characters + 8 }

// roundUp returns the next even number that is round, so that its half is round too.
func roundUp(top float64) float64 {
	unit := math.Pow(10, math.Floor(math.Log10(top)))
	for _, n := range []float64{1, 2, 4, 6, 8, 10} {
		if top <= n*unit && math.Mod(n*unit, 2) == 0 {
			return n * unit
		}
	}
	return 10 * unit
}

// at writes a share of an axis as CSS.
func at(share float64) string { return fmt.Sprintf("%.2f%%", 100*share) }
