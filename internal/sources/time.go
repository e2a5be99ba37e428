package sources

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The formats of a time in a data file. Times without a zone are read in a given zone.
var timeForms = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999",
	"2006-01-02T15:04", "2006-01-02 15:04"}

// millisecondsFrom is the limit above which a number is milliseconds: as seconds it would be beyond the year 5000.
const millisecondsFrom = 100_000_000_000

// ParseTime parses a JSON value: a string, or seconds or milliseconds since 1970. A value that says that there is no date is the zero
// time: null, an empty text, 0, and the first instant of a calendar.
func ParseTime(value json.RawMessage, zone *time.Location) (time.Time, error) {
	at, err := parseTime(value, zone)
	if err != nil || at.IsZero() || at.Unix() == 0 {
		return time.Time{}, err
	}
	return checkYear(at)
}

// IsNoTime reports whether a text says that there is no date.
func IsNoTime(text string) bool {
	return strings.Trim(text, "0.:-/TZ+ ") == "" || text == "null" || strings.HasPrefix(text, "0001-01-01T00:00:00")
}

func parseTime(value json.RawMessage, zone *time.Location) (time.Time, error) {
	var text string
	if len(value) == 0 || string(value) == "null" {
		return time.Time{}, nil
	}
	if plain, is := plainString(value); is {
		text = plain
	} else if json.Unmarshal(value, &text) != nil {
		seconds, err := strconv.ParseFloat(string(value), 64)
		if err != nil || seconds != seconds || seconds > 1e15 || seconds < -1e15 {
			return time.Time{}, fmt.Errorf("%.40s is no time, such as \"2024-03-15T19:02:00Z\" or seconds since 1970", value)
		}
		if seconds >= millisecondsFrom {
			return time.UnixMilli(int64(seconds)).UTC(), nil
		}
		return time.UnixMicro(int64(seconds * 1e6)).UTC(), nil
	}
	if IsNoTime(text) {
		return time.Time{}, nil
	}
	if at, is := usualTime(text, zone); is {
		return at, nil
	}
	for _, form := range timeForms {
		if at, err := time.ParseInLocation(form, text, zone); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("%.40q is no time, such as \"2024-03-15T19:02:00Z\" or seconds since 1970", text)
}

// plainString returns a JSON string that has no escapes.
func plainString(value []byte) (text string, is bool) {
	last := len(value) - 1
	if last < 1 || value[0] != '"' || value[last] != '"' {
		return "", false
	}
	for _, c := range value[1:last] {
		if c < ' ' || c >= 0x7f || c == '\\' || c == '"' {
			return "", false
		}
	}
	return string(value[1:last]), true
}

// usualTime parses the forms that most programs write: 2024-03-15T19:02:03, with a space instead of the T, and with a Z behind it.
func usualTime(text string, zone *time.Location) (at time.Time, is bool) {
	const form = "2006-01-02T15:04:05"
	if len(text) == len(form)+1 && text[len(form)] == 'Z' && text[10] == 'T' {
		text, zone = text[:len(form)], time.UTC
	}
	if len(text) != len(form) || text[10] != 'T' && text[10] != ' ' {
		return at, false
	}
	var n [6]int // year, month, day, hour, minute, second
	field := 0
	for i := range len(text) {
		switch c := text[i]; {
		case c >= '0' && c <= '9' && form[i] >= '0' && form[i] <= '9':
			n[field] = 10*n[field] + int(c-'0')
		case i == 10 || c == form[i] && (c == '-' || c == ':'):
			field++
		default:
			return at, false
		}
	}
	if n[1] < 1 || n[1] > 12 || n[2] < 1 || n[2] > 28 || n[3] > 23 || n[4] > 59 || n[5] > 59 { // the last days of months are left to the general parser
		return at, false
	}
	return time.Date(n[0], time.Month(n[1]), n[2], n[3], n[4], n[5], 0, zone), true
}

// shifts are how far clocks are set back in autumn: half an hour on an island.
var shifts = []time.Duration{time.Hour, 30 * time.Minute}

// InOrder returns a local time that may occur twice, when clocks are set back, as the first of the two that is not before
// last, the time of the message before: the order of an export stands.
func InOrder(at, last time.Time) time.Time {
	if at.IsZero() {
		return at
	}
	wall := func(t time.Time) int64 {
		_, offset := t.Zone()
		return t.Unix() + int64(offset)
	}
	here := wall(at)
	same := func(other time.Time) bool { return wall(other) == here }
	for _, shift := range shifts {
		if earlier := at.Add(-shift); same(earlier) {
			at = earlier
			break
		}
	}
	if !at.Before(last) || last.Sub(at) > shifts[0] {
		return at
	}
	for _, shift := range shifts {
		if later := at.Add(shift); same(later) && !later.Before(last) {
			return later
		}
	}
	return at
}

// CheckDate rejects dates from before a program existed, and those in the future, unless the clock may be wrong by a day or two. There
// may be no date.
func CheckDate(at time.Time, program string, began int) error {
	const days = 2 * 24 * time.Hour
	switch {
	case at.IsZero():
	case at.Year() < began:
		return fmt.Errorf("the date %s cannot be: it is before there was %s", at.Format(time.RFC3339), program)
	case time.Until(at) > days:
		return fmt.Errorf("the date %s cannot be: it is in the future", at.Format(time.RFC3339))
	}
	return nil
}

// checkYear rejects times that nanoseconds since 1970 cannot represent.
func checkYear(at time.Time) (time.Time, error) {
	if year := at.Year(); year < 1700 || year > 2250 {
		return at, fmt.Errorf("the year %d is out of range", year)
	}
	return at, nil
}
