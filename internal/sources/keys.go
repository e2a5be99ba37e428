package sources

import (
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// Keys makes identifiers for messages whose export has none. An identifier depends on the chat, the sender, the time, the
// words, and the number of identical messages before. So a message has the same identifier in every export that holds it,
// and two identical messages within a minute have different ones.
type Keys struct {
	seen map[uint64]uint32 // how often, by the first bytes of a digest
}

// GUID returns the identifier of the next message.
func (k *Keys) GUID(chat, sender string, at time.Time, words string) string {
	if k.seen == nil {
		k.seen = make(map[uint64]uint32)
	}
	var form [40]byte
	when := at.UTC().AppendFormat(form[:0], time.RFC3339Nano)
	joined := join(join(make([]byte, 0, 512), chat), sender)
	joined = append(binary.AppendUvarint(joined, uint64(len(when))), when...)
	key := sha256.Sum256(join(joined, words))
	short := binary.BigEndian.Uint64(key[:])
	nth := k.seen[short]
	k.seen[short]++
	if nth > 0 {
		key = sha256.Sum256(binary.AppendUvarint(key[:], uint64(nth)))
	}
	return uuid(key)
}

// Seen holds the identifiers of messages already read: some exports have messages twice.
type Seen map[[16]byte]struct{}

// IsNew records an identifier that this package made, and reports whether it is new.
func (s *Seen) IsNew(guid string) bool {
	var key [16]byte
	digits := 0
	for i := range len(guid) {
		if c := guid[i]; c != '-' && digits < 2*len(key) {
			key[digits/2] = key[digits/2]<<4 | hexValue(c)
			digits++
		}
	}
	_, seen := (*s)[key]
	if *s == nil {
		*s = make(Seen)
	}
	(*s)[key] = struct{}{}
	return !seen
}

// hexValue returns the value of a hexadecimal digit.
func hexValue(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c&7 + 9
}

// Hashed returns an identifier made of names that belong together, such as a program's own identifiers of a chat and a
// message.
func Hashed(parts ...string) string { return uuid(digest(parts...)) }

func digest(parts ...string) [sha256.Size]byte {
	joined := make([]byte, 0, 512)
	for _, part := range parts {
		joined = join(joined, part)
	}
	return sha256.Sum256(joined)
}

// join appends a part with its length.
func join(to []byte, part string) []byte {
	return append(binary.AppendUvarint(to, uint64(len(part))), part...)
}

// uuid formats a digest in the form that the store keeps in the fewest bytes.
func uuid(d [sha256.Size]byte) string {
	const digits = "0123456789ABCDEF"
	out := make([]byte, 0, 36)
	for i, b := range d[:16] {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			out = append(out, '-')
		}
		out = append(out, digits[b>>4], digits[b&15])
	}
	return string(out)
}
