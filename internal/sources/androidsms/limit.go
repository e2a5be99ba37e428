package androidsms

import (
	"errors"
	"fmt"
	"io"
)

// The largest message that is read, without the contents of files, which are never in memory. Carriers accept a few MiB with files.
const (
	longestMessage = 16 << 20
	mostParts      = 10_000    // and addresses
	deepest        = 64        // levels of elements; the app writes four
	largestChats   = 128 << 20 // bytes of the addresses of all chats, which are in memory
)

// errLimit matches the errors of messages above a limit.
var errLimit = errors.New("the backup is beyond a limit")

// limitedReader limits how much is read for one message: encoding/xml keeps a whole attribute in memory, whatever its size.
type limitedReader struct {
	in   io.Reader
	read int
}

// reset begins another message.
func (l *limitedReader) reset() { l.read = 0 }

func (l *limitedReader) Read(p []byte) (int, error) {
	if l.read > longestMessage {
		return 0, fmt.Errorf("%w: a message is longer than %d MiB without its files", errLimit, longestMessage>>20)
	}
	n, err := l.in.Read(p)
	l.read += n
	return n, err
}

func checkCount(n int, what string) error {
	if n > mostParts {
		return fmt.Errorf("%w: a message has more than %d %s", errLimit, mostParts, what)
	}
	return nil
}
