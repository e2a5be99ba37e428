package sources_test

import (
	"io"
	"strings"
	"testing"

	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/sourcetest"
)

// An export may have 100,000 files, most of them small.
func TestUTF8_SmallFilesTakeLittleMemory(t *testing.T) {
	const files, most = 1000, 16 << 20
	allocated := sourcetest.Allocated(func() {
		for range files {
			if _, err := io.Copy(io.Discard, sources.UTF8(strings.NewReader("a short text of one chat"))); err != nil {
				t.Fatal(err)
			}
		}
	})
	if allocated > most {
		t.Errorf("%d files take %d MiB", files, allocated>>20)
	}
}
