package telegram

import (
	"errors"
	"fmt"
	"io"
)

// The limits of an export, far above what Telegram Desktop writes: a message has at most 4,096 characters.
const (
	largestValue = 4 << 20 // bytes of a message, or of another value that is in memory as a whole
	deepest      = 1000    // levels of values that are skipped
	mostChats    = 200_000
)

// errLimit matches the errors of exports beyond a limit.
var errLimit = errors.New("the export is beyond a limit")

// limitedReader limits how much a json.Decoder reads for one value, which it keeps in memory. It reads more only when a value needs
// more than it has.
type limitedReader struct {
	in     io.Reader
	offset func() int64 // of the end of the last value in what was read
	read   int64
}

func (l *limitedReader) Read(p []byte) (int, error) {
	if l.read-l.offset() > largestValue {
		return 0, fmt.Errorf("%w: a message or another value is longer than %d MiB", errLimit, largestValue>>20)
	}
	n, err := l.in.Read(p)
	l.read += int64(n)
	return n, err
}
