package windows

import (
	"slices"
	"time"

	"ventriloquist/internal/usererr"
)

// Filter selects the conversations and messages that become windows. Its zero value selects all.
type Filter struct {
	// MinMessages is the minimum number of messages in a conversation.
	MinMessages int64
	// Unless Only is empty, one of its people must take part in a conversation; nobody in Exclude may.
	Only, Exclude []string
	// Messages are selected from Since up to but not including Until; a zero time is no limit.
	Since, Until time.Time
	// Anonymous selects groups with people whom the contacts do not list. They are named Unknown 1, Unknown 2, … within a
	// conversation, and their messages are never targets.
	Anonymous bool
}

func (c *Filter) check() error {
	if !c.Since.IsZero() && !c.Until.IsZero() && !c.Since.Before(c.Until) {
		return usererr.Usage("no message is both since %s and until %s", c.Since.Format(time.DateOnly), c.Until.AddDate(0, 0, -1).Format(time.DateOnly))
	}
	return nil
}

// allowsMembers reports whether the filter selects a conversation of these people.
func (c *Filter) allowsMembers(members []string) bool {
	contains := func(name string) bool { return slices.Contains(members, name) }
	return (len(c.Only) == 0 || slices.ContainsFunc(c.Only, contains)) && !slices.ContainsFunc(c.Exclude, contains)
}

// allowsDate reports whether the filter selects a message of this date (nanoseconds since 1970).
func (c *Filter) allowsDate(date int64) bool {
	return (c.Since.IsZero() || date >= c.Since.UnixNano()) && (c.Until.IsZero() || date < c.Until.UnixNano())
}
