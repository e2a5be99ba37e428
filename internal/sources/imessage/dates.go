package imessage

import "math"

const (
	// appleEpoch is 2001-01-01 UTC in seconds since 1970.
	appleEpoch = 978307200
	// Dates above this are nanoseconds. macOS wrote seconds before 10.13, and such rows stay unchanged.
	secondsLimit = 1e15
	second       = 1_000_000_000
)

// unixNanoseconds converts the date of any row to nanoseconds since 1970 UTC. Dates out of range are clamped.
func unixNanoseconds(apple int64) int64 {
	if apple <= secondsLimit && apple >= -secondsLimit {
		const most = math.MaxInt64/int64(second) - appleEpoch
		apple = max(min(apple, most), -most) * second
	}
	return min(apple, math.MaxInt64-appleEpoch*second) + appleEpoch*second
}
