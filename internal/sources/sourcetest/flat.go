package sourcetest

import (
	"runtime"
	"strings"
	"testing"

	"ventriloquist/internal/sources"
)

const (
	manyMessages = 2000
	longMessage  = 8 << 10 // bytes
	mostHeld     = 8 << 20 // bytes in memory while a history of 16 MiB is read
)

// Long joins many long messages, which must differ by their number.
func Long(message func(i int, text string) string) string {
	text := strings.Repeat("words ", longMessage/len("words "))
	var all strings.Builder
	for i := range manyMessages {
		all.WriteString(message(i+1, text))
	}
	return all.String()
}

// LongRows begins a statement of SQLite that reads as many long messages from the table many: their number i, and their text words.
const LongRows = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000), many(i, words) AS (SELECT i, 'words ' || i || hex(zeroblob(4096)) FROM n) `

// Flat checks that a reader of many long messages holds few of them in memory. No other test may run at the same time.
func Flat[R sources.Reader](t testing.TB, open func(string, sources.Reading) (R, error), path string, own ...string) {
	t.Helper()
	s := measuring{Sink: NewSink(), before: inUse()}
	r, err := open(path, Reading(own...))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	dated, finish := sources.Undated(&s)
	if _, err = r.Read(t.Context(), dated); err == nil {
		err = finish()
	}
	if err != nil || s.messages < manyMessages {
		t.Errorf("%d of %d messages are read (%v), damage %q", s.messages, manyMessages, err, s.Damage)
	}
	if s.most > s.before+mostHeld {
		t.Errorf("%d MiB are in memory", (s.most-s.before)>>20)
	}
}

// measuring is a sink that keeps no messages, and measures the memory in use.
type measuring struct {
	*Sink
	before, most uint64
	messages     int
}

func (s *measuring) Message(*sources.Message) error {
	const every = manyMessages / 4
	if s.messages++; s.messages%every == 0 {
		s.most = max(s.most, inUse())
	}
	return nil
}

// inUse returns how many bytes are in use.
func inUse() uint64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}
