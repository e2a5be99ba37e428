package whatsapp

import (
	"cmp"
	"slices"
	"time"
)

// order says which of the three numbers in a date is the day, the month and the year.
type order int

const (
	dayFirst order = iota
	monthFirst
	yearFirst
	orders
)

func (o order) String() string {
	return [...]string{"day/month/year", "month/day/year", "year/month/day"}[o]
}

// firstYear is the year in which WhatsApp began.
const firstYear = 2009

// day reads a date in an order; ok reports whether the day exists.
func (s *stamp) day(o order) (year, month, day int, ok bool) {
	a, b, c := s.date[0], s.date[1], s.date[2]
	switch o {
	case dayFirst:
		year, month, day = c, b, a
	case monthFirst:
		year, month, day = c, a, b
	case yearFirst:
		year, month, day = a, b, c
	}
	digits := s.digits[2]
	if o == yearFirst {
		digits = s.digits[0]
	}
	if s.era != 0 {
		year += s.era
	} else if digits == 4 && year > 2400 {
		year += buddhistEra
	} else if digits <= 2 {
		year += 2000
	}
	if month < 1 || month > 12 || day < 1 || day > 31 {
		return 0, 0, 0, false
	}
	if s.era == 0 && digits == 4 {
		switch {
		case year >= firstPersian && year <= lastPersian:
			return persian(year, month, day)
		case year >= firstIslamic && year <= lastIslamic:
			return s.islamic.day(year, month, day)
		}
	}
	const shortest = 28 // days of a month
	return year, month, day, day <= shortest || time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC).Day() == day
}

// time returns the time of a stamp in an order that fits.
func (s *stamp) time(o order, zone *time.Location) time.Time {
	year, month, day, _ := s.day(o)
	return time.Date(year, time.Month(month), day, s.hour, s.minute, s.second, 0, zone)
}

// calendar finds the order of the dates in a file. Of the orders in which every date is a day, it is the one in which the
// messages are chronological and closest together.
type calendar struct {
	now       time.Time
	latest    time.Time // of the dates that can be: a little behind now
	stamps    int
	upper     int // with AM or PM in capitals
	korean    int // with the half of the day in Korean
	separator rune
	readings  [orders]readAs
}

// readAs describes the dates as read in one order.
type readAs struct {
	wrong    int // not a day, or before WhatsApp, or in the future
	backward int // messages earlier than the message before them
	leaps    int // messages more than a day earlier
	some     bool
	last     int64
	min, max int64
}

func (c *calendar) add(s *stamp) {
	if c.stamps++; c.stamps == 1 {
		c.latest = c.now.AddDate(0, 0, 2)
	}
	c.separator = s.separator
	if s.upper {
		c.upper++
	}
	if s.koreanHalf {
		c.korean++
	}
	for o := range orders {
		at, ok := c.at(s, o)
		r := &c.readings[o]
		if !ok {
			r.wrong++
			continue
		}
		if r.some && at < r.last {
			r.backward++
			if at < r.last-leap {
				r.leaps++
			}
		}
		if !r.some {
			r.some, r.min, r.max = true, at, at
		}
		r.last, r.min, r.max = at, min(r.min, at), max(r.max, at)
	}
}

func (c *calendar) at(s *stamp, o order) (seconds int64, ok bool) {
	year, _, _, ok := s.day(o)
	if !ok || year < firstYear {
		return 0, false
	}
	at := s.time(o, time.UTC)
	return at.Unix(), at.Before(c.latest)
}

// order decides, and reports whether no other order fits the dates as well. A two-digit year first is too rare to count.
func (c *calendar) order() (best order, proven bool) {
	// If the dates leave it open, phone habits decide: in America the month comes first, with capitals and slashes.
	candidates := []order{dayFirst, monthFirst, yearFirst}
	if c.separator == '/' && 2*c.upper > c.stamps {
		candidates = []order{monthFirst, dayFirst, yearFirst}
	}
	if 2*c.korean > c.stamps {
		candidates = []order{yearFirst, dayFirst, monthFirst}
	}
	best = slices.MinFunc(candidates, func(a, b order) int {
		x, y := &c.readings[a], &c.readings[b]
		return cmp.Or(cmp.Compare(x.wrong, y.wrong), cmp.Compare(x.backward, y.backward), cmp.Compare(x.max-x.min, y.max-y.min))
	})
	proven = true
	for o := range orders {
		proven = proven && (o == best || o == yearFirst || c.readings[o].wrong > c.readings[best].wrong)
	}
	return best, proven
}
