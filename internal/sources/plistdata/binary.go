package plistdata

import (
	"encoding/binary"
	"fmt"
)

const (
	magic       = "bplist"
	headerSize  = 8
	trailerSize = 32
)

// The kinds of objects, the upper half of the first byte.
const (
	kindSimple = 0x0
	kindInt    = 0x1
	kindReal   = 0x2
	kindDate   = 0x3
	kindData   = 0x4
	kindASCII  = 0x5
	kindUTF16  = 0x6
	kindUID    = 0x8
	kindArray  = 0xA
	kindDict   = 0xD
)

// binaryList is a binary property list: objects that refer to one another by number, and a table of their offsets.
type binaryList struct {
	data             []byte
	count, top       uint64
	table            uint64 // offset of the table, the end of the objects
	offsetSize, refs uint64 // bytes of an offset and of a reference
}

// container is an object with references to others.
type container struct {
	first, count uint64 // offset and number of the references
}

func checkBinary(data []byte) error {
	if len(data) < headerSize+trailerSize+1 {
		return errDamaged
	}
	trailer := data[len(data)-trailerSize:]
	l := &binaryList{data: data, offsetSize: uint64(trailer[6]), refs: uint64(trailer[7]), count: binary.BigEndian.Uint64(trailer[8:]),
		top: binary.BigEndian.Uint64(trailer[16:]), table: binary.BigEndian.Uint64(trailer[24:])}
	end := uint64(len(data) - trailerSize)
	switch {
	case l.offsetSize < 1 || l.offsetSize > 8 || l.refs < 1 || l.refs > 8 || l.table <= headerSize || l.table >= end:
		return errDamaged
	case l.count > mostValues:
		return errMany
	case l.top >= l.count || l.count*l.offsetSize > end-l.table:
		return errDamaged
	}
	containers, err := l.containers()
	if err != nil {
		return err
	}
	return l.checkNesting(containers)
}

// containers returns all objects; those that contain no others have no references. Together the objects cannot be longer than the
// file, unless they overlap.
func (l *binaryList) containers() ([]container, error) {
	list := make([]container, l.count)
	total := uint64(0)
	for i := range list {
		at := l.integer(l.table+uint64(i)*l.offsetSize, l.offsetSize)
		if at < headerSize || at >= l.table {
			return nil, errDamaged
		}
		c, size, err := l.object(at)
		if err != nil {
			return nil, err
		}
		if total += size; total > l.table {
			return nil, fmt.Errorf("%w: its objects overlap", errDamaged)
		}
		list[i] = c
	}
	return list, nil
}

// object reads the first bytes of an object, and returns its size.
func (l *binaryList) object(at uint64) (c container, size uint64, err error) {
	kind, low := l.data[at]>>4, uint64(l.data[at]&0xF)
	content, count := at+1, low
	switch kind {
	case kindSimple:
		count = 0
	case kindInt:
		if low > 4 {
			return c, 0, errDamaged
		}
		count = 1 << low
	case kindReal:
		if low > 3 {
			return c, 0, errDamaged
		}
		count = 1 << low
	case kindDate:
		count = 8
	case kindUID:
		count = low + 1
	case kindData, kindASCII, kindUTF16, kindArray, kindDict:
		if low == 0xF {
			if content, count, err = l.length(at + 1); err != nil {
				return c, 0, err
			}
		}
	default:
		return c, 0, errDamaged
	}
	switch kind {
	case kindUTF16:
		count *= 2
	case kindArray:
		c = container{content, count}
		count *= l.refs
	case kindDict:
		c = container{content, 2 * count}
		count *= 2 * l.refs
	}
	if content > l.table || count > l.table-content {
		return c, 0, errDamaged
	}
	return c, content - at + count, nil
}

// length reads the length of an object that does not fit its first byte: an integer object.
func (l *binaryList) length(at uint64) (content, length uint64, err error) {
	if at >= l.table || l.data[at]>>4 != kindInt || l.data[at]&0xF > 3 {
		return 0, 0, errDamaged
	}
	size := uint64(1) << (l.data[at] & 0xF)
	if at+1+size > l.table {
		return 0, 0, errDamaged
	}
	if length = l.integer(at+1, size); length > uint64(len(l.data)) {
		return 0, 0, errDamaged
	}
	return at + 1 + size, length, nil
}

func (l *binaryList) integer(at, size uint64) (n uint64) {
	for _, b := range l.data[at : at+size] {
		n = n<<8 | uint64(b)
	}
	return n
}

// checkNesting counts what the top object contains, as often as it contains it, without recursion.
func (l *binaryList) checkNesting(list []container) error {
	type visit struct{ object, next uint64 }
	const open = -1
	values := make([]int64, len(list)) // that an object contains, with itself; 0 before it is visited
	stack := []visit{{object: l.top}}
	values[l.top] = open
	for len(stack) > 0 {
		v := &stack[len(stack)-1]
		c := list[v.object]
		if v.next < c.count {
			child := l.integer(c.first+v.next*l.refs, l.refs)
			switch {
			case child >= l.count:
				return errDamaged
			case values[child] == open:
				return fmt.Errorf("%w: an object contains itself", errDamaged)
			case values[child] > 0:
				v.next++
			case len(stack) == deepest:
				return errDeep
			default:
				values[child] = open
				stack = append(stack, visit{object: child})
			}
			continue
		}
		total := int64(1)
		for i := range c.count {
			if total += values[l.integer(c.first+i*l.refs, l.refs)]; total > mostValues {
				return errMany
			}
		}
		values[v.object] = total
		stack = stack[:len(stack)-1]
	}
	return nil
}
