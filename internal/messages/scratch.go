package messages

import (
	"errors"
	"io"
	"os"
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
