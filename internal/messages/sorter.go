package messages

import (
	"slices"
	"unsafe"
)

// sorter sorts values without pointers: as many as fit into memory at a time, which are merged at the end.
type sorter[T any] struct {
	pile[T]
	compare func(a, b T) int
	ends    []int64 // where each sorted run in the file ends, in values
}

func newSorter[T any](s *scratch, compare func(a, b T) int) *sorter[T] {
	return &sorter[T]{pile: *newPile[T](s), compare: compare}
}

func (s *sorter[T]) add(v T) error {
	if len(s.held) == s.limit {
		s.sort()
		if err := s.push(); err != nil {
			return err
		}
		s.ends = append(s.ends, s.stored)
	}
	s.held = append(s.held, v)
	return nil
}

func (s *sorter[T]) sort() { slices.SortFunc(s.held, s.compare) }

// stream reads a sorter's values in order.
type stream[T any] struct {
	compare func(a, b T) int
	runs    []run[T] // a heap by what they begin with
}

// sorted begins to read the values in order. It may be called again.
func (s *sorter[T]) sorted() (*stream[T], error) {
	s.sort()
	out := &stream[T]{compare: s.compare}
	var v T
	begin := int64(0)
	for _, end := range s.ends {
		out.runs = append(out.runs, run[T]{file: s.file, at: begin * int64(unsafe.Sizeof(v)), left: end - begin})
		begin = end
	}
	out.runs = append(out.runs, run[T]{ready: s.held})
	for i := range out.runs {
		if err := out.runs[i].advance(); err != nil {
			return nil, err
		}
	}
	out.runs = slices.DeleteFunc(out.runs, func(r run[T]) bool { return r.head == nil })
	for i := len(out.runs)/2 - 1; i >= 0; i-- {
		out.sink(i)
	}
	return out, nil
}

// sink puts a run of the heap where it belongs.
func (s *stream[T]) sink(i int) {
	for {
		least := i
		for _, child := range [2]int{2*i + 1, 2*i + 2} {
			if child < len(s.runs) && s.compare(*s.runs[child].head, *s.runs[least].head) < 0 {
				least = child
			}
		}
		if least == i {
			return
		}
		s.runs[i], s.runs[least] = s.runs[least], s.runs[i]
		i = least
	}
}

// next returns the least value that is left, and whether there was one.
func (s *stream[T]) next() (v T, some bool, err error) {
	if len(s.runs) == 0 {
		return v, false, nil
	}
	first := &s.runs[0]
	v = *first.head
	if err = first.advance(); first.head == nil {
		last := len(s.runs) - 1
		s.runs[0], s.runs = s.runs[last], s.runs[:last]
	}
	s.sink(0)
	return v, true, err
}
