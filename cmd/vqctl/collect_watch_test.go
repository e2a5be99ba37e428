package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ventriloquist/internal/sources/imessage/chatdb"
	"ventriloquist/internal/usererr"
)

// A watched database is collected again, and reported, when it changes, until the context ends.
func TestRunCollect_WatchCollectsChanges(t *testing.T) {
	source := writeChat(t)
	ctx, cancel := context.WithCancel(t.Context())
	in, out := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- runCollect(ctx, collectOptions{source: source, dataDir: t.TempDir(), watch: true}, out)
		out.Close()
	}()
	lines := bufio.NewScanner(in)
	for lines.Scan() && !strings.Contains(lines.Text(), "messages, reactions included") {
	}
	w, err := chatdb.Append(source, chatdb.Latest)
	if err != nil {
		t.Fatal(err)
	}
	w.Message(chatdb.Message{Chat: 1, Handle: 1, Date: time.Date(2024, 3, 15, 13, 0, 0, 0, time.UTC), Text: "news"})
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if !lines.Scan() || !strings.HasSuffix(lines.Text(), "  1 row new or changed: 3 messages (+1) of 1 conversation") {
		t.Errorf("after a change it says %q", lines.Text())
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
}

func TestRunCollect_CannotWatchAnExport(t *testing.T) {
	source := filepath.Join(t.TempDir(), "chats.jsonl")
	writeExport(t, source, 3)
	err := runCollect(t.Context(), collectOptions{source: source, format: "jsonl", dataDir: t.TempDir(), watch: true}, io.Discard)
	if !errors.Is(err, usererr.ErrUsage) {
		t.Errorf("error is %v", err)
	}
}

func TestRunCollect_SecondReadsChangesOnly(t *testing.T) {
	source, data := writeChat(t), t.TempDir()
	var first, second strings.Builder
	o := collectOptions{source: source, dataDir: data, json: true}
	if err := errors.Join(runCollect(t.Context(), o, &first), runCollect(t.Context(), o, &second)); err != nil {
		t.Fatal(err)
	}
	var a, b collectResult
	if err := errors.Join(json.Unmarshal([]byte(first.String()), &a), json.Unmarshal([]byte(second.String()), &b)); err != nil {
		t.Fatal(err)
	}
	if a.Read != 3 || a.Changed != 3 || b.Read != 0 || b.Changed != 0 || b.Rows != 3 || b.Messages != 2 || len(b.Fates) != 3 {
		t.Errorf("first\n%s\nagain\n%s", first.String(), second.String())
	}
}
