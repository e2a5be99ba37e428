package imessage_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/imessage"
	"ventriloquist/internal/sources/imessage/chatdb"
)

// longHistory is a history of 400 messages and a group, on some 30 pages.
func longHistory(t *testing.T) *history {
	h := newHistory(t, chatdb.Latest)
	photo := h.Attachment(chatdb.Attachment{GUID: "a", Filename: "~/x/a.png"})
	for i := range 400 {
		m := chatdb.Message{Chat: []int64{h.dm, h.group}[i%2], Text: fmt.Sprintf("message %03d %s", i, strings.Repeat("and more ", 10))}
		if i == 350 {
			m.Attachments = []int64{photo}
		}
		h.say(m)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	return h
}

// exec writes to the database with SQL that the writer does not have.
func (h *history) exec(statements ...string) {
	h.t.Helper()
	db, err := sql.Open("sqlite3", h.path)
	if err != nil {
		h.t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range statements {
		if _, err := db.Exec(statement); err != nil {
			h.t.Fatalf("%s: %v", statement, err)
		}
	}
}

// wantAsAfresh collects a database again and holds the result against a first collect. It reads between read[0] and
// read[1] rows.
func (h *history) wantAsAfresh(db *messages.DB, read [2]int64) collected {
	h.t.Helper()
	again := collectInto(h.t, h.path, db, sources.Options{})
	if n := again.summary.Read; n < read[0] || n > read[1] {
		h.t.Errorf("%d rows were read, want %d to %d", n, read[0], read[1])
	}
	afresh := fresh(h.t)
	want := collectInto(h.t, h.path, afresh, sources.Options{})
	sameCollection(h.t, db, afresh, &again, &want)
	return again
}

// After an update, the rows that a new rule concerns are read again, and no others.
func TestRules_ANewOneConcernsSomeRows(t *testing.T) {
	h, db := longHistory(t), fresh(t)
	collectInto(t, h.path, db, sources.Options{})
	h.wantAsAfresh(db, [2]int64{0, 0})
	// As if an earlier version had read these rows otherwise.
	if _, err := db.SQL().Exec(`UPDATE message SET text = 'otherwise' WHERE text LIKE 'message 00%'`); err != nil {
		t.Fatal(err)
	}
	imessage.AddRule(t, "ROWID <= 10", true)
	h.wantAsAfresh(db, [2]int64{10, 10})
	h.wantAsAfresh(db, [2]int64{0, 0})
	imessage.AddRule(t, "true", false)
	h.wantAsAfresh(db, [2]int64{400, 400})
	h.wantAsAfresh(db, [2]int64{0, 0})
}

// pageOf returns where the page with some content begins in a file.
func pageOf(t *testing.T, data []byte, content string) int {
	t.Helper()
	at := bytes.LastIndex(data, []byte(content))
	if at < 0 {
		t.Fatalf("%q is on no page", content)
	}
	return at / 4096 * 4096
}

// The rows of a damaged page stay as they are known, and everything else is kept up to date, by differences. Once the page
// is whole again, so are its rows.
func TestDamage_EverythingElseIsKeptUpToDate(t *testing.T) {
	for name, on := range map[string]string{"Messages": "message 100", "Attachments": "~/x/a.png"} {
		t.Run(name, func(t *testing.T) {
			h, db := longHistory(t), fresh(t)
			whole := collectInto(t, h.path, db, sources.Options{})
			data := readFile(t, h.path)
			at := pageOf(t, data, on)
			page := bytes.Clone(data[at : at+4096])
			clear(data[at : at+4096])
			if err := os.WriteFile(h.path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			for i := range 3 {
				said := fmt.Sprint("new ", i)
				h.exec(fmt.Sprintf(`INSERT INTO message (guid, text, date, handle_id) VALUES ('%s', '%[1]s', %d, 1)`, said, 800000000000000000+i),
					fmt.Sprintf(`INSERT INTO chat_message_join (chat_id, message_id) SELECT %d, max(ROWID) FROM message`, h.dm))
				again := collectInto(t, h.path, db, sources.Options{})
				if len(again.messages) != len(whole.messages)+i+1 || len(again.files) != 1 || again.summary.Read > 40 {
					t.Errorf("%d messages and %d files, %d rows were read", len(again.messages), len(again.files), again.summary.Read)
				}
				if len(again.summary.Unreadable) != 1 {
					t.Errorf("unreadable: %q", again.summary.Unreadable)
				}
			}
			data = readFile(t, h.path)
			copy(data[at:], page)
			if err := os.WriteFile(h.path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			h.exec(`UPDATE message SET text = 'edited', attributedBody = NULL WHERE ROWID BETWEEN 90 AND 110`)
			h.wantAsAfresh(db, [2]int64{10, 60})
			h.wantAsAfresh(db, [2]int64{0, 0})
		})
	}
}

// A collect that found damage the first time goes on from where the damage was.
func TestDamage_FoundByTheFirstCollect(t *testing.T) {
	h, db := longHistory(t), fresh(t)
	data := readFile(t, h.path)
	at := pageOf(t, data, "message 300")
	page := bytes.Clone(data[at : at+4096])
	clear(data[at : at+4096])
	if err := os.WriteFile(h.path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	first := collectInto(t, h.path, db, sources.Options{})
	for range 2 {
		again := collectInto(t, h.path, db, sources.Options{})
		if again.summary.Read != 0 || len(again.messages) != len(first.messages) || again.summary.Rows != first.summary.Rows {
			t.Errorf("%d rows were read again: %v, first %v", again.summary.Read, again.summary.Rows, first.summary.Rows)
		}
	}
	copy(data[at:], page)
	if err := os.WriteFile(h.path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	h.wantAsAfresh(db, [2]int64{400 - int64(len(first.messages)) - 1, 150})
}

// Join tables without row ids cannot be compared page by page. They are compared as a whole, and no message is read for it.
func TestCollectAgain_JoinTablesWithoutRowIDs(t *testing.T) {
	for _, table := range []string{"chat_message_join", "message_attachment_join", "chat_recoverable_message_join"} {
		t.Run(table, func(t *testing.T) {
			h, db := longHistory(t), fresh(t)
			other := "chat_id"
			if table == "message_attachment_join" {
				other = "attachment_id"
			}
			h.exec(fmt.Sprintf(`CREATE TABLE renewed (message_id INTEGER, %s INTEGER, PRIMARY KEY (message_id, %[1]s)) WITHOUT ROWID`, other),
				fmt.Sprintf(`INSERT INTO renewed SELECT message_id, %s FROM %s`, other, table),
				`DROP TABLE `+table, `ALTER TABLE renewed RENAME TO `+table)
			collectInto(t, h.path, db, sources.Options{})
			h.wantAsAfresh(db, [2]int64{0, 0})
			h.exec(`UPDATE message SET text = 'edited', attributedBody = NULL WHERE ROWID = 7`,
				`INSERT INTO attachment (guid, original_guid, filename) VALUES ('b', 'b', '~/x/b.png')`,
				`INSERT INTO message_attachment_join (message_id, attachment_id) SELECT 99, max(ROWID) FROM attachment`,
				`DELETE FROM message_attachment_join WHERE message_id = 351`,
				`UPDATE chat_message_join SET chat_id = 3 - chat_id WHERE message_id = 200`,
				`INSERT INTO chat_recoverable_message_join (chat_id, message_id) VALUES (1, 300)`,
				`DELETE FROM chat_message_join WHERE message_id = 300`)
			h.wantAsAfresh(db, [2]int64{5, 40})
		})
	}
}

// Another process may commit all the time. What is committed while the transaction begins may be read again, the rest not.
func TestCollectAgain_WhileAnotherProcessCommits(t *testing.T) {
	h, db := longHistory(t), fresh(t)
	writer, err := sql.Open("sqlite3", h.path)
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	writer.SetMaxOpenConns(1)
	commit := func(n int) error {
		_, err := writer.Exec(`UPDATE message SET text = ?, attributedBody = NULL WHERE ROWID = 200`, fmt.Sprint("edited ", n))
		return err
	}
	for _, statement := range []string{"PRAGMA journal_mode = WAL", "PRAGMA wal_autocheckpoint = 0", "PRAGMA synchronous = OFF"} {
		if _, err := writer.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := commit(0); err != nil {
		t.Fatal(err)
	}
	stop, stopped := make(chan struct{}), make(chan error)
	go func() {
		for n := 1; ; n++ {
			select {
			case <-stop:
				stopped <- nil
				return
			case <-time.After(100 * time.Microsecond):
			}
			if n > 2000 { // the WAL must not outgrow a slow reader
				continue
			}
			if err := commit(n); err != nil {
				stopped <- err
				return
			}
		}
	}()
	collectInto(t, h.path, db, sources.Options{})
	for range 5 {
		if again := collectInto(t, h.path, db, sources.Options{}); again.summary.Read > 60 {
			t.Errorf("%d rows were read", again.summary.Read)
		}
	}
	close(stop)
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
	h.wantAsAfresh(db, [2]int64{0, 60})
}

// A converted file holds no record of how its rows were read, so the first collect after the conversion reads all rows.
// The next one does not.
func TestFormer_IsReadAsAWholeOnlyOnce(t *testing.T) {
	mac, phone := formerSources(t)
	db, err := messages.Open(t.Context(), formerFile(t, "one", mac, phone))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if first := collectInto(t, mac.path, db, sources.Options{}); first.summary.Read != first.summary.Total {
		t.Errorf("%d of %d rows were read", first.summary.Read, first.summary.Total)
	}
	mac.wantAsAfresh(db, [2]int64{0, 0})
}
