package main

import (
	"slices"
	"time"

	"github.com/urfave/cli/v3"

	"ventriloquist/internal/people"
	"ventriloquist/internal/usererr"
	"ventriloquist/internal/windows"
)

// choiceFlags say which conversations and messages become windows.
type choiceFlags struct {
	minMessages   int
	only, exclude []string
	since, until  string
	unlisted      string
}

// What --groups-with-unlisted may be.
const (
	skipUnlisted      = "skip"
	anonymousUnlisted = "anonymous"
)

func (c *choiceFlags) flags() []cli.Flag {
	return []cli.Flag{
		&cli.IntFlag{Name: "min-messages", Usage: "leave out conversations with fewer messages", Destination: &c.minMessages},
		&cli.StringSliceFlag{Name: "only", Usage: "take only conversations with this person (again for more people)", Destination: &c.only},
		&cli.StringSliceFlag{Name: "exclude", Usage: "leave out conversations with this person (again for more people)", Destination: &c.exclude},
		&cli.StringFlag{Name: "since", Usage: "leave out messages before this day, such as 2020-01-31 (UTC)", Destination: &c.since},
		&cli.StringFlag{Name: "until", Usage: "leave out messages after this day (UTC)", Destination: &c.until},
		&cli.StringFlag{Name: "groups-with-unlisted", Value: skipUnlisted, Destination: &c.unlisted,
			Usage: "groups with people who are not in the contacts: skip them, or take them as anonymous, called Unknown 1, … and never learned from"},
	}
}

// choice reads the flags; the names are checked later, by checkNames.
func (c *choiceFlags) choice() (windows.Filter, error) {
	choice := windows.Filter{MinMessages: int64(c.minMessages), Only: c.only, Exclude: c.exclude}
	if c.minMessages < 0 {
		return choice, usererr.Usage("--min-messages is %d", c.minMessages)
	}
	var err error
	if choice.Since, err = parseDay("--since", c.since); err != nil {
		return choice, err
	}
	if choice.Until, err = parseDay("--until", c.until); err != nil {
		return choice, err
	}
	if !choice.Until.IsZero() {
		choice.Until = choice.Until.AddDate(0, 0, 1)
	}
	switch c.unlisted {
	case skipUnlisted, "":
	case anonymousUnlisted:
		choice.Anonymous = true
	default:
		return choice, usererr.Usage("--groups-with-unlisted is %q: it is %s or %s", c.unlisted, skipUnlisted, anonymousUnlisted)
	}
	return choice, nil
}

func parseDay(flag, day string) (time.Time, error) {
	if day == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return t, usererr.Usage("%s is %q, not a day such as 2020-01-31", flag, day)
	}
	return t, nil
}

// checkNames refuses people who are in no conversation that could be taken.
func (c *choiceFlags) checkNames(book *people.Book, file string) error {
	for _, name := range append(slices.Clone(c.only), c.exclude...) {
		if !slices.Contains(book.Names(), name) {
			return usererr.With(usererr.Usage("%q is not in %s", name, file), "`vqctl contacts` lists the names")
		}
	}
	return nil
}
