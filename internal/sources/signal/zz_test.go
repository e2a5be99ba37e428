package signal_test

import (
	"context"
	"testing"

	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/signal"
	"ventriloquist/internal/sources/sourcetest"
)

type null struct{ sources.Sink }

func (null) Message(*sources.Message) error { return nil }
func (null) Seen(*sources.Message) error    { return nil }
func (null) Count(sources.Fate, int64)      {}
func (null) Name(string, string)            {}
func (null) Same(string, string)            {}
func (null) Own(string)                     {}
func (null) Progress(int64, int64)          {}

func BenchmarkX(b *testing.B) {
	for range b.N {
		r, err := signal.Open(context.Background(), "/tmp/signal15/Signal2", "", b.TempDir(), sourcetest.Reading())
		if err != nil {
			b.Fatal(err)
		}
		n, err := r.Read(context.Background(), null{})
		if err != nil || n != 110000 {
			b.Fatal(n, err)
		}
		r.Close()
	}
}
