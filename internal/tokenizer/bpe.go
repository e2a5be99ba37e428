package tokenizer

import (
	"container/heap"
	"slices"
)

// appendWords appends the ids of normalized text.
func (t *Tokenizer) appendWords(dst []int32, s string) []int32 {
	cache := t.caches.take()
	defer t.caches.give(cache)
	p := splitter{runeClasses()}
	for i := 0; i < len(s); {
		end := p.wordEnd(s, i)
		switch n := end - i; {
		case n == 1:
			dst = append(dst, t.vocab.byted[s[i]])
		case n <= cachedWordSize:
			dst = t.appendCached(dst, s, i, end, cache)
		case n <= longestShort:
			dst = t.mergeShort(dst, s[i:end])
		default:
			dst = t.mergeLong(dst, s[i:end])
		}
		i = end
	}
	return dst
}

// appendCached appends the ids of the word s[i:end], and caches them.
func (t *Tokenizer) appendCached(dst []int32, s string, i, end int, cache *wordCache) []int32 {
	key := keyOf(s, i, end)
	hash := key.hash()
	if e := cache.get(hash, &key, end-i); e != nil {
		start := len(dst)
		if cap(dst)-start < cachedIDs {
			dst = slices.Grow(dst, cachedIDs)
		}
		*(*[cachedIDs]int32)(dst[start : start+cachedIDs]) = e.ids // copying all of them is cheaper than counting
		return dst[:start+int(e.count)]
	}
	start := len(dst)
	dst = t.mergeShort(dst, s[i:end])
	cache.put(hash, &key, end-i, dst[start:])
	return dst
}

// longestShort is in bytes; mergeLong is faster for longer words.
const longestShort = 48

// mergeShort repeats the merge of lowest rank on the bytes of word, the leftmost if there are several, until none is left. It
// takes time quadratic in the length, which is at most longestShort.
func (t *Tokenizer) mergeShort(dst []int32, word string) []int32 {
	// Of the remaining parts: their ids, and the rank and result of the merge with the next part.
	var ids, ranks, made [longestShort + 1]int32
	n := len(word)
	for i := range n {
		ids[i] = t.vocab.byted[word[i]]
	}
	rerank := func(i int) {
		ranks[i] = noRank
		if i+1 < n {
			ranks[i], made[i] = t.merges.rank(ids[i], ids[i+1])
		}
	}
	for i := range n {
		rerank(i)
	}
	for {
		best := 0
		for i := 1; i < n; i++ {
			if ranks[i] < ranks[best] {
				best = i
			}
		}
		if ranks[best] == noRank {
			return append(dst, ids[:n]...)
		}
		ids[best] = made[best]
		copy(ids[best+1:n-1], ids[best+2:n])
		copy(ranks[best+1:n-1], ranks[best+2:n])
		copy(made[best+1:n-1], made[best+2:n])
		n--
		rerank(best)
		if best > 0 {
			rerank(best - 1)
		}
	}
}

// A part is a token of a long word. Parts form a linked list; one that was merged into its left neighbor has no id.
type part struct {
	id, prev, next int32
}

const gone = -1

// A candidate is a merge of parts[at] with its right neighbor that was possible when it was queued.
type candidate struct {
	rank, at, result int32
	right            int32 // id of the neighbor at that time
	left             int32 // id of parts[at] at that time
}

// candidates is a heap ordered by rank, then position.
type candidates []candidate

func (c candidates) Len() int { return len(c) }
func (c candidates) Less(i, j int) bool {
	return c[i].rank < c[j].rank || c[i].rank == c[j].rank && c[i].at < c[j].at
}
func (c candidates) Swap(i, j int) { c[i], c[j] = c[j], c[i] }
func (c *candidates) Push(x any)   { *c = append(*c, x.(candidate)) }
func (c *candidates) Pop() any {
	last := len(*c) - 1
	x := (*c)[last]
	*c = (*c)[:last]
	return x
}

// mergeLong is mergeShort for words of any length, in O(n log n).
func (t *Tokenizer) mergeLong(dst []int32, word string) []int32 {
	parts := make([]part, len(word))
	for i := range parts {
		parts[i] = part{t.vocab.byted[word[i]], int32(i - 1), int32(i + 1)}
	}
	parts[len(parts)-1].next = gone
	var queue candidates
	consider := func(at int32, push func(candidate)) {
		if at == gone || parts[at].next == gone {
			return
		}
		left, right := parts[at].id, parts[parts[at].next].id
		if rank, result := t.merges.rank(left, right); rank != noRank {
			push(candidate{rank, at, result, right, left})
		}
	}
	for i := range parts {
		consider(int32(i), func(c candidate) { queue = append(queue, c) })
	}
	heap.Init(&queue)
	for len(queue) > 0 {
		c := heap.Pop(&queue).(candidate)
		left := &parts[c.at]
		if left.id != c.left || left.next == gone || parts[left.next].id != c.right {
			continue // one of the two has been merged since
		}
		removed := &parts[left.next]
		left.id, left.next, removed.id = c.result, removed.next, gone
		if left.next != gone {
			parts[left.next].prev = c.at
		}
		consider(left.prev, func(c candidate) { heap.Push(&queue, c) })
		consider(c.at, func(c candidate) { heap.Push(&queue, c) })
	}
	dst = slices.Grow(dst, len(parts)/4)
	for _, p := range parts {
		if p.id != gone {
			dst = append(dst, p.id)
		}
	}
	return dst
}
