package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ventriloquist/internal/regularfile"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/imessage/chatdb"
	"ventriloquist/internal/usererr"
)

// writeChat writes a chat.db with a message, a reaction to it, and a junk message.
func writeChat(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "chat.db")
	w, err := chatdb.Create(path, chatdb.Latest)
	if err != nil {
		t.Fatal(err)
	}
	john := w.Handle("+15550000001", "iMessage")
	chat := w.Chat(chatdb.Chat{Handles: []int64{john}})
	at := time.Date(2024, 3, 15, 12, 0, 0, 0, time.UTC)
	guid := w.Message(chatdb.Message{Chat: chat, Handle: john, Date: at, Text: "hey"})
	w.Message(chatdb.Message{Chat: chat, FromMe: true, Date: at, Tapback: chatdb.Loved, Target: "p:0/" + guid})
	w.Message(chatdb.Message{Chat: chat, Handle: john, Date: at, Text: "win", Columns: map[string]any{"is_spam": 1}})
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRunCollect_SummaryAddsUp(t *testing.T) {
	source, data := writeChat(t), t.TempDir()
	var out bytes.Buffer
	if err := runCollect(t.Context(), collectOptions{source: source, dataDir: data, json: true}, &out); err != nil {
		t.Fatal(err)
	}
	var result collectResult
	if err := json.Unmarshal(out.Bytes(), &result); err != nil {
		t.Fatal(err)
	}
	sum := int64(0)
	for _, f := range result.Fates {
		sum += f.Rows
	}
	if result.Rows != 3 || sum != 3 || result.Messages != 2 || result.Conversations != 1 || result.Source != source {
		t.Errorf("summary is %s", out.String())
	}
	if result.Database != filepath.Join(data, "messages.db") {
		t.Errorf("database is %s", result.Database)
	}
}

func TestRunCollect_SummaryInWords(t *testing.T) {
	source, data := writeChat(t), t.TempDir()
	var out bytes.Buffer
	if err := runCollect(t.Context(), collectOptions{source: source, dataDir: data}, &out); err != nil {
		t.Fatal(err)
	}
	want := "3 rows in " + source + ":\n  1 message\n  1 reaction\n  1 junk\n2 messages, reactions included, of 1 conversation are in " + filepath.Join(data, "messages.db") + "\n"
	if got := out.String(); got != want {
		t.Errorf("printed\n%s\nwant\n%s", got, want)
	}
}

// A summary counts in words that fit the number: no "1 messages", and 50,000 with a separator.
func TestCollectResult_CountsInWords(t *testing.T) {
	for _, c := range []struct {
		result collectResult
		want   string
	}{
		{collectResult{Source: "a", Database: "d", Unit: "lines", Rows: 1, Read: 1, Messages: 1, Conversations: 1, Gone: 1, Forgotten: 1,
			Fates: []rowFate{{sources.Messages.String(), 1}}}, "1 line in a:\n  1 message\n1 message, reactions included, of 1 conversation is in d\n" +
			"1 message removed: no longer in the source (--keep-gone keeps such messages)\n1 message of forgotten people left out\n"},
		{collectResult{Source: "a", Database: "d", Unit: "messages and reactions", Rows: 50_000, Read: 50_000, Messages: 50_000, Conversations: 1_200,
			Fates: []rowFate{{sources.Messages.String(), 49_999}, {sources.Reactions.String(), 1}}},
			"50,000 messages and reactions in a:\n  49,999 messages\n       1 reaction\n50,000 messages, reactions included, of 1,200 conversations are in d\n"},
	} {
		var out bytes.Buffer
		if err := c.result.print(&out); err != nil || out.String() != c.want {
			t.Errorf("printed\n%s\nwant\n%s", out.String(), c.want)
		}
	}
}

// Row `menu a`: 47,547 messages and 2,453 reactions became 50,607 messages, and nothing said why.
func TestCollectResult_SaysWhyCountsDiffer(t *testing.T) {
	for messages, want := range map[int64]bool{3: false, 4: true, 2: true} {
		r := collectResult{Unit: "rows", Rows: 4, Read: 4, Messages: messages, Conversations: 1,
			Fates: []rowFate{{sources.Messages.String(), 2}, {sources.Reactions.String(), 1}, {sources.Junk.String(), 1}}}
		var out bytes.Buffer
		if err := r.print(&out); err != nil || strings.Contains(out.String(), "counted over all sources") != want {
			t.Errorf("%d messages of 3 rows are told as\n%s", messages, out.String())
		}
	}
}

// Each fate that is counted in the plural has a singular.
func TestInNumber_KnowsAllFates(t *testing.T) {
	for fate := sources.Messages; fate <= sources.Unread; fate++ {
		word, _, _ := strings.Cut(fate.String(), " ")
		one := inNumber(1, fate.String())
		if strings.HasSuffix(word, "s") && one == fate.String() {
			t.Errorf("there is no singular of %q", fate)
		}
		if many := inNumber(2, fate.String()); many != fate.String() {
			t.Errorf("2 of %q are %q", fate, many)
		}
	}
}

func TestRunCollect_FailureLeavesNothing(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	err := runCollect(t.Context(), collectOptions{source: filepath.Join(t.TempDir(), "chat.db"), dataDir: data}, &bytes.Buffer{})
	if err == nil {
		t.Fatal("there was nothing to collect")
	}
	if _, err := os.Stat(data); err == nil {
		t.Errorf("%s was created", data)
	}
}

func TestExpandHome_LeadingTildeOnly(t *testing.T) {
	t.Setenv("HOME", "/home/aidan")
	for path, want := range map[string]string{"~/x": "/home/aidan/x", "/x/~/y": "/x/~/y", "x": "x"} {
		if got, err := expandHome(path); err != nil || got != want {
			t.Errorf("%q is %q (%v), want %q", path, got, err, want)
		}
	}
	if !strings.HasPrefix(defaultSource, "~/") {
		t.Error("the default is not in the home folder")
	}
}

// Whatever the format, a pipe is named for what it is, at once.
func TestRunCollect_RefusesAPipe(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := unix.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, format := range append([]string{""}, formatNames()...) {
		err := runCollect(t.Context(), collectOptions{source: pipe, format: format, dataDir: t.TempDir()}, io.Discard)
		if !errors.Is(err, regularfile.ErrKind) || !strings.Contains(err.Error(), pipe+" is a pipe") || usererr.Of(err) == "" {
			t.Errorf("format %q: error %v", format, err)
		}
	}
}
