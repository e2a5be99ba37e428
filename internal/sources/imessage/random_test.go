package imessage_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/messages/messagestest"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/imessage"
	"ventriloquist/internal/sources/imessage/chatdb"
	"ventriloquist/internal/sources/imessage/typedstream"
)

// life is a database to which the things happen that happen to a history of messages, at random.
type life struct {
	*history
	rng     *rand.Rand
	clock   time.Time
	chats   []int64
	handles []int64
	guids   []string
	log     []string // what happened, for a failure
}

func newLife(t *testing.T, seed uint64) *life {
	l := &life{history: newHistory(t, chatdb.Latest), rng: rand.New(rand.NewPCG(seed, 7)), clock: time.Date(2024, 3, 15, 12, 0, 0, 0, time.UTC)}
	l.handles = []int64{l.john, l.mary}
	l.chats = []int64{l.dm, l.group}
	for range 30 {
		l.happen()
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return l
}

func pick[T any](l *life, list []T) T { return list[l.rng.IntN(len(list))] }

// guid is a message, most often one of the last.
func (l *life) guid() string {
	if n := len(l.guids); n > 10 && l.rng.IntN(3) > 0 {
		return pick(l, l.guids[n-10:])
	} else if n > 0 {
		return pick(l, l.guids)
	}
	return "nobody"
}

// newGUID is like none before, whatever was deleted.
func (l *life) newGUID() string {
	return strings.ToUpper(fmt.Sprintf("%08x-0000-4000-8000-%012x", l.rng.Uint32(), l.rng.Uint64()>>16))
}

// say adds a message at a time that is most often the latest.
func (l *life) say(m chatdb.Message) {
	l.clock = l.clock.Add(time.Duration(l.rng.IntN(3)) * time.Minute)
	m.Date = l.clock
	if l.rng.IntN(12) == 0 {
		m.Date = l.clock.Add(-time.Duration(l.rng.IntN(300)) * time.Minute)
	}
	if m.Chat == 0 && m.Chats == nil {
		m.Chat = pick(l, l.chats)
	}
	if m.FromMe = l.rng.IntN(3) == 0; !m.FromMe {
		m.Handle = pick(l, l.handles)
	}
	if l.rng.IntN(10) > 0 || len(l.guids) == 0 {
		m.GUID = l.newGUID()
	} else {
		m.GUID = fmt.Sprint("odd", l.rng.IntN(1<<30))
	}
	if l.rng.IntN(6) == 0 {
		m.ReplyTo, m.ReplyPart = l.guid(), fmt.Sprint(l.rng.IntN(3), ":0:1")
	}
	l.guids = append(l.guids, l.Message(m))
}

func (l *life) parts() *typedstream.Body {
	parts := []chatdb.Part{{Text: fmt.Sprint("words ", l.rng.IntN(1000))}}
	for range l.rng.IntN(3) {
		parts = append(parts, chatdb.Part{Text: fmt.Sprint("more ", l.rng.IntN(1000))})
	}
	return chatdb.Parts(parts...)
}

// rewrite replaces the body of a message, and tells its history.
func (l *life) rewrite(guid string, body *typedstream.Body, info map[string]any) {
	l.Exec(`UPDATE message SET text = NULL, attributedBody = ?, message_summary_info = ?, date_edited = 1 WHERE guid = ?`,
		typedstream.Encode(body), summaryInfo(l.t, info), guid)
}

// happenings are what may happen; each is named for the log.
var happenings = []struct {
	name   string
	weight int
	happen func(l *life)
}{
	{"message", 30, func(l *life) { l.say(chatdb.Message{Body: l.parts()}) }},
	{"tapback", 12, func(l *life) {
		l.say(chatdb.Message{Tapback: chatdb.Loved + l.rng.IntN(8), Emoji: "🔥", Target: fmt.Sprintf("p:%d/%s", l.rng.IntN(3)-1, l.guid())})
	}},
	{"taken back", 5, func(l *life) {
		l.say(chatdb.Message{Tapback: chatdb.TakenBack + chatdb.Loved + l.rng.IntN(2), Target: "p:0/" + l.guid()})
	}},
	{"to a later one", 2, func(l *life) {
		later := l.newGUID()
		l.say(chatdb.Message{Tapback: chatdb.Liked, Target: "p:0/" + later})
		l.say(chatdb.Message{Text: "answers", ReplyTo: later})
		if l.rng.IntN(2) == 0 {
			l.guids = append(l.guids, l.Message(chatdb.Message{GUID: later, Chat: pick(l, l.chats), FromMe: true, Date: l.clock, Text: "later"}))
		} else {
			l.guids = append(l.guids, later)
		}
	}},
	{"comes at last", 3, func(l *life) {
		for _, guid := range l.guids {
			if l.rng.IntN(8) == 0 {
				l.Exec(`INSERT OR IGNORE INTO message (guid, text, date, is_from_me, handle_id) VALUES (?, 'at last', ?, 1, 0)`, guid, chatdb.Nanoseconds(l.clock))
				l.Exec(`INSERT OR IGNORE INTO chat_message_join (chat_id, message_id) SELECT ?, ROWID FROM message WHERE guid = ? AND text = 'at last'`, l.chats[0], guid)
				return
			}
		}
	}},
	{"edit", 8, func(l *life) {
		body := l.parts()
		l.rewrite(l.guid(), body, map[string]any{"ec": map[string]any{"0": []any{version("first"), version(fmt.Sprint(l.rng.IntN(99)))}}, "otr": ranges(1)})
	}},
	{"silent edit", 3, func(l *life) {
		l.Exec(`UPDATE message SET text = 'changed', attributedBody = NULL WHERE guid = ?`, l.guid())
	}},
	{"unsend", 4, func(l *life) {
		l.Exec(`UPDATE message SET text = NULL, attributedBody = NULL, date_retracted = 1 WHERE guid = ?`, l.guid())
	}},
	{"unsend a part", 3, func(l *life) {
		l.rewrite(l.guid(), chatdb.Parts(chatdb.Part{Text: "left"}, chatdb.Part{Text: "over"}), map[string]any{"rp": []any{l.rng.IntN(3)}, "otr": ranges(3)})
	}},
	{"delete", 4, func(l *life) {
		guid := l.guid()
		for _, table := range []string{"chat_message_join", "message_attachment_join", "chat_recoverable_message_join"} {
			l.Exec(`DELETE FROM `+table+` WHERE message_id = (SELECT ROWID FROM message WHERE guid = ?)`, guid)
		}
		l.Exec(`DELETE FROM message WHERE guid = ?`, guid)
	}},
	{"delete the row alone", 1, func(l *life) { l.Exec(`DELETE FROM message WHERE guid = ?`, l.guid()) }},
	{"recently deleted", 2, func(l *life) {
		guid := l.guid()
		l.Exec(`INSERT OR IGNORE INTO chat_recoverable_message_join SELECT chat_id, message_id, 1, 0 FROM chat_message_join
			WHERE message_id = (SELECT ROWID FROM message WHERE guid = ?)`, guid)
		l.Exec(`DELETE FROM chat_message_join WHERE message_id = (SELECT ROWID FROM message WHERE guid = ?)`, guid)
	}},
	{"recovered", 1, func(l *life) {
		l.Exec(`INSERT OR IGNORE INTO chat_message_join (chat_id, message_id) SELECT chat_id, message_id FROM chat_recoverable_message_join`)
		l.Exec(`DELETE FROM chat_recoverable_message_join`)
	}},
	{"unlinked", 1, func(l *life) {
		l.Exec(`DELETE FROM chat_message_join WHERE message_id = (SELECT ROWID FROM message WHERE guid = ?)`, l.guid())
	}},
	{"moved", 2, func(l *life) {
		l.Exec(`UPDATE OR IGNORE chat_message_join SET chat_id = ? WHERE message_id = (SELECT ROWID FROM message WHERE guid = ?)`, pick(l, l.chats), l.guid())
	}},
	{"junk", 2, func(l *life) { l.Exec(`UPDATE message SET is_spam = 1 - is_spam WHERE guid = ?`, l.guid()) }},
	{"photo", 5, func(l *life) {
		name := fmt.Sprint("at_", l.rng.IntN(1<<30))
		file := l.Attachment(chatdb.Attachment{GUID: name, Filename: "~/x/" + name + ".png"})
		l.say(chatdb.Message{Attachments: []int64{file}, Body: chatdb.Parts(chatdb.Part{Attachment: name}, chatdb.Part{Text: "look"})})
	}},
	{"photo named", 2, func(l *life) {
		l.Exec(`UPDATE attachment SET filename = ? WHERE ROWID = (SELECT max(ROWID) FROM attachment)`, fmt.Sprint("~/y/", l.rng.IntN(99), ".mov"))
	}},
	{"read", 8, func(l *life) { l.Exec(`UPDATE message SET is_read = 1, date_read = date WHERE guid = ?`, l.guid()) }},
	{"another sender", 2, func(l *life) {
		l.Exec(`UPDATE message SET handle_id = ?, is_from_me = 0 WHERE guid = ?`, pick(l, l.handles), l.guid())
	}},
	{"another date", 2, func(l *life) {
		l.Exec(`UPDATE message SET date = ? WHERE guid = ?`, chatdb.Nanoseconds(l.clock.Add(-time.Duration(l.rng.IntN(500))*time.Minute)), l.guid())
	}},
	{"from the cloud", 1, func(l *life) {
		for range 30 {
			l.say(chatdb.Message{Text: fmt.Sprint("late ", l.rng.IntN(1000))})
			l.Exec(`UPDATE message SET date = ? WHERE guid = ?`, chatdb.Nanoseconds(l.clock.Add(-time.Duration(l.rng.IntN(900))*time.Minute)), l.guids[len(l.guids)-1])
		}
	}},
	{"no date", 3, func(l *life) {
		l.Exec(`UPDATE message SET date = 0, date_delivered = 0, date_read = CASE WHEN ? THEN date ELSE 0 END WHERE guid = ?`, l.rng.IntN(2), l.guid())
	}},
	{"subject", 2, func(l *life) {
		l.Exec(`UPDATE message SET subject = ? WHERE guid = ?`, fmt.Sprint("subject ", l.rng.IntN(3)), l.guid())
	}},
	{"changes another", 1, func(l *life) { l.say(chatdb.Message{Tapback: 2, Target: l.guid(), Text: "again"}) }},
	{"of 2010", 1, func(l *life) { l.say(chatdb.Message{Text: "\ue415 then"}) }},
	{"left a group", 1, func(l *life) {
		l.Exec(`DELETE FROM chat_handle_join WHERE chat_id = ? AND handle_id = ?`, pick(l, l.chats), pick(l, l.handles))
	}},
	{"chats merged", 1, func(l *life) {
		from, into := pick(l, l.chats[1:]), pick(l, l.chats)
		if from != into {
			l.Exec(`UPDATE OR IGNORE chat_message_join SET chat_id = ? WHERE chat_id = ?`, into, from)
			l.Exec(`DELETE FROM chat_message_join WHERE chat_id = ?`, from)
			l.Exec(`DELETE FROM chat_handle_join WHERE chat_id = ?`, from)
			l.Exec(`DELETE FROM chat WHERE ROWID = ?`, from)
		}
	}},
	{"damaged", 1, func(l *life) {
		l.Exec(`UPDATE message SET attributedBody = x'040b73', text = 'x' WHERE guid = ?`, l.guid())
	}},
	{"renamed", 2, func(l *life) {
		l.say(chatdb.Message{Chat: l.group, Columns: columns("item_type", 2, "group_title", fmt.Sprint(l.rng.IntN(9)))})
	}},
	{"unknown", 1, func(l *life) {
		l.say(chatdb.Message{Columns: columns("item_type", 20+l.rng.IntN(2))})
		l.say(chatdb.Message{Tapback: 2500, Target: l.guid()})
	}},
	{"joins", 1, func(l *life) {
		l.say(chatdb.Message{Chat: l.group, Columns: columns("item_type", 1, "group_action_type", l.rng.IntN(2), "other_handle", pick(l, l.handles))})
	}},
	{"leaves", 1, func(l *life) { l.say(chatdb.Message{Chat: l.group, Columns: columns("item_type", 3)}) }},
	{"listed", 1, func(l *life) {
		l.Exec(`INSERT OR IGNORE INTO chat_handle_join VALUES (?, ?)`, pick(l, l.chats), pick(l, l.handles))
	}},
	{"somebody new", 2, func(l *life) {
		l.handles = append(l.handles, l.Handle(fmt.Sprintf("+1555%07d", l.rng.IntN(1e7)), "iMessage"))
		l.chats = append(l.chats, l.Chat(chatdb.Chat{Identifier: l.newGUID(), Group: l.rng.IntN(2) == 0, Handles: []int64{l.handles[len(l.handles)-1], pick(l, l.handles[:len(l.handles)-1])}}))
	}},
	{"one person", 1, func(l *life) {
		l.Exec(`UPDATE handle SET person_centric_id = ? WHERE ROWID = ?`, fmt.Sprint(l.rng.IntN(2)), pick(l, l.handles))
	}},
}

// happen lets one thing happen.
func (l *life) happen() {
	total := 0
	for _, h := range happenings {
		total += h.weight
	}
	n := l.rng.IntN(total)
	for _, h := range happenings {
		if n -= h.weight; n < 0 {
			l.log = append(l.log, h.name)
			h.happen(l)
			return
		}
	}
}

// tables are what a store holds beside messages, as text, whatever the numbers of things.
func tables(t *testing.T, db *messages.DB) []string {
	t.Helper()
	return slices.Concat(messagestest.Rows(t, db, selectEvents),
		messagestest.Rows(t, db, `SELECT hex(guid) || part || number || date || text FROM version ORDER BY 1`),
		messagestest.Rows(t, db, `SELECT m.id || ' ' || part || ' ' || coalesce(target_part, '') || ' ' || hex(guid) || ' ' || date || ' ' || coalesce(h.address, '') || ' ' || coalesce(c.number, '')
			FROM message m LEFT JOIN handle h ON h.id = m.sender LEFT JOIN chat c ON c.id = m.chat WHERE kind = 10 ORDER BY 1`),
		messagestest.Rows(t, db, `SELECT message || ' ' || hex(guid) FROM unresolved ORDER BY 1`),
		messagestest.Rows(t, db, `SELECT r.id || ' ' || r.text || ' ' || t.id || ' ' || t.part FROM message r JOIN message t ON t.id = r.quote WHERE r.kind = 9 AND r.state & 3 = 0 ORDER BY 1`))
}

// histories is how many are tried: few with -short, more than in an ordinary run with VQ_HISTORIES=2000 go test -run Random.
func histories() int {
	if testing.Short() {
		return 2
	}
	n, _ := strconv.Atoi(os.Getenv("VQ_HISTORIES"))
	return max(n, 20)
}

// Whatever happens to a database between two collections, the second leaves what a first one would.
func TestRandomHistories_CollectedAgainAsAfresh(t *testing.T) {
	t.Parallel()
	read, total := int64(0), int64(0)
	for seed := range histories() {
		l := newLife(t, uint64(seed))
		db := fresh(t)
		var options sources.Options
		if seed%4 == 3 {
			options.Include, _ = imessage.ParseInclude("all")
		}
		collectInto(t, l.path, db, options)
		for step := range 8 {
			l.log = append(l.log, "-- collected")
			l.change(func() {
				for range l.rng.IntN(5) {
					l.happen()
				}
			})
			again := collectInto(t, l.path, db, options)
			afresh := fresh(t)
			want := collectInto(t, l.path, afresh, options)
			read, total = read+again.summary.Read, total+again.summary.Total
			if !sameCollection(t, db, afresh, &again, &want) {
				t.Fatalf("seed %d, step %d, after\n%s", seed, step, strings.Join(l.log, "\n"))
			}
			afresh.Close()
		}
		db.Close()
		os.RemoveAll(filepath.Dir(l.path))
	}
	t.Logf("%d of %d rows were read again", read, total)
	if read > total*3/4 {
		t.Errorf("%d of %d rows were read again: hardly a collection was content with what had changed", read, total)
	}
}

func sameCollection(t *testing.T, db, afresh *messages.DB, again, want *collected) bool {
	t.Helper()
	slices.Sort(again.byConversation())
	slices.Sort(want.byConversation())
	if !slices.Equal(again.lines, want.lines) {
		got, fresh := apart(again.lines, want.lines)
		t.Errorf("collected again\n  %s\nafresh\n  %s", got, fresh)
	}
	a, w := again.summary, want.summary
	if a.Total != w.Total || a.Rows != w.Rows || a.Messages != w.Messages || a.Conversations != w.Conversations ||
		fmt.Sprint(a.Damaged, a.Unknown) != fmt.Sprint(w.Damaged, w.Unknown) {
		t.Errorf("summary\n%+v\nafresh\n%+v", a, w)
	}
	if got, fresh := tables(t, db), tables(t, afresh); !slices.Equal(got, fresh) {
		x, y := apart(got, fresh)
		t.Errorf("beside the messages\n  %s\nafresh\n  %s", x, y)
	}
	return !t.Failed()
}

// apart are the blocks that only one of two lists has.
func apart(a, b []string) (onlyA, onlyB string) {
	without := func(list, other []string) string {
		return strings.Join(slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(other, s) }), "\n  ")
	}
	return without(a, b), without(b, a)
}

// byConversation joins the lines of each conversation: those of the same heading have no order among them.
func (c *collected) byConversation() []string {
	var blocks []string
	for _, line := range c.lines {
		if strings.HasPrefix(line, "direct ") || strings.HasPrefix(line, "group ") {
			blocks = append(blocks, line)
			continue
		}
		blocks[len(blocks)-1] += "\n" + line
	}
	c.lines = blocks
	return blocks
}
