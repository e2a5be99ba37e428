package sources_test

import (
	"testing"
	"time"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/sourcetest"
)

// The owner's address is empty, which does not make the owner unknown.
func TestReact_CountsWhatIsNotKept(t *testing.T) {
	t.Parallel()
	sink := &sourcetest.Sink{Chats: map[*sources.Chat]bool{}, Counts: map[sources.Fate]int64{}}
	to := &sources.Message{Chat: &sources.Chat{}, GUID: sources.Hashed("m"), Row: 7, Time: time.Unix(1_710_000_000, 0)}
	var seen sources.Seen
	for _, c := range []struct {
		to   *sources.Message
		with sources.Reaction
	}{
		{to, sources.Reaction{GUID: sources.Hashed("1"), Sender: messages.Owner, Known: true, Emoji: "👍"}},
		{to, sources.Reaction{GUID: sources.Hashed("2"), Sender: "ann", Known: true, Emoji: "👍", Time: time.Unix(1_710_000_060, 0)}},
		{to, sources.Reaction{GUID: sources.Hashed("2"), Sender: "ann", Known: true, Emoji: "👍"}},
		{to, sources.Reaction{GUID: sources.Hashed("3"), Sender: "ann", Known: true}},
		{to, sources.Reaction{GUID: sources.Hashed("4"), Emoji: "👍"}},
		{nil, sources.Reaction{Sender: "ann", Known: true, Emoji: "👍"}},
	} {
		if err := sources.React(sink, &seen, c.to, c.with); err != nil {
			t.Fatal(err)
		}
	}
	want := map[sources.Fate]int64{sources.Reactions: 2, sources.Duplicates: 1, sources.UnknownKind: 2, sources.LostTarget: 1}
	for fate, n := range want {
		if sink.Counts[fate] != n {
			t.Errorf("%v: %d, want %d", fate, sink.Counts[fate], n)
		}
	}
	if first, second := sink.Messages[0], sink.Messages[1]; first.Sender != messages.Owner || !first.Time.Equal(to.Time) || first.ReplyTo != to.GUID ||
		second.Sender != "ann" || second.Time.Unix() != 1_710_000_060 {
		t.Errorf("passed on are %+v", sink.Messages)
	}
}
