package sqlitepages

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
)

// Leaf is a leaf page of a table. It holds all rows after the previous leaf, up to and including Last.
type Leaf struct {
	Last int64
	Sum  uint64 // a checksum of its rows, or Unknown
}

// Unknown is the checksum of rows that could not be read, or that may have been in the middle of a change. It never equals
// another one, so these rows may always have changed. A Leaf with this checksum may stand for several pages.
const Unknown = 0

// sumBytes is the stored size of a checksum: one change in 2^40 goes undetected.
const (
	sumBytes = 5
	sumMask  = 1<<(8*sumBytes) - 1
)

// Range is the row ids from First to Last, inclusive.
type Range struct{ First, Last int64 }

// Changed returns the ranges of rows that may have changed, sorted and disjoint.
func Changed(old, new []Leaf) []Range {
	var changed []Range
	i, j := 0, 0
	before, after := int64(math.MinInt64), int64(math.MinInt64) // where the current leaves begin
	for i < len(old) || j < len(new) {
		switch {
		case i < len(old) && j < len(new) && old[i] == new[j] && old[i].Sum != Unknown && before == after:
			before, after = next(old[i].Last), next(new[j].Last)
			i, j = i+1, j+1
		case j >= len(new) || i < len(old) && old[i].Last <= new[j].Last:
			changed = append(changed, Range{before, old[i].Last})
			before = next(old[i].Last)
			i++
		default:
			changed = append(changed, Range{after, new[j].Last})
			after = next(new[j].Last)
			j++
		}
	}
	return Union(changed)
}

// Invalidate makes the checksums of leaves with rows in the given ranges unknown.
func Invalidate(leaves []Leaf, ranges []Range) {
	first := int64(math.MinInt64)
	for i := range leaves {
		if slices.ContainsFunc(ranges, func(r Range) bool { return r.First <= leaves[i].Last && first <= r.Last }) {
			leaves[i].Sum = Unknown
		}
		first = next(leaves[i].Last)
	}
}

func next(row int64) int64 {
	if row == math.MaxInt64 {
		return row
	}
	return row + 1
}

// Union sorts ranges and merges adjacent ones.
func Union(ranges []Range) []Range {
	slices.SortFunc(ranges, func(a, b Range) int {
		if a.First < b.First {
			return -1
		}
		return 1
	})
	joined := ranges[:0]
	for _, r := range ranges {
		if n := len(joined); n > 0 && (joined[n-1].Last == math.MaxInt64 || r.First <= joined[n-1].Last+1) {
			joined[n-1].Last = max(joined[n-1].Last, r.Last)
			continue
		}
		joined = append(joined, r)
	}
	return joined
}

// Subtract returns what remains of sorted, disjoint ranges without others.
func Subtract(ranges, without []Range) []Range {
	rest := slices.Clone(ranges)
	for _, w := range without {
		var left []Range
		for _, r := range rest {
			if w.Last < r.First || r.Last < w.First {
				left = append(left, r)
				continue
			}
			if r.First < w.First {
				left = append(left, Range{r.First, w.First - 1})
			}
			if w.Last < r.Last {
				left = append(left, Range{w.Last + 1, r.Last})
			}
		}
		rest = left
	}
	return rest
}

// AppendLeaves appends the encoding of a list of leaves.
func AppendLeaves(dst []byte, leaves []Leaf) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(leaves)))
	last := int64(0)
	for _, leaf := range leaves {
		dst = binary.AppendVarint(dst, leaf.Last-last)
		last = leaf.Last
		var sum [8]byte
		binary.LittleEndian.PutUint64(sum[:], leaf.Sum)
		dst = append(dst, sum[:sumBytes]...)
	}
	return dst
}

// ParseLeaves is the inverse of AppendLeaves; rest is the data after the list.
func ParseLeaves(data []byte) (leaves []Leaf, rest []byte, err error) {
	n, size := binary.Uvarint(data)
	if size <= 0 || n > uint64(len(data)) {
		return nil, nil, errLeaves
	}
	data = data[size:]
	leaves = make([]Leaf, n)
	last := int64(0)
	for i := range leaves {
		step, size := binary.Varint(data)
		if size <= 0 || len(data) < size+sumBytes {
			return nil, nil, errLeaves
		}
		last += step
		var sum [8]byte
		copy(sum[:], data[size:size+sumBytes])
		leaves[i] = Leaf{last, binary.LittleEndian.Uint64(sum[:])}
		data = data[size+sumBytes:]
	}
	return leaves, data, nil
}

var errLeaves = errors.New("a list of leaves ends early")
