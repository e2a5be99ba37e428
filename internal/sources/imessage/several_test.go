package imessage_test

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/imessage"
	"ventriloquist/internal/sources/imessage/chatdb"
)

// databases are the databases of one owner: a Mac's, an old backup of it that has a life of its own, and another phone's.
type databases struct {
	mac, backup, phone *life
	policy             *messages.Policy
	options            sources.Options
	again, whole       *messages.DB
	held               map[*life]string    // the rows of each when it was last collected
	last               map[*life]collected // and what came of it
}

func newDatabases(t *testing.T, seed uint64) *databases {
	s := &databases{mac: newLife(t, seed), phone: newLife(t, seed+1<<32), again: fresh(t), whole: fresh(t), held: map[*life]string{}, last: map[*life]collected{}}
	if seed%4 == 3 {
		s.options.Include, _ = imessage.ParseInclude("all")
	}
	if seed%3 == 1 {
		hide := strings.NewReplacer("7", "[seven]", "at last", "[late]")
		s.policy = &messages.Policy{Text: hide.Replace, StandIn: func(address string) string {
			if address == "mary@x.org" || strings.HasSuffix(address, "3") {
				return "forgotten 1"
			}
			return ""
		}}
	}
	s.again.SetPolicy(s.policy)
	s.whole.SetPolicy(s.policy)
	s.backUp(t)
	return s
}

// backUp makes a backup of the Mac, in the place of the one before.
func (s *databases) backUp(t *testing.T) {
	t.Helper()
	data, err := os.ReadFile(s.mac.path)
	if err != nil {
		t.Fatal(err)
	}
	if s.backup == nil {
		s.backup = &life{history: &history{t: t, path: filepath.Join(t.TempDir(), "sms.db")}, rng: rand.New(rand.NewPCG(s.mac.rng.Uint64(), 9))}
	}
	old := *s.backup
	*s.backup = *s.mac
	h := *s.mac.history
	h.path, s.backup.history, s.backup.rng = old.path, &h, old.rng
	s.backup.guids, s.backup.chats, s.backup.handles = slices.Clone(s.mac.guids), slices.Clone(s.mac.chats), slices.Clone(s.mac.handles)
	if err := os.WriteFile(s.backup.path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// contentOf is all rows of a database.
func contentOf(t *testing.T, path string) string {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+path+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var all strings.Builder
	for _, table := range []string{"message", "chat", "handle", "attachment", "chat_message_join", "chat_handle_join", "message_attachment_join", "chat_recoverable_message_join"} {
		rows, err := db.Query(`SELECT * FROM ` + table)
		if err != nil {
			t.Fatal(err)
		}
		columns, _ := rows.Columns()
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(sql.RawBytes)
		}
		for rows.Next() {
			if err := rows.Scan(values...); err != nil {
				t.Fatal(err)
			}
			for _, v := range values {
				fmt.Fprintf(&all, "%q ", *v.(*sql.RawBytes))
			}
			all.WriteByte('\n')
		}
		rows.Close()
	}
	return all.String()
}

// step collects a source both ways.
func (s *databases) step(t *testing.T, l *life) {
	t.Helper()
	data := contentOf(t, l.path)
	got := collectInto(t, l.path, s.again, s.options)
	want, known := s.last[l]
	if !known || s.held[l] != data || got.summary.Read > 0 {
		if _, err := s.whole.SQL().Exec(`DELETE FROM source_state`); err != nil {
			t.Fatal(err)
		}
		want = collectInto(t, l.path, s.whole, s.options)
	} else {
		want.lines, want.messages = nil, nil
		want.read(t, s.whole)
		want.summary.Messages, want.summary.Conversations = got.summary.Messages, got.summary.Conversations
	}
	s.last[l], s.held[l] = want, data
	sameCollection(t, s.again, s.whole, &got, &want)
	if got.summary.Forgotten != want.summary.Forgotten {
		t.Errorf("%d messages stayed out, want %d", got.summary.Forgotten, want.summary.Forgotten)
	}
}

// Whatever happens to several sources, and whatever is kept out, collecting only what has changed leaves what collecting
// each as a whole leaves. A source that has not changed at all is not collected, unless the program thinks that it may have.
func TestRandomHistories_SeveralSources(t *testing.T) {
	t.Parallel()
	for seed := range histories() {
		s := newDatabases(t, uint64(seed))
		var log []string
		for step := range 12 {
			l := []*life{s.mac, s.mac, s.backup, s.phone}[s.mac.rng.IntN(4)]
			name := map[*life]string{s.mac: "mac", s.backup: "backup", s.phone: "phone"}[l]
			if l == s.backup && s.mac.rng.IntN(2) == 0 {
				s.backUp(t)
				name = "new backup"
			}
			l.log = nil
			if n := l.rng.IntN(4); n > 0 {
				l.change(func() {
					for range n {
						l.happen()
					}
				})
			}
			log = append(log, name+": "+strings.Join(l.log, ", "))
			s.step(t, l)
			if t.Failed() {
				t.Fatalf("seed %d, step %d, after\n%s", seed, step, strings.Join(log, "\n"))
			}

		}
		for _, db := range []*messages.DB{s.again, s.whole} {
			db.Close()
		}
		for _, l := range []*life{s.mac, s.backup, s.phone} {
			os.RemoveAll(filepath.Dir(l.path))
		}
	}
}

// Of a chat.db that has changed little, little is read: whatever else was collected, whatever is kept out of the store,
// however old what came is, and whoever joined.
func TestCollectAgain_ReadsWhatHasChanged(t *testing.T) {
	newest := func(h *history) { h.say(chatdb.Message{Text: "new"}) }
	for name, c := range map[string]struct {
		other, policy bool
		change        func(*history)
		read, changed int64 // at most, exactly
	}{
		"Alone":         {change: newest, read: 30, changed: 1},
		"BesideAnother": {other: true, change: newest, read: 30, changed: 1},
		"WithAPolicy":   {policy: true, change: newest, read: 30, changed: 1},
		"Both":          {other: true, policy: true, change: newest, read: 30, changed: 1},
		"LateRows": {change: func(h *history) {
			for i := range 150 {
				h.say(chatdb.Message{Text: "late", Date: time.Date(2024, 3, 15, 12, 0, 30+i*7, 0, time.UTC)})
			}
		}, read: 180, changed: 150},
		"Joined": {change: func(h *history) {
			h.say(chatdb.Message{Chat: h.group, Columns: columns("item_type", 1, "group_action_type", 0, "other_handle", h.mary)})
		}, read: 60, changed: 22},
		"Listed": {change: func(h *history) {
			h.Exec(`INSERT INTO chat_handle_join VALUES (?, ?)`, h.group, h.Handle("zoe@x.org", "iMessage"))
		}, read: 30, changed: 21},
		"ChatsMerged": {change: func(h *history) {
			h.Exec(`UPDATE chat_message_join SET chat_id = ? WHERE chat_id = ?`, h.dm, h.group)
			h.Exec(`DELETE FROM chat_handle_join WHERE chat_id = ?`, h.group)
			h.Exec(`DELETE FROM chat WHERE ROWID = ?`, h.group)
		}, read: 30, changed: 21},
	} {
		t.Run(name, func(t *testing.T) {
			h, db := newHistory(t, chatdb.Latest), fresh(t)
			for i := range 300 {
				h.say(chatdb.Message{Chat: []int64{h.dm, h.group}[i/279], Text: "words that take their place on a page: " + strings.Repeat("and so on ", 20)})
			}
			if err := h.Close(); err != nil {
				t.Fatal(err)
			}
			if c.policy {
				db.SetPolicy(&messages.Policy{Text: strings.ToUpper, StandIn: func(string) string { return "" }})
			}
			collectInto(t, h.path, db, sources.Options{})
			if c.other {
				collectBeside(t, db)
			}
			h.change(func() { c.change(h) })
			again := collectInto(t, h.path, db, sources.Options{})
			if again.summary.Read > c.read || again.summary.Changed != c.changed {
				t.Errorf("%d rows were read and %d have changed", again.summary.Read, again.summary.Changed)
			}
			afresh := fresh(t)
			afresh.SetPolicy(&messages.Policy{Text: strings.ToUpper, StandIn: func(string) string { return "" }})
			if want := collectInto(t, h.path, afresh, sources.Options{}); !c.other && !strings.EqualFold(strings.Join(again.byConversation(), "\n"), strings.Join(want.byConversation(), "\n")) {
				t.Errorf("collected\n%s\nwant\n%s", again.lines, want.lines)
			}
		})
	}
}

// collectBeside collects another source, twice: it is not read again.
func collectBeside(t *testing.T, db *messages.DB) {
	t.Helper()
	other := newHistory(t, chatdb.Latest)
	other.say(chatdb.Message{GUID: "elsewhere", Text: "from elsewhere"})
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	collectInto(t, other.path, db, sources.Options{})
	if again := collectInto(t, other.path, db, sources.Options{}); again.summary.Read != 0 {
		t.Errorf("%d rows were read of a source that is as it was", again.summary.Read)
	}
}
