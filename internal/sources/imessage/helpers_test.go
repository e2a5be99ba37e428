package imessage_test

import (
	"compress/gzip"
	"fmt"
	"io"
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

// history is a database in the making: John and Mary, a direct chat with John, and a group of both.
type history struct {
	*chatdb.Writer
	t          *testing.T
	path       string
	john, mary int64
	dm, group  int64
	minute     int
}

func newHistory(t *testing.T, release chatdb.Release) *history {
	t.Helper()
	h := &history{t: t, path: filepath.Join(t.TempDir(), "chat.db")}
	var err error
	if h.Writer, err = chatdb.Create(h.path, release); err != nil {
		t.Fatal(err)
	}
	h.john, h.mary = h.Handle("+15550000001", "iMessage"), h.Handle("mary@x.org", "iMessage")
	h.dm = h.Chat(chatdb.Chat{Handles: []int64{h.john}})
	h.group = h.Chat(chatdb.Chat{Group: true, Handles: []int64{h.john, h.mary}})
	return h
}

// say adds a message of the direct chat, by John unless told otherwise, a minute after the last.
func (h *history) say(m chatdb.Message) string {
	if m.Chat == 0 && m.Chats == nil {
		m.Chat = h.dm
	}
	if m.Handle == 0 && !m.FromMe {
		m.Handle = h.john
	}
	if m.Date.IsZero() {
		m.Date = h.now()
	}
	return h.Message(m)
}

// now is a time after all earlier ones.
func (h *history) now() time.Time {
	h.minute++
	return time.Date(2024, 3, 15, 12, h.minute, 0, 0, time.UTC)
}

// collected is what a store holds, as a test reads it.
type collected struct {
	summary  sources.Summary
	messages []messages.WindowMessage
	files    []messages.Attachment
	// lines are the messages as "who kind: words <- quoted", in a conversation headed by its members.
	lines []string
}

// collect finishes the database and collects it into a fresh store.
func (h *history) collect() collected {
	h.t.Helper()
	if err := h.Close(); err != nil {
		h.t.Fatal(err)
	}
	db, err := messages.Create(h.t.Context(), filepath.Join(h.t.TempDir(), "messages.db"))
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { db.Close() })
	return collectInto(h.t, h.path, db, sources.Options{})
}

func collectInto(t *testing.T, path string, db *messages.DB, options sources.Options) collected {
	t.Helper()
	source, err := imessage.Open(t.Context(), path, "")
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	var c collected
	if c.summary, err = source.Collect(t.Context(), db, options); err != nil {
		t.Fatal(err)
	}
	var sum int64
	for _, n := range c.summary.Rows {
		sum += n
	}
	if sum != c.summary.Total {
		t.Errorf("the fates of %d rows are told, there are %d: %v", sum, c.summary.Total, c.summary.Rows)
	}
	c.read(t, db)
	return c
}

func (c *collected) read(t *testing.T, db *messages.DB) {
	t.Helper()
	reader, err := db.Reader(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	conversations, err := reader.Conversations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if c.files, err = db.Attachments(t.Context()); err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(conversations, func(a, b messages.Conversation) int { return strings.Compare(heading(a), heading(b)) })
	for _, conversation := range conversations {
		c.lines = append(c.lines, heading(conversation))
		err := reader.WindowMessages(t.Context(), []messages.Conversation{conversation}, func(m *messages.WindowMessage) error {
			c.messages = append(c.messages, *m)
			c.lines = append(c.lines, line(m))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

var who = map[string]string{messages.Owner: "me", "+15550000001": "john", "mary@x.org": "mary"}

func nick(address string) string {
	if n, known := who[address]; known {
		return n
	}
	return address
}

func heading(c messages.Conversation) string {
	var names []string
	for _, m := range c.Members {
		if !m.Absent {
			names = append(names, nick(m.Address))
		}
	}
	slices.Sort(names)
	kind := "direct"
	if c.Group {
		kind = "group"
	}
	return kind + " " + strings.Join(names, " ")
}

func line(m *messages.WindowMessage) string {
	s := fmt.Sprintf("%s %s: %s", nick(m.Sender), m.Kind, m.Text)
	if m.Replies {
		s += " <- " + m.QuotedText
	}
	return s
}

// want holds the collected lines against the expected ones.
func (c collected) want(t *testing.T, lines ...string) collected {
	t.Helper()
	if !slices.Equal(c.lines, lines) {
		t.Errorf("collected\n  %s\nwant\n  %s", strings.Join(c.lines, "\n  "), strings.Join(lines, "\n  "))
	}
	return c
}

// wantFate holds the number of rows of a fate against the expected one.
func (c collected) wantFate(t *testing.T, fate sources.Fate, n int64) collected {
	t.Helper()
	if c.summary.Rows[fate] != n {
		t.Errorf("%d rows are %s, want %d", c.summary.Rows[fate], fate, n)
	}
	return c
}

// columns sets columns of a row by name.
func columns(pairs ...any) map[string]any {
	set := make(map[string]any)
	for i := 0; i < len(pairs); i += 2 {
		set[pairs[i].(string)] = pairs[i+1]
	}
	return set
}

// unzipped returns the content of a .gz.
func unzipped(t *testing.T, path string) []byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	in, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	return content
}
