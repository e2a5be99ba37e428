package terminal

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Bytes formats a number of bytes: B, KiB, MiB or GiB.
func Bytes(n uint64) string {
	const rounded = 1023.95 // what would be written as 1024.0 is 1.0 of the next unit
	switch {
	case float64(n) >= rounded*(1<<20):
		return fmt.Sprintf("%.2f GiB", float64(n)/(1<<30))
	case float64(n) >= rounded*(1<<10):
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d B", n)
}

// Count formats a number with a comma between thousands.
func Count(n int64) string {
	digits := strconv.FormatInt(n, 10)
	first := 0
	if n < 0 {
		first = 1
	}
	for at := len(digits) - 3; at > first; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}

// Quantity formats a number of things: 1 message, 3,717 messages.
func Quantity[N int | int64](n N, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return Count(int64(n)) + " " + plural(thing)
}

// plural returns the plural of a noun, or of several words that end in one.
func plural(thing string) string {
	switch {
	case strings.HasSuffix(thing, "person"):
		return strings.TrimSuffix(thing, "person") + "people"
	case strings.HasSuffix(thing, "body"):
		return strings.TrimSuffix(thing, "y") + "ies"
	}
	return thing + "s"
}

// Amount formats a number of units.
func Amount(n int64, unit Unit) string {
	if unit == ByteUnit {
		return Bytes(uint64(max(n, 0)))
	}
	return Count(n)
}

// Rate formats a number of units per second.
func Rate(perSecond float64, unit Unit) string {
	if unit == ByteUnit {
		return Bytes(uint64(max(perSecond, 0))) + "/s"
	}
	number := Count(int64(math.Round(perSecond)))
	if perSecond < 10 {
		number = strconv.FormatFloat(perSecond, 'f', 1, 64)
	}
	return fmt.Sprintf("%s %s/s", number, unit)
}

// Duration formats a duration in its two largest units, in whole seconds: 34s, 16m 34s, 7h 07m, 3d 04h.
func Duration(d time.Duration) string {
	seconds := int64(max(d, 0) / time.Second)
	minutes, hours := seconds/60, seconds/3600
	switch {
	case minutes == 0:
		return fmt.Sprintf("%ds", seconds)
	case hours == 0:
		return fmt.Sprintf("%dm %02ds", minutes, seconds%60)
	case hours < 48:
		return fmt.Sprintf("%dh %02dm", hours, minutes%60)
	}
	return fmt.Sprintf("%sd %02dh", Count(hours/24), hours%24)
}
