package main

import (
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"ventriloquist/internal/people"
	"ventriloquist/internal/usererr"
	"ventriloquist/internal/windows"
)

// filterFlags are the flags that select conversations and messages.
type filterFlags struct {
	minMessages   int
	only, exclude []string
	since, until  string
	unlisted      string
}

// The values of --groups-with-unlisted.
const (
	skipUnlisted      = "skip"
	anonymousUnlisted = "anonymous"
)

func (c *filterFlags) flags() []cli.Flag {
	return inGroup(filterGroup,
		&cli.IntFlag{Name: "min-messages", Usage: "skip conversations with fewer than `N` messages", Destination: &c.minMessages},
		&cli.StringSliceFlag{Name: "only", Usage: "include only conversations with the person `NAME` (repeatable)", Destination: &c.only},
		&cli.StringSliceFlag{Name: "exclude", Usage: "exclude conversations with the person `NAME` (repeatable)", Destination: &c.exclude},
		&cli.StringFlag{Name: "since", Usage: "skip messages before this `DATE`: 2020, 2020-05 or 2020-05-31 (UTC)", Destination: &c.since},
		&cli.StringFlag{Name: "until", Usage: "skip messages after this `DATE`: the end of 2020, 2020-05 or 2020-05-31 (UTC)", Destination: &c.until},
		&cli.StringFlag{Name: "groups-with-unlisted", Value: skipUnlisted, Destination: &c.unlisted,
			Usage: "`MODE`: groups with people who are not in the contacts: skip, or anonymous (include them as Unknown 1, …, never as targets)"})
}

// filter reads the flags; the names are checked later, by resolveNames.
func (c *filterFlags) filter() (windows.Filter, error) {
	filter := windows.Filter{MinMessages: int64(c.minMessages), Only: c.only, Exclude: c.exclude}
	if c.minMessages < 0 {
		return filter, usererr.Usage("--min-messages is %d, must not be negative", c.minMessages)
	}
	var err error
	if filter.Since, _, err = parsePeriod("--since", c.since); err != nil {
		return filter, err
	}
	if _, filter.Until, err = parsePeriod("--until", c.until); err != nil {
		return filter, err
	}
	if !filter.Since.IsZero() && !filter.Until.IsZero() && !filter.Since.Before(filter.Until) {
		return filter, usererr.Usage("--since %s is after --until %s", c.since, c.until)
	}
	switch c.unlisted {
	case skipUnlisted, "":
	case anonymousUnlisted:
		filter.Anonymous = true
	default:
		return filter, usererr.Usage("--groups-with-unlisted is %q: it is %s or %s", c.unlisted, skipUnlisted, anonymousUnlisted)
	}
	return filter, nil
}

// periodForms are the forms of a date, and the time from the beginning to the end of what each names.
var periodForms = []struct {
	layout              string
	years, months, days int
}{{"2006", 1, 0, 0}, {"2006-01", 0, 1, 0}, {time.DateOnly, 0, 0, 1}}

// parsePeriod parses a year, a month or a day, and returns when it begins and when it has ended; zero times for "".
func parsePeriod(flag, text string) (begin, end time.Time, err error) {
	if text == "" {
		return begin, end, nil
	}
	for _, form := range periodForms {
		if begin, err = time.Parse(form.layout, strings.TrimSpace(text)); err == nil {
			return begin, begin.AddDate(form.years, form.months, form.days), nil
		}
	}
	return begin, end, usererr.With(usererr.Usage("%s is %q, which is no date", flag, text), "write a year, a month or a day: 2020, 2020-05 or 2020-05-31")
}

// resolveNames gives the names of --only and --exclude the case of the contacts file, and returns an error if it lacks one.
func (c *filterFlags) resolveNames(filter *windows.Filter, book *people.Book, file string) (err error) {
	resolve := func(given []string) (list []string) {
		for _, one := range given {
			name, found := usererr.Match(one, book.Names())
			if !found && err == nil {
				err = people.NoSuchPerson(one, book.Names(), "`vqctl contacts` lists the names in "+file)
			}
			list = append(list, name)
		}
		return list
	}
	filter.Only, filter.Exclude = resolve(c.only), resolve(c.exclude)
	return err
}
