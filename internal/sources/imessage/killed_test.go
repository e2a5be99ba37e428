package imessage_test

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/imessage/chatdb"
)

// TestChild is what the killed processes of TestKilled run: it collects one database into the other.
func TestChild(t *testing.T) {
	source, target := os.Getenv("VQ_CHILD_SOURCE"), os.Getenv("VQ_CHILD_TARGET")
	if source == "" {
		t.Skip("this is for TestKilled")
	}
	db, err := messages.Create(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	collectInto(t, source, db, sources.Options{})
}

// linesOf reads a store that somebody left, however that ended.
func linesOf(t *testing.T, path string) []string {
	t.Helper()
	db, err := messages.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var c collected
	c.read(t, db)
	return c.lines
}

// A process that is killed at any moment leaves what was there before or what should come of it, and the next collection
// goes on from either; whether it reads all rows or only what has changed.
func TestKilled_LeavesTheOldOrTheNew(t *testing.T) {
	for name, grow := range map[string]chatdb.History{"Whole": {Messages: 3000, Chats: 9, Seed: 2}, "WhatChanged": {Messages: 100, Chats: 9, Seed: 2}} {
		t.Run(name, func(t *testing.T) {
			source, target := filepath.Join(t.TempDir(), "chat.db"), filepath.Join(t.TempDir(), "messages.db")
			if err := chatdb.WriteHistory(source, chatdb.History{Messages: 3000, Chats: 9, Seed: 1}); err != nil {
				t.Fatal(err)
			}
			collectFile(t, source, target)
			before := linesOf(t, target)
			if err := chatdb.AppendHistory(source, grow); err != nil {
				t.Fatal(err)
			}
			old := readFile(t, target)
			start := time.Now()
			after := collectFile(t, source, filepath.Join(t.TempDir(), "messages.db")).lines
			whole := time.Since(start) + 50*time.Millisecond
			seen := map[string]int{}
			kills := 12
			if testing.Short() {
				kills = 2
			}
			for range kills {
				writeOver(t, target, old)
				killChild(t, source, target, time.Duration(rand.Int64N(int64(2*whole))))
				switch lines := linesOf(t, target); {
				case slices.Equal(lines, before):
					seen["old"]++
				case slices.Equal(lines, after):
					seen["new"]++
				default:
					t.Fatalf("it left neither: %d lines, before there were %d, after there should be %d", len(lines), len(before), len(after))
				}
				if again := collectFile(t, source, target); !slices.Equal(again.lines, after) {
					t.Fatal("the next collection went wrong")
				}
			}
			t.Logf("left: %v", seen)
		})
	}
}

func collectFile(t *testing.T, source, target string) collected {
	t.Helper()
	db, err := messages.Create(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	return collectInto(t, source, db, sources.Options{})
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func writeOver(t *testing.T, path string, data []byte) {
	t.Helper()
	os.Remove(path + "-journal")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// killChild starts a collection in a process of its own, and kills it.
func killChild(t *testing.T, source, target string, after time.Duration) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run", "^TestChild$")
	cmd.Env = append(os.Environ(), "VQ_CHILD_SOURCE="+source, "VQ_CHILD_TARGET="+target)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(after, func() { cmd.Process.Kill() })
	defer timer.Stop()
	cmd.Wait() // it was killed, or was done before
}
