package tokenizer

import (
	"math/bits"
	"sync"
)

const (
	firstCacheSlots = 1 << 10
	mostCacheSlots  = 1 << 16 // 4 MB
	cachedWordSize  = 32      // bytes; longer words are rare
	cachedIDs       = 7
)

// A wordCache holds the ids of words for one goroutine at a time, and grows with their number. An entry is one cache line
// without pointers: looking up a word is what a tokenizer does most, and entries behind pointers made it half as fast.
type wordCache struct {
	slots []cachedWord // a power of two
	puts  int          // number of puts since the cache last grew
}

func newWordCache() *wordCache { return &wordCache{slots: make([]cachedWord, firstCacheSlots)} }

type cachedWord struct {
	key    wordKey
	ids    [cachedIDs]int32
	count  uint8 // of ids
	size   uint8 // of the word; 0 for an empty slot
	recent bool  // used since it last escaped eviction
}

// A wordKey is the bytes of a word, padded with zeros.
type wordKey [cachedWordSize / 8]uint64

// keyOf returns the key of s[i:end], which has at most cachedWordSize bytes.
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

// hash need not resist attacks: words that collide only evict each other.
func (k *wordKey) hash() uint64 {
	const odd = 0x9E3779B97F4A7C15
	h := k[0] * odd
	if k[1] != 0 {
		h = (bits.RotateLeft64(h, 23) ^ k[1]) * odd
		h = (bits.RotateLeft64(h, 23) ^ k[2]) * odd
		h = (bits.RotateLeft64(h, 23) ^ k[3]) * odd
	}
	return h >> 32
}

func (e *cachedWord) holds(key *wordKey, size int) bool {
	return e.key[0] == key[0] && int(e.size) == size && (size <= 8 || e.key == *key)
}

// get returns the entry of a word, or nil. A word is in one of two neighboring slots.
func (c *wordCache) get(hash uint64, key *wordKey, size int) *cachedWord {
	i := hash & uint64(len(c.slots)-1)
	e := &c.slots[i]
	if !e.holds(key, size) {
		e = &c.slots[i^1]
		if !e.holds(key, size) {
			return nil
		}
	}
	if !e.recent {
		e.recent = true
	}
	return e
}

// put adds a word in place of whichever neighbor was not used recently.
func (c *wordCache) put(hash uint64, key *wordKey, size int, ids []int32) {
	if len(ids) > cachedIDs {
		return
	}
	if c.puts++; c.puts > len(c.slots) && len(c.slots) < mostCacheSlots {
		c.grow()
	}
	e := c.victim(hash)
	*e = cachedWord{key: *key, count: uint8(len(ids)), size: uint8(size)}
	copy(e.ids[:], ids)
}

// victim returns the slot that a word with this hash takes.
func (c *wordCache) victim(hash uint64) *cachedWord {
	i := hash & uint64(len(c.slots)-1)
	e, other := &c.slots[i], &c.slots[i^1]
	if e.recent {
		e, other = other, e
	}
	if e.recent {
		other.recent = false
	}
	return e
}

func (c *wordCache) grow() {
	old := c.slots
	c.slots, c.puts = make([]cachedWord, 4*len(old)), 0
	for _, e := range old {
		if e.size > 0 {
			*c.victim(e.key.hash()) = e
		}
	}
}

// A cachePool lends wordCaches to the goroutines that encode, and holds as many as were ever in use at once. (A sync.Pool
// would drop them at each garbage collection.)
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
	return newWordCache()
}

func (p *cachePool) give(c *wordCache) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = append(p.free, c)
}
