package sources

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// The formats of a time in a data file. Times without a zone are read in a given zone.
var timeForms = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999",
	"2006-01-02T15:04", "2006-01-02 15:04"}

// millisecondsFrom is the limit above which a number is milliseconds: as seconds it would be beyond the year 5000.
const millisecondsFrom = 100_000_000_000

// ParseTime parses a JSON value: a string, or seconds or milliseconds since 1970.
func ParseTime(value json.RawMessage, zone *time.Location) (time.Time, error) {
	var text string
	if len(value) == 0 {
		return time.Time{}, errors.New("there is none")
	}
	if json.Unmarshal(value, &text) != nil {
		seconds, err := strconv.ParseFloat(string(value), 64)
		if err != nil || seconds != seconds || seconds > 1e15 || seconds < -1e15 {
			return time.Time{}, fmt.Errorf("%.40s is no time, such as \"2024-03-15T19:02:00Z\" or seconds since 1970", value)
		}
		if seconds >= millisecondsFrom {
			return checkYear(time.UnixMilli(int64(seconds)).UTC())
		}
		return checkYear(time.UnixMicro(int64(seconds * 1e6)).UTC())
	}
	for _, form := range timeForms {
		if at, err := time.ParseInLocation(form, text, zone); err == nil {
			return checkYear(at)
		}
	}
	return time.Time{}, fmt.Errorf("%.40q is no time, such as \"2024-03-15T19:02:00Z\" or seconds since 1970", text)
}

// shifts are how far clocks are set back in autumn: half an hour on an island.
var shifts = []time.Duration{time.Hour, 30 * time.Minute}

// InOrder returns a local time that may occur twice, when clocks are set back, as the first of the two that is not before
// last, the time of the message before: the order of an export stands.
func InOrder(at, last time.Time) time.Time {
	const wall = "2006-01-02T15:04:05.999999999"
	same := func(other time.Time) bool { return other.Format(wall) == at.Format(wall) }
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

// checkYear rejects times that nanoseconds since 1970 cannot represent.
func checkYear(at time.Time) (time.Time, error) {
	if year := at.Year(); year < 1700 || year > 2250 {
		return at, fmt.Errorf("the year %d is out of range", year)
	}
	return at, nil
}
