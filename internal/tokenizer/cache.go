package tokenizer

import (
	"slices"
	"strings"
	"sync/atomic"
)

const (
	// longestCached is in bytes; longer words hardly come twice.
	longestCached = 48
	// cacheSlots bounds the cache to some 8 MB. A word may lie in either of two neighbours.
	cacheSlots = 1 << 16
)

// A wordCache remembers the ids of words. Entries never change, only the slots that hold them do, so it needs no lock;
// two goroutines that put at once lose one of the entries.
type wordCache struct {
	slots [cacheSlots]atomic.Pointer[cachedWord]
}

type cachedWord struct {
	word string
	ids  []int32
}

func (c *wordCache) get(hash uint64, word string) ([]int32, bool) {
	i := hash % cacheSlots
	if e := c.slots[i].Load(); e != nil && e.word == word {
		return e.ids, true
	}
	if e := c.slots[i^1].Load(); e != nil && e.word == word {
		return e.ids, true
	}
	return nil, false
}

func (c *wordCache) put(hash uint64, word string, ids []int32) {
	i := hash % cacheSlots
	// A newcomer takes the second place; what was there before was not asked for as often as to have moved up.
	e := &cachedWord{strings.Clone(word), slices.Clone(ids)}
	if c.slots[i].Load() == nil {
		c.slots[i].Store(e)
	} else {
		c.slots[i^1].Store(e)
	}
}

// hashWord mixes up to 8 bytes at a time. It need not withstand an attacker: words that collide only evict each other.
func hashWord(s string) uint64 {
	const k = 0x9E3779B97F4A7C15
	h := uint64(len(s)) * k
	for len(s) > 8 {
		h = (h ^ load64(s)) * k
		h ^= h >> 29
		s = s[8:]
	}
	h = (h ^ loadTail(s)) * k
	return h ^ h>>32
}

func load64(s string) uint64 {
	b := s[:8]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}

// loadTail loads 1 to 8 bytes, different ones for different strings of one length.
func loadTail(s string) uint64 {
	n := len(s)
	if n >= 4 {
		head, tail := s[:4], s[n-4:]
		return uint64(head[0]) | uint64(head[1])<<8 | uint64(head[2])<<16 | uint64(head[3])<<24 |
			uint64(tail[0])<<32 | uint64(tail[1])<<40 | uint64(tail[2])<<48 | uint64(tail[3])<<56
	}
	return uint64(s[0]) | uint64(s[n/2])<<8 | uint64(s[n-1])<<16
}
