package windows_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/windows"
)

// BenchmarkMemory finds the memories of windows in a history of a million messages: in one conversation, the slowest case, and in 300.
// The first window of a conversation also makes its index, which is not measured.
func BenchmarkMemory(b *testing.B) {
	for _, conversations := range []int{1, 300} {
		b.Run(fmt.Sprintf("conversations=%d", conversations), func(b *testing.B) {
			list := windows.WithMemory(millionWindows(b, conversations), 256, func(line string) int { return len(line) / 3 })
			begun := time.Now()
			for c := range conversations {
				windowAt(b, list, list.Len()*(2*c+1)/(2*conversations))
			}
			indexed := time.Since(begun)
			i := 0
			for b.Loop() {
				windowAt(b, list, i*7919%list.Len())
				i++
			}
			b.ReportMetric(indexed.Seconds(), "index-s")
		})
	}
}

// millionWindows returns the windows of a million messages of frequent and rare words, as training tables.
func millionWindows(b *testing.B, conversations int) windows.List {
	b.Helper()
	const all, perDay, stride, size = 1_000_000, 200, 25, 100
	path := b.TempDir() + "/messages.db"
	db, err := messages.Create(context.Background(), path)
	if err != nil {
		b.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 1))
	frequency := rand.NewZipf(random, 1.1, 3, 50_000)
	tx, err := db.SQL().Begin()
	if err != nil {
		b.Fatal(err)
	}
	insert, err := tx.Prepare(`INSERT INTO training_messages (id, date, name, content_type, text) VALUES (?, ?, ?, 'text', ?)`)
	if err != nil {
		b.Fatal(err)
	}
	run := func(query string, args ...any) {
		if _, err := tx.Exec(query, args...); err != nil {
			b.Fatal(err)
		}
	}
	each := all / conversations
	for id := 1; id <= each*conversations; id++ {
		words := make([]string, 1+random.IntN(15))
		for i := range words {
			words[i] = fmt.Sprintf("w%d", frequency.Uint64())
		}
		date := monday.UnixNano() + int64((id-1)%each)*int64(24*3600e9/perDay)
		if _, err := insert.Exec(id, date, []string{"Ann", "Ben"}[id%2], strings.Join(words, " ")); err != nil {
			b.Fatal(err)
		}
	}
	for c := range conversations {
		first, last := c*each+1, (c+1)*each
		run(`INSERT INTO training_conversations VALUES (?, ?, ?, ?)`, c+1, fmt.Sprintf(`["Ann", "Ben", "P%03d"]`, c), first, last)
		run(`INSERT INTO training_run (conversation, first, last, stride, size, held_out) VALUES (?, ?, ?, ?, ?, 0)`, c+1, first, last, stride, size)
	}
	if err := tx.Commit(); err != nil {
		b.Fatal(err)
	}
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
	list, err := windows.OpenDatabase(context.Background(), path, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { list.Close() })
	return list
}
