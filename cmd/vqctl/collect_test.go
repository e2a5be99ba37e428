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
	want := "3 rows in " + source + ":\n  1 messages\n  1 reactions\n  1 junk\n2 messages, reactions included, of 1 conversations are in " + filepath.Join(data, "messages.db") + "\n"
	if got := out.String(); got != want {
		t.Errorf("printed\n%s\nwant\n%s", got, want)
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
	for _, format := range append([]string{""}, strings.Split(formatNames(), ", ")...) {
		err := runCollect(t.Context(), collectOptions{source: pipe, format: format, dataDir: t.TempDir()}, io.Discard)
		if !errors.Is(err, regularfile.ErrKind) || !strings.Contains(err.Error(), pipe+" is a pipe") || usererr.Of(err) == "" {
			t.Errorf("format %q: error %v", format, err)
		}
	}
}
