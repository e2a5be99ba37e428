package androidsms

import (
	"errors"
	"fmt"
)

// The largest message that is read, without the contents of files, which are never in memory. Carriers accept a few MiB with files.
const (
	longestMessage = 4 << 20
	mostDamage     = 1000      // damaged spots
	mostParts      = 10_000    // and addresses
	deepest        = 64        // levels of elements; the app writes four
	largestChats   = 128 << 20 // bytes of the addresses of all chats, which are in memory
)

// errLimit matches the errors of messages above a limit.
var errLimit = errors.New("the backup is beyond a limit")

// errEntities is the error of a backup whose texts are in its entities: <!ENTITY a "&b;&b;">. They are never expanded.
var errEntities = fmt.Errorf("%w: it declares entities (<!ENTITY), which are not expanded", errLimit)

func checkCount(n int, what string) error {
	if n > mostParts {
		return fmt.Errorf("%w: a message has more than %d %s", errLimit, mostParts, what)
	}
	return nil
}
