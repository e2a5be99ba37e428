package stats

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"

	"ventriloquist/internal/terminal"
	"ventriloquist/internal/webpage"
)

//go:embed page.html
var pageText string

// shownCards is the maximum number of people and of groups with a card of their own; the tables have all.
const shownCards = 40

// shownMembers is the maximum number of members that a group's card lists.
const shownMembers = 12

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"style":    webpage.Style,
	"duration": Duration,
	"percent":  percent,
	"share":    Share,
	"decimal":  decimal,
	"day":      shortDate,
	"count":    count,
	"some":     terminal.Quantity[int],
	"months":   monthsChart,
	"week":     weekChart,
	"legend":   legend,
	"spark":    spark,
	"clock":    clock,
	"names":    func() []string { return monthNames },
	"weekday":  func(i int) string { return weekdays[i] },
	"hours":    func() []int { return hours },
	"carded":   func(i int) bool { return i < shownCards },
	"calendar": calendar,
	"part":     part,
	"yearly":   yearly,
	"replies":  personReplies,
	"answers": func(g Group) template.HTML {
		return repliesChart("Median time until a reply in "+g.Title()+", by hour", []string{"anyone"}, g.Reply)
	},
	"members": members,
}).Parse(pageText))

var weekdays = []string{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"}

var hours = func() (list []int) {
	for h := range 24 {
		list = append(list, h)
	}
	return list
}()

// WritePage writes the report as one HTML page that loads nothing else.
func WritePage(out io.Writer, r *Report) error { return page.Execute(out, r) }

// personReplies draws the reply times between a person and the owner.
func personReplies(p Person) template.HTML {
	return repliesChart("Median time until "+p.Name+" replies to you, and you to "+p.Name+", by hour", []string{p.Name, "you"}, p.Reply, p.OwnerReply)
}

// part returns the length of a bar in percent of the longest.
func part(n, most int) string { return fmt.Sprintf("%.1f", 100*float64(n)/float64(max(most, 1))) }

// calendarYear is a row of the table of months.
type calendarYear struct {
	Year     string
	Months   [12]*int // nil before the first and after the last month
	Messages int
}

// calendar arranges months by year.
func calendar(months []Month) (years []calendarYear) {
	for _, m := range months {
		if len(years) == 0 || years[len(years)-1].Year != m.Month[:4] {
			years = append(years, calendarYear{Year: m.Month[:4]})
		}
		y := &years[len(years)-1]
		y.Messages += m.Messages
		y.Months[m.number()] = &m.Messages
	}
	return years
}

// yearRow is a year, compared with the one before and with the busiest.
type yearRow struct {
	Year
	Part   string // which part of the first and the last year the history holds; "" for all of it
	Change string
	Length string // of the bar, in percent
}

func yearly(r *Report) []yearRow {
	most := 0
	for _, y := range r.Years {
		most = max(most, y.Messages)
	}
	rows := make([]yearRow, len(r.Years))
	for i, y := range r.Years {
		rows[i] = yearRow{y, r.partOf(y.Year), none, part(y.Messages, most)}
		if i > 0 && r.Years[i-1].Messages > 0 && rows[i].Part == "" && rows[i-1].Part == "" {
			rows[i].Change = signed(100 * (float64(y.Messages)/float64(r.Years[i-1].Messages) - 1))
		}
	}
	return rows
}

// partOf says which part of a year the history holds, "" if it is all of it.
func (r *Report) partOf(year int) string {
	begins, ends := year == r.From.Year() && r.From.YearDay() > 15, year == r.To.Year() && !nearlyOver(r.To)
	switch {
	case begins && ends:
		return r.From.Format("Jan") + " to " + r.To.Format("Jan")
	case begins:
		return "from " + r.From.Format("Jan")
	case ends:
		return "to " + r.To.Format("Jan")
	}
	return ""
}

// signed formats a change in percent.
func signed(percent float64) string {
	switch n := int(math.Round(percent)); {
	case n > 0:
		return "+" + count(n) + "%"
	case n < 0:
		return "−" + count(-n) + "%"
	}
	return "±0%"
}

// members lists the members of a group.
func members(list []string) string {
	shown := list[:min(shownMembers, len(list))]
	text := ""
	for i, name := range shown {
		if i > 0 {
			text += ", "
		}
		text += name
	}
	if more := len(list) - len(shown); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
