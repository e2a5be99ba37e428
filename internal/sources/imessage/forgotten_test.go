package imessage_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/messages/messagestest"
	"ventriloquist/internal/sources"
)

// stages are the policies of a file over time: first nothing is kept out, then values are redacted, then people are
// forgotten and more is redacted.
func stages() []*messages.Policy {
	nobody := func(string) string { return "" }
	some := func(address string) string {
		if address == "mary@x.org" || strings.HasSuffix(address, "3") || address == messages.ForgottenName(1) {
			return messages.ForgottenName(1)
		}
		return ""
	}
	return []*messages.Policy{nil, {Text: strings.NewReplacer("7", "[seven]").Replace, StandIn: nobody},
		{Text: strings.NewReplacer("7", "[seven]", "late", "[soon]").Replace, StandIn: some}}
}

// enter makes a file enter a stage, the way the commands redact and forget do.
func enter(t *testing.T, db *messages.DB, stage int) {
	t.Helper()
	policy := stages()[stage]
	settings := &messages.PrivacySettings{Secret: []byte("secret"), Kinds: "phone", Forgotten: map[string]int64{}}
	var err error
	if stage == 1 {
		err = db.Redact(t.Context(), settings, policy.Text)
	} else {
		_, err = db.Forget(t.Context(), settings, policy.StandIn, policy.Text)
	}
	if err != nil {
		t.Fatal(err)
	}
	db.SetPolicy(policy)
}

// When values are redacted and people are forgotten between two collects, the second one reads what has changed, and
// leaves what a first one would leave.
func TestRandomHistories_RedactedAndForgottenInBetween(t *testing.T) {
	t.Parallel()
	read, total := int64(0), int64(0)
	for seed := range histories() {
		l := newLife(t, uint64(seed)+1000)
		db := fresh(t)
		collectInto(t, l.path, db, sources.Options{})
		stage := 0
		for step := range 6 {
			l.log = append(l.log, "-- collected")
			if step == 2 || step == 3+seed%2 {
				stage = min(stage+1+seed%2, 2)
				enter(t, db, stage)
				l.log = append(l.log, fmt.Sprint("-- stage ", stage))
			}
			if step != 4 {
				l.change(func() {
					for range l.rng.IntN(5) {
						l.happen()
					}
				})
			}
			again := collectInto(t, l.path, db, sources.Options{})
			afresh := fresh(t)
			afresh.SetPolicy(stages()[stage])
			want := collectInto(t, l.path, afresh, sources.Options{})
			read, total = read+again.summary.Read, total+again.summary.Total
			if again.summary.Forgotten != want.summary.Forgotten {
				t.Errorf("%d messages stayed out, want %d", again.summary.Forgotten, want.summary.Forgotten)
			}
			if !sameCollection(t, db, afresh, &again, &want) {
				t.Fatalf("seed %d, step %d, after\n%s", seed, step, strings.Join(l.log, "\n"))
			}
			for _, address := range messagestest.Rows(t, db, `SELECT address FROM handle`) {
				if stage == 2 && stages()[2].StandIn(address) != "" && address != messages.ForgottenName(1) {
					t.Fatalf("seed %d, step %d: the address %s returned", seed, step, address)
				}
			}
			afresh.Close()
		}
		db.Close()
		os.RemoveAll(filepath.Dir(l.path))
	}
	if read > total*3/4 {
		t.Errorf("%d of %d rows were read", read, total)
	}
}
