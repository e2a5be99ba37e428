package imessage_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/imessage"
	"ventriloquist/internal/sources/imessage/chatdb"
)

const benchMessages = 100_000

// writeHistory writes a database of n messages like those of a busy year: twenty direct chats and five groups, a tenth
// reactions, some replies and photos.
func writeHistory(tb testing.TB, path string, n int) {
	tb.Helper()
	w, err := chatdb.Create(path, chatdb.Latest)
	if err != nil {
		tb.Fatal(err)
	}
	var handles, chats []int64
	for i := range 20 {
		handles = append(handles, w.Handle(fmt.Sprintf("+1555%07d", i), "iMessage"))
		chats = append(chats, w.Chat(chatdb.Chat{Handles: handles[i:]}))
	}
	for i := range 5 {
		chats = append(chats, w.Chat(chatdb.Chat{Group: true, Handles: handles[i : i+4]}))
	}
	at := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	last := ""
	for i := range n {
		at = at.Add(time.Duration(i%7) * time.Minute)
		who := i * 7 % len(chats)
		m := chatdb.Message{Chat: chats[who], Handle: handles[who%20], FromMe: i%3 == 0, Date: at}
		switch {
		case i%10 == 9:
			m.Tapback, m.Target = chatdb.Loved+i/10%6, "p:0/"+last
		case i%50 == 8:
			m.Attachments = []int64{w.Attachment(chatdb.Attachment{GUID: fmt.Sprint("at_0_", i), Filename: fmt.Sprintf("~/x/IMG_%d.HEIC", i), MIMEType: "image/heic"})}
			m.Body = chatdb.Parts(chatdb.Part{Attachment: fmt.Sprint("at_0_", i)})
		default:
			m.Text = fmt.Sprintf("message %d: are we still on for tonight, or was it tomorrow?", i)
		}
		if i%33 == 5 {
			m.ReplyTo = last
		}
		last = w.Message(m)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
}

// BenchmarkCollect reads 100,000 messages into a new messages.db.
func BenchmarkCollect(b *testing.B) {
	folder := b.TempDir()
	path, target := filepath.Join(folder, "chat.db"), filepath.Join(folder, "messages.db")
	writeHistory(b, path, benchMessages)
	for b.Loop() {
		os.Remove(target)
		source, err := imessage.Open(b.Context(), path, "")
		if err != nil {
			b.Fatal(err)
		}
		db, err := messages.Create(b.Context(), target)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := source.Collect(b.Context(), db, sources.Options{}); err != nil {
			b.Fatal(err)
		}
		source.Close()
		db.Close()
	}
	b.ReportMetric(float64(benchMessages*b.N)/b.Elapsed().Seconds(), "messages/s")
}
