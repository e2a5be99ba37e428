package windows_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/messages/messagestest"
	"ventriloquist/internal/windows"
)

// benchMessages is the size of the history that the benchmarks turn into windows.
const benchMessages = 100_000

// benchHistory is ten direct chats and ten groups in turn, with a reply every ten messages and a reaction every twenty.
func benchHistory(b *testing.B) *messages.DB {
	b.Helper()
	db := newDB(b)
	words := strings.Fields("so are we still on for tonight I can bring the thing you asked about if it fits in the car")
	list := make([]messagestest.Message, benchMessages)
	for i := range list {
		chat := i / 37 % 20
		members := []string{fmt.Sprintf("+1555%04d", chat)}
		if chat >= 10 {
			members = append(members, "+15559998", "+15559999")
		}
		m := messagestest.Message{Group: chat >= 10, Members: messages.Members(members...), Row: int64(i), GUID: fmt.Sprintf("%08X-0000-4000-8000-000000000000", i),
			Date: monday.UnixNano() + int64(i)*90e9, Text: strings.Join(words[:1+i*7%len(words)], " ") + " naïve", TargetPart: messages.WholeMessage}
		if i%2 == 0 {
			m.Sender = members[i%len(members)]
		}
		if i%10 == 3 {
			m.TargetGUID = fmt.Sprintf("%08X-0000-4000-8000-000000000000", i-1)
		}
		if i%20 == 3 {
			m.Kind, m.Text = messages.Reaction, "Loved"
		}
		list[i] = m
	}
	messagestest.Fill(b, db, list...)
	return db
}

func benchOptions() windows.Options {
	return windows.Options{Owner: "Aidan", Window: 100, Stride: 1,
		People: func(address string) (string, bool) { return "P" + address[5:], true }}
}

// Bound by SQLite: one row read and two written per message.
func BenchmarkBuild(b *testing.B) {
	db := benchHistory(b)
	b.ReportAllocs()
	var messages int64
	for b.Loop() {
		messages += rebuild(b, benchOptions(), db).Messages
	}
	b.ReportMetric(float64(messages)/b.Elapsed().Seconds(), "messages/s")
}

type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

func BenchmarkExport(b *testing.B) {
	db := benchHistory(b)
	rebuild(b, benchOptions(), db)
	b.ReportAllocs()
	var size counter
	for b.Loop() {
		if err := windows.Export(context.Background(), db, &size, nil); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(size) / int64(b.N))
}

func BenchmarkOpenFile(b *testing.B) {
	path := writeFile(b, export(b, options(100, 1), exampleDB(b)))
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(info.Size())
	for b.Loop() {
		s, err := windows.OpenFile(context.Background(), path, nil)
		if err != nil {
			b.Fatal(err)
		}
		s.Close()
	}
}

// Each list returns windows of a hundred messages in no particular order.
func BenchmarkWindow(b *testing.B) {
	db := exampleDB(b)
	fromFile := openText(b, export(b, options(100, 1), db))
	fromDatabase, err := windows.OpenDatabase(context.Background(), db.Path(), nil)
	if err != nil {
		b.Fatal(err)
	}
	defer fromDatabase.Close()
	for name, s := range map[string]windows.List{"File": fromFile, "Database": fromDatabase} {
		b.Run(name, func(b *testing.B) {
			i := 0
			for b.Loop() {
				window(b, s, i*7919%s.Len())
				i++
			}
		})
	}
}

// exampleDB is a long direct chat.
func exampleDB(b *testing.B) *messages.DB {
	b.Helper()
	texts := make([]string, 5000)
	for i := range texts {
		texts[i] = fmt.Sprintf("message %d: \"so are we still on for tonight\", she said naïvely", i)
	}
	db := newDB(b)
	fill(b, db, said(texts...))
	return db
}
