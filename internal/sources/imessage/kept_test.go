package imessage_test

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"ventriloquist/internal/messages/messagestest"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/imessage"
	"ventriloquist/internal/sources/imessage/chatdb"
	"ventriloquist/internal/sources/imessage/typedstream"
	"ventriloquist/internal/usererr"
)

// leftOut is a history of what is left out unless it is asked for.
func leftOut(t *testing.T) *history {
	h := newHistory(t, chatdb.Latest)
	h.say(chatdb.Message{Text: "stays"})
	h.say(chatdb.Message{Text: "junk", Columns: columns("is_spam", 1)})
	h.say(chatdb.Message{FromMe: true, Text: "tomorrow", Columns: columns("schedule_type", 2)})
	h.say(chatdb.Message{FromMe: true, Text: "failed", Columns: columns("error", 22, "is_sent", 0)})
	deleted := h.say(chatdb.Message{Chats: []int64{}, Text: "deleted"})
	h.Exec(`INSERT INTO chat_recoverable_message_join (chat_id, message_id, delete_date)
		SELECT ?, ROWID, 1 FROM message WHERE guid = ?`, h.dm, deleted)
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	return h
}

func TestInclude_TakesWhatIsLeftOut(t *testing.T) {
	h := leftOut(t)
	for list, want := range map[string][]string{
		"":                         {"john text: stays"},
		"junk":                     {"john text: stays", "john text: junk"},
		"deleted":                  {"john text: stays", "john text: deleted"},
		"failed, Scheduled":        {"john text: stays", "me text: tomorrow", "me text: failed"},
		"all":                      {"john text: stays", "john text: junk", "me text: tomorrow", "me text: failed", "john text: deleted"},
		"junk,deleted,failed,all,": {"john text: stays", "john text: junk", "me text: tomorrow", "me text: failed", "john text: deleted"},
	} {
		t.Run(list, func(t *testing.T) {
			include, err := imessage.ParseInclude(list)
			if err != nil {
				t.Fatal(err)
			}
			c := collectInto(t, h.path, fresh(t), sources.Options{Include: include})
			c.want(t, append([]string{"direct john"}, want...)...).wantFate(t, sources.Messages, int64(len(want)))
		})
	}
	if _, err := imessage.ParseInclude("junk,nonsense"); !errors.Is(err, usererr.ErrUsage) || !strings.Contains(err.Error(), "deleted, failed, junk, scheduled") {
		t.Errorf("error is %v", err)
	}
}

// Another choice than at the last collect has the rows read that it concerns, and no others.
func TestInclude_ChangedBetweenCollects(t *testing.T) {
	h := leftOut(t)
	h.change(func() {
		for i := range 400 {
			h.say(chatdb.Message{Text: fmt.Sprint(i, strings.Repeat(" and so on", 20))})
		}
	})
	db := fresh(t)
	for i, list := range []string{"", "all", "junk", "", "deleted,failed"} {
		include, err := imessage.ParseInclude(list)
		if err != nil {
			t.Fatal(err)
		}
		options := sources.Options{Include: include}
		afresh := fresh(t)
		again, want := collectInto(t, h.path, db, options), collectInto(t, h.path, afresh, options)
		if !sameCollection(t, db, afresh, &again, &want) {
			t.Fatalf("with %q", list)
		}
		if i > 0 && again.summary.Read > 10 {
			t.Errorf("with %q %d rows were read", list, again.summary.Read)
		}
	}
}

const selectEvents = `SELECT group_concat(x, ' ') FROM (SELECT date, source_row, chat || ' ' || actor || ' ' || kind ||
	coalesce(' ' || subject, '') || coalesce(' "' || text || '"', '') AS x FROM event) GROUP BY source_row ORDER BY date, source_row`

// Renames, joins, leaves and location sharing are facts about a group over time, and unknown values are kept with them.
func TestEvents_AreKept(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	event := func(handle, other int64, pairs ...any) {
		h.say(chatdb.Message{Chat: h.group, Handle: handle, FromMe: handle == 0, Columns: columns(append(pairs, "other_handle", other)...)})
	}
	event(h.john, h.mary, "item_type", 1, "group_action_type", 0)
	event(0, h.mary, "item_type", 1, "group_action_type", 1)
	event(h.mary, 0, "item_type", 2, "group_title", "Fun")
	event(h.mary, 0, "item_type", 2)
	event(h.mary, 0, "item_type", 3)
	event(h.mary, 0, "item_type", 3, "group_action_type", 1)
	event(h.mary, 0, "item_type", 3, "group_action_type", 2)
	event(h.john, 0, "item_type", 4)
	event(h.john, 0, "item_type", 4, "share_status", 1)
	event(h.john, 0, "item_type", 5)
	event(h.john, 0, "item_type", 6)
	event(h.john, 0, "item_type", 9, "group_action_type", 7)
	h.say(chatdb.Message{Chat: h.group, Tapback: 2999, Target: "p:0/X"})
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	db := fresh(t)
	for range 2 {
		c := collectInto(t, h.path, db, sources.Options{}).want(t).wantFate(t, sources.GroupEvents, 12).wantFate(t, sources.UnknownKind, 1)
		want := []string{"2 +15550000001 added mary@x.org", "2  removed mary@x.org", `2 mary@x.org renamed "Fun"`, "2 mary@x.org renamed",
			"2 mary@x.org left", "2 mary@x.org photo set", "2 mary@x.org photo removed", "2 +15550000001 location shared",
			"2 +15550000001 location no longer shared", "2 +15550000001 audio kept", "2 +15550000001 SharePlay",
			"2 +15550000001 item_type 9, group_action_type 7", `2 +15550000001 associated_message_type 2999 "p:0/X"`}
		if got := messagestest.Rows(t, db, selectEvents); !slices.Equal(got, want) {
			t.Errorf("events are\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
		}
		if got := fmt.Sprint(c.summary.Unknown); got != "map[associated_message_type 2999:1 item_type 9, group_action_type 7:1]" {
			t.Errorf("unknown values are %s", got)
		}
	}
}

// The history of an edited message is kept, oldest first, and goes when the message is unsent.
func TestVersions_OfEditedMessagesAreKept(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	history := map[string]any{"ec": map[string]any{"0": []any{version("helo"), version("hallo"), version("hello")}, "1": []any{version("x"), version("y")}}, "otr": ranges(2)}
	guid := h.say(chatdb.Message{Body: chatdb.Parts(chatdb.Part{Text: "hello"}, chatdb.Part{Text: "y"}), Columns: columns("message_summary_info", summaryInfo(t, history))})
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	db := fresh(t)
	collectInto(t, h.path, db, sources.Options{}).want(t, "direct john", "john text: hello", "john text: y")
	query := `SELECT part || ' ' || number || ' ' || strftime('%Y-%m-%dT%H:%M:%f', date / 1e9, 'unixepoch') || ' ' || text FROM version`
	want := []string{"0 0 2024-03-13T05:20:00.500 helo", "0 1 2024-03-13T05:20:00.500 hallo", "0 2 2024-03-13T05:20:00.500 hello",
		"1 0 2024-03-13T05:20:00.500 x", "1 1 2024-03-13T05:20:00.500 y"}
	if got := messagestest.Rows(t, db, query); !slices.Equal(got, want) {
		t.Errorf("versions are\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
	h.change(func() {
		h.Exec(`UPDATE message SET text = NULL, attributedBody = NULL, date_retracted = 1 WHERE guid = ?`, guid)
	})
	collectInto(t, h.path, db, sources.Options{}).want(t)
	if got := messagestest.Rows(t, db, query); len(got) > 0 {
		t.Errorf("versions of an unsent message are %q", got)
	}
}

// A damaged body is reported with its row id, and what the tolerant scan finds is kept.
func TestDamagedBody_IsReportedWithItsRow(t *testing.T) {
	whole := typedstream.Encode(chatdb.Parts(chatdb.Part{Text: "still here"}))
	h := newHistory(t, chatdb.Latest)
	h.say(chatdb.Message{Text: "whole"})
	h.say(chatdb.Message{Columns: columns("attributedBody", whole[:len(whole)-30])})
	h.say(chatdb.Message{Columns: columns("attributedBody", whole[:len(whole)-30], "text", "of the column")})
	h.say(chatdb.Message{Columns: columns("attributedBody", []byte("rubbish"))})
	c := h.collect().want(t, "direct john", "john text: whole", "john text: still here", "john text: of the column").wantFate(t, sources.Empty, 1)
	if got := fmt.Sprint(c.summary.Damaged); got != "{3 [2 3 4]}" {
		t.Errorf("damaged are %s", got)
	}
}

// A damaged page costs the rows on it: those before and behind it are read, and what was known of the others stays.
func TestDamagedPage_CostsTheRowsOnIt(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	const n = 400
	for i := range n {
		h.say(chatdb.Message{Text: fmt.Sprintf("message %03d %s", i, strings.Repeat("and more ", 10))})
	}
	h.Exec(`CREATE TABLE kept (x)`)
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	db := fresh(t)
	whole := collectInto(t, h.path, db, sources.Options{})
	data, err := os.ReadFile(h.path)
	if err != nil {
		t.Fatal(err)
	}
	const page = 4096
	for _, row := range []int{101, 301} {
		at := bytes.Index(data, fmt.Appendf(nil, "message %03d", row-1))
		clear(data[at/page*page : at/page*page+page])
	}
	if err := os.WriteFile(h.path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	first := collectInto(t, h.path, fresh(t), sources.Options{})
	lost := map[string]bool{}
	for _, line := range whole.lines {
		lost[line] = !slices.Contains(first.lines, line)
	}
	maps.DeleteFunc(lost, func(_ string, is bool) bool { return !is })
	if len(lost) < 10 || len(lost) > 80 || len(first.lines)+len(lost) != len(whole.lines) {
		t.Errorf("lost %v", lost)
	}
	if u := first.summary.Unreadable; len(u) != 2 || !strings.HasPrefix(u[0], "message, rows ") || !strings.HasPrefix(u[1], "message, rows ") {
		t.Errorf("unreadable: %q", u)
	}
	read := int64(n - len(lost))
	first.wantFate(t, sources.Messages, read).wantFate(t, sources.Unread, int64(len(lost)))
	again := collectInto(t, h.path, db, sources.Options{})
	if !slices.Equal(again.lines, whole.lines) {
		t.Errorf("what had been collected before the damage is lost: %d messages are left", len(again.messages))
	}
}

// A row's long content is on pages of its own: damage there costs that row.
func TestDamagedOverflowPage_CostsItsRow(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	for i := range 50 {
		text := fmt.Sprintf("message %02d", i)
		if i == 25 {
			text = "long " + strings.Repeat("x", 20000) + " needle"
		}
		h.say(chatdb.Message{Text: text})
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	// The chain of pages ends too early.
	data, err := os.ReadFile(h.path)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(data, []byte(strings.Repeat("x", 4000))) / 4096 * 4096
	clear(data[at : at+4])
	if err := os.WriteFile(h.path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	c := collectInto(t, h.path, fresh(t), sources.Options{})
	c.wantFate(t, sources.Messages, 49).wantFate(t, sources.Unread, 1)
	if u := c.summary.Unreadable; len(u) != 1 || !strings.HasPrefix(u[0], "message, row 26: ") {
		t.Errorf("unreadable: %q", u)
	}
}

// Damage among the attachments costs the names of those on the page.
func TestDamagedAttachments_CostThose(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	for i := range 200 {
		name := fmt.Sprintf("picture %03d.png", i)
		photo := h.Attachment(chatdb.Attachment{GUID: name, Filename: "~/x/" + name, MIMEType: "image/png"})
		h.say(chatdb.Message{Attachments: []int64{photo}, Body: chatdb.Parts(chatdb.Part{Text: fmt.Sprint("look ", i)}, chatdb.Part{Attachment: name})})
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	data := readFile(t, h.path)
	at := pageOf(t, data, "~/x/picture 100.png")
	page := bytes.Clone(data[at : at+4096])
	clear(data[at : at+4096])
	if err := os.WriteFile(h.path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	db := fresh(t)
	first := collectInto(t, h.path, db, sources.Options{})
	first.wantFate(t, sources.Messages, 200)
	if n := len(first.messages); n >= 400 || n < 340 {
		t.Errorf("%d messages", n)
	}
	if u := first.summary.Unreadable; len(u) != 1 || !strings.HasPrefix(u[0], "attachment, those of ") {
		t.Errorf("unreadable: %q", u)
	}
	copy(data[at:], page)
	if err := os.WriteFile(h.path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	h.wantAsAfresh(db, [2]int64{400 - int64(len(first.messages)), 150})
}

// Which chat a message is in is stored twice.
func TestDamagedJoins_AreReadFromTheirIndex(t *testing.T) {
	h := longHistory(t)
	db, err := sql.Open("sqlite3", h.path)
	if err != nil {
		t.Fatal(err)
	}
	var root int64
	err = db.QueryRow(`SELECT rootpage FROM sqlite_master WHERE name = 'chat_message_join'`).Scan(&root)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	want := collectInto(t, h.path, fresh(t), sources.Options{})
	data := readFile(t, h.path)
	clear(data[(root-1)*4096 : root*4096])
	if err := os.WriteFile(h.path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	got := collectInto(t, h.path, fresh(t), sources.Options{})
	if !slices.Equal(got.lines, want.lines) || got.summary.Rows != want.summary.Rows {
		t.Errorf("%d messages are left of %d: %v", len(got.messages), len(want.messages), got.summary.Unreadable)
	}
}

// The copies of a message are looked for around it, also next to damage.
func TestDamagedPage_HidesNoNeighborsOfCopies(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	h.Handle("+12125550177", "RCS")
	const n = 200
	for i := range n {
		h.say(chatdb.Message{Text: fmt.Sprintf("message %03d %s", i, strings.Repeat("and more ", 10)), Columns: columns("service", "SMS")})
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	data := readFile(t, h.path)
	at := pageOf(t, data, "message 100")
	on := int64(bytes.Count(data[at:at+4096], []byte("and more and more and more and more and more and more and more and more and more and more ")))
	clear(data[at : at+4096])
	if err := os.WriteFile(h.path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	got := collectInto(t, h.path, fresh(t), sources.Options{})
	if lost := n - int64(len(got.messages)); lost > max(on, 40) || lost < 1 {
		t.Errorf("%d messages are lost of %d on the page: %v", lost, on, got.summary.Unreadable)
	}
	if u := got.summary.Unreadable; len(u) != 1 {
		t.Errorf("unreadable: %q", u)
	}
}

// Who was in a group is known from the rows that can be read.
func TestDamagedPage_KeepsWhoWasInTheGroup(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	for i := range 300 {
		if i == 100 {
			h.say(chatdb.Message{Chat: h.group, FromMe: true, Columns: columns("item_type", 1, "group_action_type", 0, "other_handle", h.mary)})
		}
		h.say(chatdb.Message{Chat: h.group, Handle: h.john, Text: fmt.Sprintf("message %03d %s", i, strings.Repeat("and more ", 10))})
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	data := readFile(t, h.path)
	at := pageOf(t, data, "message 040")
	clear(data[at : at+4096])
	if err := os.WriteFile(h.path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	got := collectInto(t, h.path, fresh(t), sources.Options{})
	if lines := strings.Join(got.lines, "\n"); !strings.Contains(lines, "group john\n") || !strings.Contains(lines, "group john mary\n") {
		t.Errorf("the group is %v", got.summary.Unreadable)
	}
}
