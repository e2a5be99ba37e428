package tokenizer

import "math/bits"

// A mergeTable maps pairs of tokens to the rank of their merge and to what it makes. It is a hash table of its own, since
// a Go map takes twice the time to fill and to ask.
type mergeTable struct {
	slots []mergeSlot // a power of two, at most half full; rank < 0 marks a free one
	shift uint8
}

type mergeSlot struct {
	pair   uint64 // left token in the upper half, right token in the lower
	rank   int32
	result int32
}

const noRank = int32(1<<31 - 1)

func newMergeTable(count int) mergeTable {
	size := max(4, 1<<bits.Len(uint(2*count)))
	m := mergeTable{slots: make([]mergeSlot, size), shift: uint8(64 - bits.Len(uint(size-1)))}
	for i := range m.slots {
		m.slots[i].rank = -1
	}
	return m
}

func pairOf(left, right int32) uint64 { return uint64(uint32(left))<<32 | uint64(uint32(right)) }

// slot returns the slot of pair, or the free one where it belongs.
func (m *mergeTable) slot(pair uint64) *mergeSlot {
	i := pair * 0x9E3779B97F4A7C15 >> m.shift
	for {
		s := &m.slots[i&uint64(len(m.slots)-1)]
		if s.pair == pair || s.rank < 0 {
			return s
		}
		i++
	}
}

// set overwrites what the pair had before: of a merge listed twice, Hugging Face knows the last.
func (m *mergeTable) set(left, right, rank, result int32) {
	pair := pairOf(left, right)
	*m.slot(pair) = mergeSlot{pair, rank, result}
}

// rank returns the rank of a merge and what it makes, or noRank.
func (m *mergeTable) rank(left, right int32) (rank, result int32) {
	s := m.slot(pairOf(left, right))
	if s.rank < 0 {
		return noRank, 0
	}
	return s.rank, s.result
}
