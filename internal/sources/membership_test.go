package sources_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
)

// Members are those of the time: who joined later is no member yet, who left still is one, and who wrote was one.
func TestMembership_Periods(t *testing.T) {
	t.Parallel()
	at := func(second int) time.Time { return time.Unix(int64(second), 0) }
	for name, c := range map[string]struct {
		fill func(m *sources.Membership)
		want []string
	}{
		"Nothing": {func(m *sources.Membership) { m.Today("b"); m.Today("a") }, []string{"forever: a b"}},
		"Joined":  {func(m *sources.Membership) { m.Today("a"); m.Today("b"); m.Joined(at(5), 50, "b") }, []string{"5/49: a", "forever: a b"}},
		"Left":    {func(m *sources.Membership) { m.Today("a"); m.Left(at(5), 50, "b") }, []string{"5/49: a b", "forever: a"}},
		"LeftUnrecorded": {func(m *sources.Membership) {
			m.Today("a")
			m.Wrote(at(3), 30, "b")
			m.Wrote(at(4), 40, "b")
			m.Wrote(at(9), 90, "a")
		}, []string{"4/40: a b", "forever: a"}},
		"JoinedAgain": {func(m *sources.Membership) {
			m.Today("a")
			m.Today("b")
			m.Left(at(5), 50, "b")
			m.Joined(at(7), 70, "b")
		}, []string{"5/49: a b", "7/69: a", "forever: a b"}},
		"LostDeparture": {func(m *sources.Membership) {
			m.Today("b")
			m.Joined(at(7), 70, "b")
			m.Wrote(at(3), 30, "b")
			m.Wrote(at(8), 80, "b")
		}, []string{"3/30: b", "7/69: ", "forever: b"}},
		"SeveralAtOnce": {func(m *sources.Membership) {
			m.Today("a")
			m.Today("b")
			m.Joined(at(5), 50, "a")
			m.Joined(at(5), 50, "b")
		}, []string{"5/49: ", "forever: a b"}},
		"ToldTwice": {func(m *sources.Membership) { m.Today("a"); m.Joined(at(5), 50, "a"); m.Joined(at(6), 60, "a") }, []string{"6/59: ", "forever: a"}},
	} {
		var m sources.Membership
		c.fill(&m)
		var got []string
		for _, p := range m.Periods() {
			end := "forever"
			if p.UntilDate != messages.Forever {
				end = fmt.Sprintf("%d/%d", p.UntilDate/int64(time.Second), p.UntilRow)
			}
			var who []string
			for _, member := range p.Members {
				who = append(who, member.Address)
			}
			got = append(got, end+": "+strings.Join(who, " "))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
