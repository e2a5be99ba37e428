package imessage

import (
	"cmp"
	"math"
	"slices"
	"strconv"

	"ventriloquist/internal/messages"
)

// edits is the content of message_summary_info for a message that was edited or unsent. Part numbers are the ones at the
// time of sending.
type edits struct {
	unsent   []int          // rp
	original int            // how many parts otr lists, 0 if unknown
	final    map[int][]byte // ec: the last text of each edited part, a typedstream
	history  []edit         // ec: all texts of the edited parts, each part's oldest first
}

// edit is one version of a part, with its date.
type edit struct {
	part, number int
	date         int64  // nanoseconds since 1970
	text         []byte // a typedstream
}

func readEdits(summary []byte) edits {
	info := decodePlist(summary)
	if info == nil {
		return edits{}
	}
	original, _ := info["otr"].(map[string]any)
	e := edits{original: len(original), final: map[int][]byte{}}
	unsent, _ := info["rp"].([]any)
	for _, part := range unsent {
		if number, ok := part.(uint64); ok {
			e.unsent = append(e.unsent, int(number))
		}
	}
	histories, _ := info["ec"].(map[string]any)
	for part, history := range histories {
		number, err := strconv.Atoi(part)
		versions, _ := history.([]any)
		if err != nil || len(versions) == 0 {
			continue
		}
		for n, v := range versions {
			version, _ := v.(map[string]any)
			if text, ok := version["t"].([]byte); ok {
				e.history = append(e.history, edit{part: number, number: n, date: editDate(version["d"]), text: text})
				if n == len(versions)-1 {
					e.final[number] = text
				}
			}
		}
	}
	slices.SortFunc(e.history, func(a, b edit) int { return cmp.Or(cmp.Compare(a.part, b.part), cmp.Compare(a.number, b.number)) })
	return e
}

// editDate converts d, seconds since 2001 with a fraction, to nanoseconds since 1970; 0 if d is not a date.
func editDate(d any) int64 {
	switch d := d.(type) {
	case float64:
		if whole := math.Trunc(d); math.Abs(d) < secondsLimit {
			return unixNanoseconds(int64(whole)) + int64((d-whole)*second)
		}
	case uint64:
		return unixNanoseconds(int64(min(d, math.MaxInt64)))
	case int64:
		return unixNanoseconds(d)
	}
	return 0
}

// left removes the unsent parts from the parts of a body and restores the part numbers from the time of sending.
// Messages usually removes unsent parts from the body itself. The number of parts shows where it has not, and where it
// has renumbered the rest.
func (e *edits) left(parts []messages.Part) []messages.Part {
	if len(e.unsent) == 0 {
		return parts
	}
	numbers := partNumbers(parts)
	stale := slices.ContainsFunc(numbers, func(n int) bool { return slices.Contains(e.unsent, n) })
	if !stale {
		return parts
	}
	if e.original > 0 && len(numbers) <= e.original-len(e.unsent) {
		return e.renumber(parts, numbers)
	}
	return slices.DeleteFunc(parts, func(p messages.Part) bool { return slices.Contains(e.unsent, p.Number) })
}

// renumber assigns the numbers that are not unsent to the parts, in order.
func (e *edits) renumber(parts []messages.Part, numbers []int) []messages.Part {
	sent := make(map[int]int)
	next := 0
	for _, number := range numbers {
		for slices.Contains(e.unsent, next) {
			next++
		}
		sent[number] = next
		next++
	}
	for i := range parts {
		parts[i].Number = sent[parts[i].Number]
	}
	return parts
}

// partNumbers returns each part number once, in the order of the body.
func partNumbers(parts []messages.Part) []int {
	var numbers []int
	for _, p := range parts {
		if !slices.Contains(numbers, p.Number) {
			numbers = append(numbers, p.Number)
		}
	}
	return numbers
}
