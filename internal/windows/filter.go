package windows

import (
	"slices"
	"time"

	"ventriloquist/internal/usererr"
)

// Filter says which conversations and messages become windows; its zero value takes all that can.
type Filter struct {
	// MinMessages is how many messages a conversation has at least.
	MinMessages int64
	// Only are people of whom one must take part in a conversation, if there are any; Exclude are people of whom none may.
	Only, Exclude []string
	// Since is the first moment of the messages that are taken, Until the first that are not; zero is no limit.
	Since, Until time.Time
	// Anonymous takes groups with people whom the contacts do not name. They are called Unknown 1, Unknown 2, … within a
	// conversation, and what they say is never a target.
	Anonymous bool
}

func (c *Filter) check() error {
	if !c.Since.IsZero() && !c.Until.IsZero() && !c.Since.Before(c.Until) {
		return usererr.Usage("no message is both since %s and until %s", c.Since.Format(time.DateOnly), c.Until.AddDate(0, 0, -1).Format(time.DateOnly))
	}
	return nil
}

// allowsMembers tells whether a conversation of these people is chosen.
func (c *Filter) allowsMembers(members []string) bool {
	contains := func(name string) bool { return slices.Contains(members, name) }
	return (len(c.Only) == 0 || slices.ContainsFunc(c.Only, contains)) && !slices.ContainsFunc(c.Exclude, contains)
}

// allowsDate tells whether a message of this date (ns since 1970) is chosen.
func (c *Filter) allowsDate(date int64) bool {
	return (c.Since.IsZero() || date >= c.Since.UnixNano()) && (c.Until.IsZero() || date < c.Until.UnixNano())
}
