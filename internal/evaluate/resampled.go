package evaluate

import (
	"ventriloquist/internal/evaluate/interval"
)

// observation is what a figure takes from one window: a sum over some of its values, and how many they are.
type observation struct {
	Window       int // in the source
	Conversation int
	Sum, Weight  float64
}

// fewestConversations is from how many conversations on they are drawn again rather than windows.
const fewestConversations = 10

// Resampling is what an interval takes as independent.
type Resampling struct {
	Resampled string `json:"resampled"` // "conversations" or "windows"
	Units     int    `json:"units"`     // how many of them
}

// units groups observations by conversation if there are enough of them, else by window: windows of one conversation resemble each
// other, but the interval of a few conversations would be of no use.
func units(list []observation) ([]interval.Unit, Resampling) {
	conversations := group(list, func(o *observation) int { return o.Conversation })
	if len(conversations) >= fewestConversations {
		return conversations, Resampling{"conversations", len(conversations)}
	}
	windows := group(list, func(o *observation) int { return o.Window })
	return windows, Resampling{"windows", len(windows)}
}

func group(list []observation, key func(o *observation) int) (units []interval.Unit) {
	index := make(map[int]int)
	for i := range list {
		at, seen := index[key(&list[i])]
		if !seen {
			at = len(units)
			index[key(&list[i])] = at
			units = append(units, interval.Unit{})
		}
		units[at].Sum += list[i].Sum
		units[at].Weight += list[i].Weight
	}
	return units
}

// share returns the interval of a share of which each observation has a part.
func share(list []observation) *interval.Interval {
	of, _ := units(list)
	return interval.Share(of)
}

// one returns 1 for true.
func one(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
