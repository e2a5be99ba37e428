package monitor

import "strconv"

// color is one of the terminal's own colors, which fit its background. The renderer leaves them out where there are none.
type color int

const (
	plain color = iota
	faint
	bold
	firstRun // the runs have this color and the next ones
)

// runColors are the codes of the colors of runs: cyan, yellow, magenta, green, blue, red.
var runColors = []int{36, 33, 35, 32, 34, 31}

// colorOf returns the color of a run.
func colorOf(run int) color { return firstRun + color(run%len(runColors)) }

// markOf returns the letter of a run.
func markOf(run int) rune { return rune('a' + run%26) }

// paint returns text in the color.
func (c color) paint(text string) string {
	code := 0
	switch {
	case text == "" || c == plain:
		return text
	case c == faint:
		code = 2
	case c == bold:
		code = 1
	default:
		code = runColors[c-firstRun]
	}
	return "\x1b[" + strconv.Itoa(code) + "m" + text + "\x1b[0m"
}
