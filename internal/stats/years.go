package stats

import (
	"maps"
	"slices"
	"time"

	"ventriloquist/internal/people"
)

// dayOf numbers days: the year times 1000, plus the day of the year from 1.
func dayOf(at time.Time) int { return at.Year()*1000 + at.YearDay() }

// add counts a message of anyone. The zero time stands for an unknown date.
func (g *gatherer) add(at time.Time, who people.Person) {
	g.all.add(at)
	if at.IsZero() {
		return
	}
	g.days[dayOf(at)]++
	year := g.years[at.Year()]
	if year == nil {
		year = map[people.Person]int{}
		g.years[at.Year()] = year
	}
	year[who]++
}

// busiestDay returns the day with the most messages, the earliest of several; nil without dated messages.
func (g *gatherer) busiestDay() *Day {
	var busiest *Day
	for _, day := range slices.Sorted(maps.Keys(g.days)) {
		if n := g.days[day]; busiest == nil || n > busiest.Messages {
			busiest = &Day{time.Date(day/1000, 1, day%1000, 0, 0, 0, 0, g.Zone), n}
		}
	}
	return busiest
}

// yearList returns all years from the first to the last with messages.
func (g *gatherer) yearList() []Year {
	list := []Year{}
	years := slices.Sorted(maps.Keys(g.years))
	if len(years) == 0 {
		return list
	}
	for year := years[0]; year <= years[len(years)-1]; year++ {
		list = append(list, g.year(year))
	}
	return list
}

func (g *gatherer) year(year int) Year {
	y := Year{Year: year}
	for _, who := range slices.SortedFunc(maps.Keys(g.years[year]), people.ComparePeople) {
		n := g.years[year][who]
		y.Messages += n
		switch {
		case who.IsOwner():
			y.FromYou += n
		case y.Most == nil || n > y.Most.Count:
			y.Most = &Count{g.nameOf(who), n}
		}
	}
	return y
}
