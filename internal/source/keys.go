package source

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"
)

// Keys makes identifiers for messages whose export has none: of the chat, the sender, the time and the words, and of how
// many such messages came before at that time. So a message has the same in every export that holds it, and two that
// say the same within a minute are two.
type Keys struct {
	seen map[string]*moment // by chat
}

// moment is what was said in a chat at one time.
type moment struct {
	at    time.Time
	count map[[sha256.Size]byte]uint64
}

// GUID returns the identifier of the next message.
func (k *Keys) GUID(chat, sender string, at time.Time, words string) string {
	m := k.seen[chat]
	if m == nil {
		if k.seen == nil {
			k.seen = make(map[string]*moment)
		}
		m = &moment{count: map[[sha256.Size]byte]uint64{}}
		k.seen[chat] = m
	}
	if !m.at.Equal(at) {
		m.at = at
		clear(m.count)
	}
	key := digest(chat, sender, at.UTC().Format(time.RFC3339Nano), words)
	nth := m.count[key]
	m.count[key]++
	if nth > 0 {
		key = sha256.Sum256(binary.AppendUvarint(key[:], nth))
	}
	return uuid(key)
}

// Hashed is an identifier of names that belong together, such as a program's own identifier of a chat and of a message.
func Hashed(parts ...string) string { return uuid(digest(parts...)) }

func digest(parts ...string) [sha256.Size]byte {
	var joined []byte
	for _, part := range parts {
		joined = binary.AppendUvarint(joined, uint64(len(part)))
		joined = append(joined, part...)
	}
	return sha256.Sum256(joined)
}

// uuid spells a digest as the store keeps it in the fewest bytes.
func uuid(d [sha256.Size]byte) string {
	return fmt.Sprintf("%X-%X-%X-%X-%X", d[:4], d[4:6], d[6:8], d[8:10], d[10:16])
}
