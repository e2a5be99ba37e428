package tokenizer

import (
	"math/bits"
	"sync"
)

const (
	cacheSlots     = 1 << 16
	cachedWordSize = 32 // bytes; longer words are rare
	cachedIDs      = 7
)

// A wordCache remembers the ids of words for one goroutine at a time. An entry is one cache line without pointers:
// looking a word up is the most frequent thing that a tokenizer does, and shared entries behind pointers made it twice
// as slow.
type wordCache struct {
	slots [cacheSlots]cachedWord
}

type cachedWord struct {
	key    wordKey
	ids    [cachedIDs]int32
	count  uint8 // of ids
	size   uint8 // of the word, 0 for an empty slot
	recent bool  // asked for since it last escaped eviction
}

// A wordKey is the bytes of a word, then zeros.
type wordKey [cachedWordSize / 8]uint64

// keyOf returns the key of s[i:end], which is not longer than cachedWordSize.
func keyOf(s string, i, end int) (key wordKey) {
	n := end - i
	if n <= 8 && i+8 <= len(s) {
		key[0] = load64(s[i:]) & (1<<(8*n) - 1)
		return key
	}
	var padded [cachedWordSize]byte
	copy(padded[:], s[i:end])
	for j := range key {
		key[j] = load64(padded[8*j:])
	}
	return key
}

func load64[S string | []byte](s S) uint64 {
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// place returns the first of the two neighbouring slots where a word may lie. It need not withstand an attacker: words
// that collide only evict each other.
func (k *wordKey) place() uint64 {
	const odd = 0x9E3779B97F4A7C15
	h := k[0] * odd
	if k[1] != 0 {
		h = (bits.RotateLeft64(h, 23) ^ k[1]) * odd
		h = (bits.RotateLeft64(h, 23) ^ k[2]) * odd
		h = (bits.RotateLeft64(h, 23) ^ k[3]) * odd
	}
	return h >> (64 - 16)
}

func (e *cachedWord) holds(key *wordKey, size int) bool {
	return e.key[0] == key[0] && int(e.size) == size && (size <= 8 || e.key == *key)
}

// get returns the entry of a word, or nil.
func (c *wordCache) get(place uint64, key *wordKey, size int) *cachedWord {
	e := &c.slots[place%cacheSlots]
	if !e.holds(key, size) {
		e = &c.slots[place%cacheSlots^1]
		if !e.holds(key, size) {
			return nil
		}
	}
	if !e.recent {
		e.recent = true
	}
	return e
}

// put adds a word, in the place of the neighbour that was not asked for lately.
func (c *wordCache) put(place uint64, key *wordKey, size int, ids []int32) {
	if len(ids) > cachedIDs {
		return
	}
	e, other := &c.slots[place%cacheSlots], &c.slots[place%cacheSlots^1]
	if e.recent {
		e, other = other, e
	}
	if e.recent {
		other.recent = false
	}
	*e = cachedWord{key: *key, count: uint8(len(ids)), size: uint8(size)}
	copy(e.ids[:], ids)
}

// A cachePool lends wordCaches to the goroutines that encode. It grows to as many as ever work at once. (A sync.Pool
// would forget them at each garbage collection.)
type cachePool struct {
	mu   sync.Mutex
	free []*wordCache
}

func (p *cachePool) take() *wordCache {
	p.mu.Lock()
	defer p.mu.Unlock()
	if last := len(p.free) - 1; last >= 0 {
		c := p.free[last]
		p.free = p.free[:last]
		return c
	}
	return new(wordCache)
}

func (p *cachePool) give(c *wordCache) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = append(p.free, c)
}
