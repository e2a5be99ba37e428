package stats

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"
)

//go:embed page.html
var pageText string

// shownCards is the maximum number of people and of groups with a card of their own; the tables have all.
const shownCards = 40

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"duration": Duration,
	"percent":  func(share float64) string { return fmt.Sprintf("%.0f%%", 100*share) },
	"day":      func(t time.Time) string { return t.Format("2 Jan 2006") },
	"thousand": thousand,
	"months":   monthsChart,
	"replies":  repliesChart,
	"week":     weekChart,
	"spark":    spark,
	"join":     strings.Join,
	"started":  func(p Person) string { return share(p.Started, p.Sessions) },
	"share":    share,
	"weekday":  func(i int) string { return weekdays[i] },
	"hours":    func() []int { return hours },
	"cards":    func(n int) bool { return n < shownCards },
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

// Duration formats a time in seconds for people; "–" for none.
func Duration(seconds *float64) string {
	if seconds == nil {
		return "–"
	}
	switch s := int(*seconds); {
	case s < 60:
		return fmt.Sprintf("%d s", s)
	case s < 3600:
		return fmt.Sprintf("%d min", s/60)
	default:
		return fmt.Sprintf("%d h %02d", s/3600, s%3600/60)
	}
}

func share(part, whole int) string {
	if whole == 0 {
		return "–"
	}
	return fmt.Sprintf("%.0f%%", 100*float64(part)/float64(whole))
}

// thousand formats a number with thin spaces between its thousands.
func thousand(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "\u202f" + s[i:]
	}
	return s
}
