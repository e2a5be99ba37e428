package tokenizer

import "math/bits"

// A mergeTable maps pairs of tokens to the rank and the result of their merge. It is a custom hash table because a Go map
// takes twice as long to fill and to read.
type mergeTable struct {
	slots []mergeSlot // a power of two, at most half full; rank < 0 marks a free slot
	// maybe is a filter with bits set by hash. Most pairs looked up have no merge, and unlike the slots, the filter fits into
	// the processor's cache.
	maybe []uint64
}

type mergeSlot struct {
	pair   uint64 // left token in the upper half, right token in the lower
	rank   int32
	result int32
}

const noRank = int32(1<<31 - 1)

func newMergeTable(count int) mergeTable {
	size := max(64, 1<<bits.Len(uint(2*count)))
	m := mergeTable{
		slots: make([]mergeSlot, size),
		maybe: make([]uint64, size*filterBits/64),
	}
	for i := range m.slots {
		m.slots[i].rank = -1
	}
	return m
}

// filterBits is the number of bits in maybe for each slot.
const filterBits = 4

func hashPair(left, right int32) (pair, hash uint64) {
	pair = uint64(uint32(left))<<32 | uint64(uint32(right))
	hash = pair * 0x9E3779B97F4A7C15
	return pair, hash ^ hash>>32
}

// slot returns the slot of pair, or the free slot where it belongs.
func (m *mergeTable) slot(pair, hash uint64) *mergeSlot {
	for i := hash; ; i++ {
		s := &m.slots[i&uint64(len(m.slots)-1)]
		if s.pair == pair || s.rank < 0 {
			return s
		}
	}
}

// filter returns the word and the bit in maybe of a hash.
func (m *mergeTable) filter(hash uint64) (word *uint64, bit uint64) {
	return &m.maybe[hash/64&uint64(len(m.maybe)-1)], 1 << (hash % 64)
}

// set replaces an earlier entry of the pair: Hugging Face uses the last of a repeated merge.
func (m *mergeTable) set(left, right, rank, result int32) {
	pair, hash := hashPair(left, right)
	*m.slot(pair, hash) = mergeSlot{pair, rank, result}
	word, bit := m.filter(hash)
	*word |= bit
}

// rank returns the rank and the result of a merge, or noRank.
func (m *mergeTable) rank(left, right int32) (rank, result int32) {
	pair, hash := hashPair(left, right)
	if word, bit := m.filter(hash); *word&bit == 0 {
		return noRank, 0
	}
	s := m.slot(pair, hash)
	if s.rank < 0 {
		return noRank, 0
	}
	return s.rank, s.result
}
