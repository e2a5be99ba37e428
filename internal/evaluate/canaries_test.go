package evaluate

import (
	"context"
	"strings"
	"testing"

	"ventriloquist/internal/canary"
)

// A model that finds a sentence likelier than all others ranks it first, and one that does not know it, last.
func TestSet_CanariesByRank(t *testing.T) {
	t.Parallel()
	set := newSet(t, openConversations(t, []string{"Ada", "Ben"}, message("Ada", "x")), 1<<20)
	f := &canary.File{Seed: 1, Canaries: []canary.Canary{
		{Text: "aaa", Times: 1, Type: "dm", Members: []string{"Ada", "Ben"}, Name: "Ada", Start: "2024-03-15"},
		{Text: strings.Repeat("q", 200), Times: 2, Type: "dm", Members: []string{"Ada", "Ben"}, Name: "Ben", Start: "2024-03-15"},
	}}
	r, err := set.Canaries(context.Background(), &styles{letters: map[string]string{"Ada": "a"}}, f, func(_, _ int64) {})
	if err != nil || len(r.ByTimes) != 2 || r.ByTimes[0].Exposure != 8 || r.ByTimes[1].Exposure != 0 {
		t.Fatalf("%+v (%v)", r, err)
	}
}
