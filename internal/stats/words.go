package stats

import (
	"fmt"
	"math"
	"strings"
	"time"

	"ventriloquist/internal/terminal"
)

// none stands for a figure that does not exist.
const none = "–"

func count(n int) string { return terminal.Count(int64(n)) }

// Duration formats a time in seconds for a table; "–" for none.
func Duration(seconds *float64) string {
	if seconds == nil {
		return none
	}
	switch s := int(*seconds); {
	case s < 60:
		return fmt.Sprintf("%d s", s)
	case s < 3600:
		return fmt.Sprintf("%d min", s/60)
	default:
		return fmt.Sprintf("%d h %02d min", s/3600, s%3600/60)
	}
}

// lasting formats a time in seconds for a sentence, rounded as Duration does.
func lasting(seconds float64) string {
	switch s := int(seconds); {
	case s < 60:
		return terminal.Quantity(max(s, 1), "second")
	case s < 3600:
		return terminal.Quantity(s/60, "minute")
	}
	return Duration(&seconds)
}

// Length returns the silence in words.
func (s Silence) Length() string { return span(s.Days) }

// span formats a number of days in hours, days, months or years.
func span(days float64) string {
	const month, year = 365.25 / 12, 365.25
	switch hours := math.Round(24 * days); {
	case hours < 1:
		return "less than an hour"
	case hours < 24:
		return terminal.Quantity(int(hours), "hour")
	case days < 60:
		return terminal.Quantity(int(math.Round(days)), "day")
	case days < 2*year:
		return terminal.Quantity(int(math.Round(days/month)), "month")
	}
	return terminal.Quantity(int(math.Round(days/year)), "year")
}

// Share formats a part of a whole in percent; "–" without a whole.
func Share(part, whole int) string {
	if whole == 0 {
		return none
	}
	return percent(float64(part) / float64(whole))
}

func percent(share float64) string { return fmt.Sprintf("%.0f%%", 100*share) }

// decimal formats a mean with one digit; "–" for zero.
func decimal(mean float64) string {
	if mean == 0 {
		return none
	}
	return fmt.Sprintf("%.1f", mean)
}

func date(t time.Time) string { return t.Format("2 January 2006") }

func shortDate(t time.Time) string { return t.Format("2 Jan 2006") }

// clock formats an hour.
func clock(hour int) string { return fmt.Sprintf("%02d:00", hour) }

// around says when in the day an hour is.
func around(hour int) string {
	switch hour {
	case 0:
		return "around midnight"
	case 12:
		return "around noon"
	}
	return "around " + clock(hour)
}

// String says when most messages are sent.
func (p Peak) String() string { return fmt.Sprintf("%ss, %s", p.Weekday, around(p.Hour)) }

// Title returns the name of the group or, if it has none, how many take part.
func (g *Group) Title() string {
	if name := strings.TrimSpace(g.Name); name != "" {
		return name
	}
	return terminal.Quantity(len(g.Members), "person") + " and you"
}

// StartedBy returns how many of the group's sessions a person started.
func (g *Group) StartedBy(name string) int {
	for _, c := range g.Started {
		if c.Name == name {
			return c.Count
		}
	}
	return 0
}

// change compares a number with the one before, as in "5% more than"; "" if there is nothing to compare with.
func change(before, now int) string {
	if before == 0 {
		return ""
	}
	switch by := math.Round(100 * (float64(now)/float64(before) - 1)); {
	case by > 0:
		return fmt.Sprintf("%s%% more than", count(int(by)))
	case by < 0:
		return fmt.Sprintf("%s%% fewer than", count(int(-by)))
	}
	return "as many as"
}
