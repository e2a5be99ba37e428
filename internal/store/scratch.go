package store

import (
	"errors"
	"io"
	"os"
	"slices"
	"unsafe"
)

// scratch makes files for what does not fit into memory. They lie beside messages.db, without a name, so that nothing is
// left of them whatever happens.
type scratch struct {
	dir   string
	files []*os.File
}

func (s *scratch) file() (*os.File, error) {
	f, err := os.CreateTemp(s.dir, ".collecting-*")
	if err != nil {
		return nil, err
	}
	s.files = append(s.files, f)
	return f, os.Remove(f.Name())
}

// Close gives the room back.
func (s *scratch) Close() {
	for _, f := range s.files {
		f.Close()
	}
	s.files = nil
}

// asBytes is the memory of values without pointers.
func asBytes[T any](list []T) []byte {
	if len(list) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&list[0])), len(list)*int(unsafe.Sizeof(list[0])))
}

// pile holds values without pointers in the order in which they came: those that come beyond a limit push what is there
// into a file.
type pile[T any] struct {
	scratch *scratch
	held    []T
	limit   int
	file    *os.File
	stored  int64 // how many are in the file
}

// heldBytes is how much of a pile is held in memory; tests hold less.
var heldBytes = 4 << 20

func newPile[T any](s *scratch) *pile[T] {
	var v T
	return &pile[T]{scratch: s, limit: heldBytes / int(unsafe.Sizeof(v))}
}

func (p *pile[T]) count() int64 { return p.stored + int64(len(p.held)) }

func (p *pile[T]) add(v T) error {
	if len(p.held) == p.limit {
		if err := p.push(); err != nil {
			return err
		}
	}
	p.held = append(p.held, v)
	return nil
}

func (p *pile[T]) push() (err error) {
	if p.file == nil {
		if p.file, err = p.scratch.file(); err != nil {
			return err
		}
	}
	if _, err := p.file.Write(asBytes(p.held)); err != nil {
		return err
	}
	p.stored += int64(len(p.held))
	p.held = p.held[:0]
	return nil
}

// each calls visit for all values in order.
func (p *pile[T]) each(visit func(*T) error) error {
	in := run[T]{file: p.file, left: p.stored}
	for {
		v, err := in.next()
		if err != nil {
			return err
		}
		if v == nil {
			break
		}
		if err := visit(v); err != nil {
			return err
		}
	}
	for i := range p.held {
		if err := visit(&p.held[i]); err != nil {
			return err
		}
	}
	return nil
}

// run reads values that follow each other in a file, or in memory.
type run[T any] struct {
	file   *os.File
	at     int64 // the byte in the file
	left   int64 // values not read yet
	buffer []T
	ready  []T
	head   *T // as advance left it
}

const runBuffer = 4096 // values

// next returns the next value, nil after the last. It is overwritten by a later one.
func (r *run[T]) next() (*T, error) {
	if len(r.ready) == 0 {
		if r.left == 0 {
			return nil, nil
		}
		if r.buffer == nil {
			r.buffer = make([]T, runBuffer)
		}
		r.ready = r.buffer[:min(r.left, runBuffer)]
		bytes := asBytes(r.ready)
		if _, err := r.file.ReadAt(bytes, r.at); err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		r.at, r.left = r.at+int64(len(bytes)), r.left-int64(len(r.ready))
	}
	v := &r.ready[0]
	r.ready = r.ready[1:]
	return v, nil
}

// advance makes the next value the head, nil behind the last.
func (r *run[T]) advance() (err error) {
	r.head, err = r.next()
	return err
}

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
