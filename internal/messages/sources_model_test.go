package messages_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/messages/messagestest"
)

// model is what several sources hold, told in the simplest way.
type model struct {
	held    map[string]map[string]bool // by source: the identifiers it is known to hold
	content map[string]entry           // by identifier: the copy read last
}

// collect is a collection of one source, whole or of a span.
func (m *model) collect(source string, extent messages.Extent, entries []entry) {
	held := map[string]bool{}
	for _, e := range entries {
		held[e.GUID] = true
	}
	if extent == messages.Span {
		for guid := range m.held[source] {
			at := m.content[guid].Date
			if len(entries) == 0 || at <= entries[0].Date || at >= entries[len(entries)-1].Date {
				held[guid] = true
			}
		}
	}
	m.held[source] = held
	for _, e := range entries {
		m.content[e.GUID] = e
	}
}

// lines are what a store should hold, in order.
func (m *model) lines() []string {
	all := map[string]bool{}
	for _, held := range m.held {
		maps.Copy(all, held)
	}
	var entries []entry
	for guid := range all {
		entries = append(entries, m.content[guid])
	}
	slices.SortFunc(entries, func(a, b entry) int { return int(a.Date - b.Date) })
	var lines []string
	for _, e := range entries {
		lines = append(lines, e.GUID+" "+e.Text)
	}
	return lines
}

// Whatever is collected in whatever order, the store holds what the sources hold, each message once.
func TestSources_RandomHistories(t *testing.T) {
	extents := map[string]messages.Extent{"mac": messages.Whole, "phone": messages.Whole, "chat": messages.Span, "other": messages.Span}
	names := slices.Sorted(maps.Keys(extents))
	for seed := range uint64(10) {
		random := rand.New(rand.NewPCG(seed, 1))
		db := create(t)
		m := model{held: map[string]map[string]bool{}, content: map[string]entry{}}
		for step := range 10 {
			source := names[random.IntN(len(names))]
			from, to := random.Int64N(20), 10+random.Int64N(20)
			var entries []entry
			for at := from; at < to; at++ {
				if random.IntN(4) > 0 {
					entries = append(entries, said(fmt.Sprint("m", at), at, fmt.Sprint("text ", at, " ", random.IntN(3))))
				}
			}
			outcome := collect(t, db, source, extents[source], false, entries...)
			before := len(m.lines())
			m.collect(source, extents[source], entries)
			got := messagestest.Rows(t, db, `SELECT guid || ' ' || text FROM message WHERE kind < 9 AND state & 3 = 0 ORDER BY date`)
			if n := len(read(t, db, nil)); n != len(got) {
				t.Fatalf("seed %d, step %d: %d messages are read, %d are shown", seed, step, n, len(got))
			}
			if want := m.lines(); !slices.Equal(got, want) {
				t.Fatalf("seed %d, step %d: after %s the store holds\n%s\nwant\n%s", seed, step, source, strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			if int64(before-len(m.lines())) > outcome.Gone {
				t.Errorf("seed %d, step %d: %d rows are told to be gone, of %d messages %d are left", seed, step, outcome.Gone, before, len(m.lines()))
			}
		}
		db.Close()
	}
}
