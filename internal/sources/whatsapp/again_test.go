package whatsapp_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/sourcetest"
	"ventriloquist/internal/sources/whatsapp"
)

// spoken is a message of a chat, as the phones know it.
type spoken struct {
	at   time.Time
	name string
	text string // or the name of a photo
	file bool
}

// history is a chat in which the same is said often, also within a minute.
func history(random *rand.Rand) []spoken {
	at := time.Date(2024, 3, 15, 19, 0, 0, 0, time.UTC)
	var list []spoken
	for i := range 60 {
		at = at.Add(time.Duration(random.IntN(50)) * time.Second)
		m := spoken{at: at, name: []string{"John", "Aidan"}[random.IntN(2)], text: []string{"ok", "yes", "no way"}[random.IntN(3)]}
		if m.file = random.IntN(4) == 0; m.file {
			m.text = fmt.Sprintf("IMG-20240315-WA%04d.jpg", i)
		}
		list = append(list, m)
	}
	return list
}

// export writes a part of a chat as one of the phones does.
func export(list []spoken, iPhone, media bool) string {
	var out strings.Builder
	for _, m := range list {
		text := m.text
		switch {
		case m.file && iPhone && media:
			text = "\u200e<attached: " + text + ">"
		case m.file && iPhone:
			text = "\u200eimage omitted"
		case m.file && media:
			text += " (file attached)"
		case m.file:
			text = "<Media omitted>"
		}
		if iPhone {
			fmt.Fprintf(&out, "[%s] %s: %s\r\n", m.at.Format("02.01.06, 15:04:05"), m.name, text)
		} else {
			fmt.Fprintf(&out, "%s - %s: %s\n", m.at.Format("02/01/2006, 15:04"), m.name, text)
		}
	}
	return out.String()
}

// minute is the number of the first message at or after i that begins a minute.
func minute(list []spoken, i int) int {
	for i > 0 && i < len(list) && list[i].at.Truncate(time.Minute).Equal(list[i-1].at.Truncate(time.Minute)) {
		i++
	}
	return i
}

// Exports of parts of a chat, with media and without, of either phone and in any order, make one chat: every message once,
// every file whose name some export has, in order.
func TestCollect_ReExportsMakeOneChat(t *testing.T) {
	for seed := range uint64(12) {
		random := rand.New(rand.NewPCG(seed, 7))
		list := history(random)
		db, err := messages.Create(t.Context(), filepath.Join(t.TempDir(), "messages.db"))
		if err != nil {
			t.Fatal(err)
		}
		seen := make([]bool, len(list))
		for range 5 {
			from, to := minute(list, random.IntN(30)), minute(list, 31+random.IntN(30))
			media := random.IntN(2) == 0
			for i := from; i < to; i++ {
				seen[i] = seen[i] || media || !list[i].file
			}
			path := filepath.Join(t.TempDir(), "WhatsApp Chat with John.txt")
			if err := os.WriteFile(path, []byte(export(list[from:to], random.IntN(2) == 0, media)), 0o600); err != nil {
				t.Fatal(err)
			}
			r, err := whatsapp.Open(path, sourcetest.Reading("Aidan"))
			if err != nil {
				t.Fatal(err)
			}
			summary, err := sources.Export{Reader: r}.Collect(t.Context(), db, sources.Options{})
			if err != nil || summary.Gone > 0 {
				t.Fatalf("seed %d: %d messages are gone (%v)", seed, summary.Gone, err)
			}
		}
		var want []string
		for i, m := range list {
			if seen[i] {
				want = append(want, m.name+" "+m.text)
			}
		}
		if got := stored(t, db); !slices.Equal(got, want) {
			t.Errorf("seed %d: the store holds\n%s\nwant\n%s", seed, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		db.Close()
	}
}

// stored are the messages of a store, in order within each conversation.
func stored(t *testing.T, db *messages.DB) (lines []string) {
	t.Helper()
	reader, err := db.Reader(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	conversations, err := reader.Conversations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range conversations {
		err = reader.WindowMessages(t.Context(), []messages.Conversation{c}, func(m *messages.WindowMessage) error {
			name := m.Sender
			if name == messages.Owner {
				name = "Aidan"
			}
			lines = append(lines, name+" "+m.Text)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return lines
}
