package sqlitepages

import (
	"encoding/binary"
	"errors"
	"math"
)

// The types of pages in a table's tree, by their first byte.
const (
	interiorPage = 5
	leafPage     = 13
)

var errPage = errors.New("a page makes no sense")

// treeHeader returns the offset of a page's tree header. Page 1 starts with the header of the file.
func treeHeader(number uint32) int {
	if number == 1 {
		return 100
	}
	return 0
}

// chainsOf returns the first overflow page of each row of a leaf that has one; nil if there are none or the page is not a
// leaf. The page may contain any bytes: if it only looks like a leaf, the result is never used.
func (s *survey) chainsOf(number uint32, page []byte) (chains []uint32) {
	header := treeHeader(number)
	if page[header] != leafPage {
		return nil
	}
	cells := int(binary.BigEndian.Uint16(page[header+3:]))
	for i := range cells {
		pointer := header + 8 + 2*i
		if pointer+2 > len(page) {
			break
		}
		cell := page[min(int(binary.BigEndian.Uint16(page[pointer:])), len(page)):]
		payload, n := varint(cell)
		_, m := varint(cell[n:])
		if local := s.local(payload); uint64(local) < payload && n+m+local+4 <= len(cell) {
			chains = append(chains, binary.BigEndian.Uint32(cell[n+m+local:]))
		}
	}
	return chains
}

// local returns how many bytes of a payload are stored on the leaf itself.
func (s *survey) local(payload uint64) int {
	most := s.usable - 35
	if payload <= uint64(most) {
		return int(payload)
	}
	least := (s.usable-12)*32/255 - 23
	if n := least + int((payload-uint64(least))%uint64(s.usable-4)); n <= most {
		return n
	}
	return least
}

// varint decodes SQLite's integer of one to nine bytes, the most significant first. It returns 0, 0 if the data ends
// early.
func varint(b []byte) (value uint64, size int) {
	for i := range min(len(b), 9) {
		if i == 8 {
			return value<<8 | uint64(b[i]), 9
		}
		value = value<<7 | uint64(b[i]&0x7f)
		if b[i] < 0x80 {
			return value, i + 1
		}
	}
	return 0, 0
}

// leavesOf walks the tree of a table from its root to the leaves.
func (s *survey) leavesOf(root uint32) []Leaf {
	w := walk{survey: s}
	if w.page(root, math.MaxInt64, 0); w.lost {
		return []Leaf{{math.MaxInt64, Unknown}}
	}
	return w.leaves
}

// walk is a walk over one tree.
type walk struct {
	*survey
	leaves  []Leaf
	visited int  // interior pages: no tree has more of them than the file has pages
	lost    bool // the pages are no tree: they form a circle, or their rows are out of order
}

// maxDepth limits the depth of a tree: a deeper one would have more pages than a file can hold.
const maxDepth = 20

// page visits a page whose rows end at last. What is below a page that is damaged, or that may have been in the middle of a
// change, is unknown.
func (w *walk) page(number uint32, last int64, depth int) {
	if w.visited++; w.visited > len(w.sums) || depth > maxDepth {
		w.lost = true
	}
	if w.lost {
		return
	}
	page, err := w.read(number)
	if err != nil || w.isChanging(number) {
		w.add(last, Unknown)
		return
	}
	header := treeHeader(number)
	switch page[header] {
	case leafPage:
		w.leaf(number, last)
	case interiorPage:
		w.children(page[header:], page, last, depth)
	default:
		w.add(last, Unknown)
	}
}

// isChanging reports whether a page was committed when the transaction may already have begun.
func (w *walk) isChanging(number uint32) bool { return w.wal.logs(number, w.since) }

// isUnknown reports whether the content of a page is not known for certain.
func (w *walk) isUnknown(number uint32) bool {
	_, logged := w.wal.offsets[number]
	return w.isChanging(number) || w.unread[number] && !logged
}

// children visits the children of an interior page, whose tree header and what follows it are head.
func (w *walk) children(head, page []byte, last int64, depth int) {
	cells := int(binary.BigEndian.Uint16(head[3:]))
	if 12+2*cells > len(head) {
		w.add(last, Unknown)
		return
	}
	leaves := w.overLeaves(head[12:], page, cells)
	visit := func(child uint32, last int64) {
		if leaves {
			w.leaf(child, last)
		} else {
			w.page(child, last, depth+1)
		}
	}
	for i := range cells {
		child, key, err := interiorCell(page, int(binary.BigEndian.Uint16(head[12+2*i:])))
		if err != nil {
			w.add(last, Unknown)
			return
		}
		visit(child, key)
	}
	visit(binary.BigEndian.Uint32(head[8:]), last)
}

// overLeaves reports whether the children of an interior page are leaves. All leaves of a tree have the same depth, so
// one child tells; the first one that makes sense is read.
func (w *walk) overLeaves(pointers, page []byte, cells int) bool {
	for i := range cells {
		child, _, err := interiorCell(page, int(binary.BigEndian.Uint16(pointers[2*i:])))
		if err != nil {
			continue
		}
		content, err := w.read(child)
		if err != nil {
			continue
		}
		switch content[treeHeader(child)] {
		case leafPage:
			return true
		case interiorPage:
			return false
		}
	}
	return false
}

// interiorCell decodes a cell: a child page and the last row ID in it.
func interiorCell(page []byte, at int) (child uint32, key int64, err error) {
	if at+5 > len(page) {
		return 0, 0, errPage
	}
	value, n := varint(page[at+4:])
	if n == 0 {
		return 0, 0, errPage
	}
	return binary.BigEndian.Uint32(page[at:]), int64(value), nil
}

// leaf adds a leaf page. Its checksum includes the overflow pages of its rows.
func (w *walk) leaf(number uint32, last int64) {
	if number == 0 || int(number) >= len(w.sums) || w.isUnknown(number) {
		w.add(last, Unknown)
		return
	}
	sum := w.sums[number]
	for _, at := range w.overflow[number] {
		for steps := 0; at != 0; steps++ {
			if int(at) >= len(w.sums) || steps > len(w.sums) || w.isUnknown(at) {
				w.add(last, Unknown)
				return
			}
			sum = sum*0x9E3779B97F4A7C15 + w.sums[at]
			at = w.next[at]
		}
	}
	if sum &= sumMask; sum == Unknown {
		sum++
	}
	w.add(last, sum)
}

// add adds the rows up to last.
func (w *walk) add(last int64, sum uint64) {
	if n := len(w.leaves); n > len(w.sums) || n > 0 && w.leaves[n-1].Last > last {
		w.lost = true
		return
	}
	w.leaves = append(w.leaves, Leaf{last, sum})
}
