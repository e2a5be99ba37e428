package messages_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"sort"
	"strings"
	"testing"

	"ventriloquist/internal/messages"
)

// forgetting is a care in which +2 and x@2 were forgotten, and "secret" is redacted.
func forgetting() (*messages.PrivacySettings, *messages.Policy) {
	care := &messages.PrivacySettings{Secret: []byte("s"), Region: "US", Kinds: "key", Forgotten: map[string]int64{"digest of +2": 1, "digest of x@2": 1}}
	return care, &messages.Policy{
		Text: func(s string) string { return strings.ReplaceAll(s, "secret", "[key]") },
		StandIn: func(address string) string {
			switch address {
			case "+2", "x@2", messages.ForgottenName(1):
				return messages.ForgottenName(1)
			}
			return ""
		},
	}
}

// randomHistory are entries of a few conversations, some of them with whom forgetting forgets.
func randomHistory(random *rand.Rand) func(*messages.Tx) error {
	type chat struct {
		group   bool
		members []messages.Member
	}
	chats := []chat{{false, messages.Members("+1")}, {false, messages.Members("+2")}, {false, messages.Members("x@2")}, {true, messages.Members("+1", "+2")},
		{true, messages.Members("+1", "+3", "x@2")}, {true, messages.Members("+2", "x@2")}, {true, []messages.Member{{Address: "+2", Absent: true}, {Address: "+1"}}}}
	type item struct {
		chat int
		entry
	}
	var items []item
	for i := range 5 + random.IntN(40) {
		chat := random.IntN(len(chats))
		senders := []string{messages.Owner}
		for _, m := range chats[chat].members {
			senders = append(senders, m.Address)
		}
		e := entry{Row: int64(i + 1), GUID: fmt.Sprint("g", i), Date: int64(i), Sender: senders[random.IntN(len(senders))],
			Text: fmt.Sprintf("text %d of a secret", i), TargetPart: messages.WholeMessage}
		switch random.IntN(6) {
		case 0:
			e.Kind, e.Attachment, e.Text = messages.Image, fmt.Sprint("at", i), fmt.Sprintf("secret%d.jpg", i)
			e.File = messages.FilePlace{Root: "/root", Path: "folder/" + e.Text}
			if i%2 == 0 {
				e.Text, e.File.Path = fmt.Sprintf("IMG_%d.jpg", i), []string{"a/b", "a/secret.jpg"}[i/2%2]
			}
		case 1:
			e.TargetGUID = fmt.Sprint("g", random.IntN(i+1))
		case 2:
			e.TargetGUID, e.Kind, e.Text = fmt.Sprint("g", random.IntN(i+1)), messages.Reaction, "Loved"
		case 3:
			e.TargetGUID, e.Kind, e.Text, e.Removal = fmt.Sprint("g", random.IntN(i+1)), messages.Reaction, "Loved", true
		}
		items = append(items, item{chat, e})
	}
	return func(tx *messages.Tx) error {
		source, err := tx.Source("a source", messages.Whole)
		if err != nil {
			return err
		}
		for _, it := range items {
			chat, err := tx.Conversation(source, chats[it.chat].group, chats[it.chat].members)
			if err != nil {
				return err
			}
			e := it.entry
			row := messages.Row{Source: source, Chat: chat, Row: e.Row, GUID: e.GUID, Date: e.Date, Sender: e.Sender, TargetGUID: e.TargetGUID, TargetPart: e.TargetPart,
				Removal: e.Removal, Parts: []messages.Part{{Kind: e.Kind, Text: e.Text, Attachment: e.Attachment, File: e.File}}}
			if it.Kind == messages.Text {
				row.Versions = []messages.Version{{Text: "earlier secret"}}
			}
			event := messages.Row{Source: source, Chat: chat, GUID: "e" + e.GUID, Event: &messages.Event{Kind: "renamed", Actor: it.Sender, Text: "secret group"}}
			for _, r := range []*messages.Row{&row, &event} {
				if _, err := tx.Put(r); err != nil {
					return err
				}
			}
		}
		return nil
	}
}

// told is all that a store tells, and the facts beside.
func told(t *testing.T, db *messages.DB) []string {
	t.Helper()
	r, err := db.Reader(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	conversations, err := r.Conversations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, c := range conversations {
		members := slices.Clone(c.Members)
		sort.Slice(members, func(i, j int) bool { return members[i].Address < members[j].Address })
		members = slices.Compact(members)
		err := r.WindowMessages(t.Context(), []messages.Conversation{c}, func(m *messages.WindowMessage) error {
			list = append(list, fmt.Sprint(c.Group, members, *m))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, query := range []string{`SELECT guid || text FROM version`, `SELECT guid || actor || text FROM event`, `SELECT guid || coalesce(path, '-') FROM attachment`} {
		rows, err := db.SQL().Query(query)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var s string
			if err := rows.Scan(&s); err != nil {
				t.Fatal(err)
			}
			list = append(list, s)
		}
	}
	sort.Strings(list)
	return list
}

func without(list, others []string) (rest []string) {
	for _, s := range list {
		if !slices.Contains(others, s) {
			rest = append(rest, s)
		}
	}
	return rest
}

// Who is forgotten afterwards leaves what is left when they were forgotten before, and a later collect changes nothing.
func TestForget_IsAsIfTheyHadNeverBeenCollected(t *testing.T) {
	for seed := range uint64(12) {
		fill := randomHistory(rand.New(rand.NewPCG(seed, 2)))
		care, policy := forgetting()
		after, before := create(t), create(t)
		if _, err := after.Collect(t.Context(), false, fill); err != nil {
			t.Fatal(err)
		}
		if _, err := after.Forget(t.Context(), care, policy.StandIn, policy.Text); err != nil {
			t.Fatal(err)
		}
		if err := before.Redact(t.Context(), care, policy.Text); err != nil {
			t.Fatal(err)
		}
		before.SetPolicy(policy)
		outcome, err := before.Collect(t.Context(), false, fill)
		if err != nil {
			t.Fatal(err)
		}
		want := told(t, before)
		if got := told(t, after); !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d: forgotten afterwards, only there: %q; before: %q", seed, without(got, want), without(want, got))
		}
		all := strings.Join(want, "\n")
		if strings.Contains(all, "secret") || strings.Contains(all, "+2") || strings.Contains(all, "x@2") {
			t.Fatalf("seed %d: something is left in\n%s", seed, all)
		}
		after.SetPolicy(policy)
		again, err := after.Collect(t.Context(), false, fill)
		if err != nil {
			t.Fatal(err)
		}
		if got := told(t, after); !reflect.DeepEqual(got, want) || again.Forgotten != outcome.Forgotten {
			t.Fatalf("seed %d: collected again, only there: %q; wanted: %q", seed, without(got, want), without(want, got))
		}
	}
}

func TestCollect_NeedsThePolicyOfTheFile(t *testing.T) {
	db := create(t)
	care, policy := forgetting()
	if err := db.Redact(t.Context(), care, policy.Text); err != nil {
		t.Fatal(err)
	}
	fill := func(*messages.Tx) error { return nil }
	if _, err := db.Collect(t.Context(), false, fill); err == nil || !strings.Contains(err.Error(), "keeps redacted") {
		t.Errorf("error is %v", err)
	}
	db.SetPolicy(policy)
	if _, err := db.Collect(t.Context(), false, fill); err != nil {
		t.Error(err)
	}
	kept, err := db.PrivacySettings(t.Context())
	if err != nil || !reflect.DeepEqual(kept, care) {
		t.Errorf("care is %+v (%v), want %+v", kept, err, care)
	}
}

// A new column for text must be redacted, or said here to hold nothing that anybody wrote.
func TestRedact_KnowsAllColumnsOfText(t *testing.T) {
	db := create(t)
	known := map[string]bool{}
	for _, c := range []string{"message.text", "attachment.transcript", "attachment_descriptions.description", "version.text", "event.text", "attachment.path", "chat.name",
		"training_messages.text", "training_messages.reply_to", "unresolved.guid", "collected.key", "collected.summary", "collected_source.key"} { // redacted, or emptied
		known[c] = true
	}
	for _, c := range []string{"handle.address", "handle.name", "source.name", "message.guid", "attachment.guid",
		"attachment_descriptions.attachment_guid", "attachment_descriptions.status", "attachment_descriptions.model", "attachment_descriptions.content_hash",
		"attachment_descriptions.error", "attachment_root.path", "event.guid", "event.kind", "event.actor", "event.subject", "version.guid",
		"own_address.address", "own_address.place", "source_state.state", "address_person.address", "address_person.person", "care.secret", "care.region", "care.kinds",
		"forgotten.digest", "retracted.guid", "training_conversations.members", "training_messages.name", "training_messages.content_type", "output.path",
		"last_run.command", "last_run.flags"} { // flags name people and files; forget empties them
		known[c] = true
	}
	rows, err := db.SQL().Query(`SELECT m.name || '.' || c.name FROM sqlite_master m, pragma_table_info(m.name) c
		WHERE m.type = 'table' AND c.type NOT IN ('INTEGER', 'REAL') AND m.name NOT LIKE 'sqlite_%'`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var column string
		if err := rows.Scan(&column); err != nil {
			t.Fatal(err)
		}
		if !known[column] {
			t.Errorf("may people's words stand in %s of %s?", column, filepath.Base(db.Path()))
		}
	}
}
