package gguf

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"slices"
)

// Entry is a tensor to write. Write writes its data in its type, row-major.
type Entry struct {
	Name  string
	Type  Type
	Shape []int // row-major: rows before columns
	Write func(w io.Writer) error
}

// Size returns the number of bytes of the tensor's data.
func (e Entry) Size() (int64, error) {
	size, err := sizeOf(e.Type, e.fileShape())
	if err != nil {
		return 0, fmt.Errorf("tensor %q: %w", e.Name, err)
	}
	return int64(size), nil
}

func (e Entry) fileShape() []int {
	shape := slices.Clone(e.Shape)
	slices.Reverse(shape)
	return shape
}

// Write writes a file to w, one tensor after the other in the order given. The same input gives the same bytes.
func Write(w io.Writer, metadata []KeyValue, tensors []Entry) error {
	head, err := encodeHeader(metadata, tensors)
	if err != nil {
		return err
	}
	if _, err := w.Write(head); err != nil {
		return err
	}
	for _, t := range tensors {
		size, err := t.Size()
		if err != nil {
			return err
		}
		counted := &counter{w: w}
		if err := t.Write(counted); err != nil {
			return fmt.Errorf("tensor %q: %w", t.Name, err)
		}
		if counted.n != size {
			return fmt.Errorf("tensor %q: wrote %d bytes for %s of shape %v, which has %d", t.Name, counted.n, t.Type, t.Shape, size)
		}
		if _, err := w.Write(make([]byte, padded(uint64(size), defaultAlignment)-uint64(size))); err != nil {
			return err
		}
	}
	return nil
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// encodeHeader returns all that comes before the data, and its padding.
func encodeHeader(metadata []KeyValue, tensors []Entry) ([]byte, error) {
	e := &encoder{}
	e.WriteString(Magic)
	e.number(uint32(version))
	e.number(uint64(len(tensors)))
	e.number(uint64(len(metadata)))
	seen := map[string]bool{}
	for _, kv := range metadata {
		if seen[kv.Key] {
			return nil, fmt.Errorf("key %q would be written twice", kv.Key)
		}
		seen[kv.Key] = true
		e.string(kv.Key)
		if err := e.value(kv.Value); err != nil {
			return nil, fmt.Errorf("key %q: %w", kv.Key, err)
		}
	}
	offset, names := uint64(0), map[string]bool{}
	for _, t := range tensors {
		size, err := t.Size()
		if err != nil {
			return nil, err
		}
		if names[t.Name] {
			return nil, fmt.Errorf("tensor %q would be written twice", t.Name)
		}
		names[t.Name] = true
		e.string(t.Name)
		e.number(uint32(len(t.Shape)))
		for _, d := range t.fileShape() {
			e.number(uint64(d))
		}
		e.number(uint32(t.Type))
		e.number(offset)
		offset = padded(offset+uint64(size), defaultAlignment)
	}
	e.Write(make([]byte, padded(uint64(e.Len()), defaultAlignment)-uint64(e.Len())))
	return e.Bytes(), nil
}

type encoder struct{ bytes.Buffer }

func (e *encoder) string(s string) {
	e.number(uint64(len(s)))
	e.WriteString(s)
}

// number writes a number of fixed size.
func (e *encoder) number(n any) {
	switch n := n.(type) {
	case uint32:
		e.Write(binary.LittleEndian.AppendUint32(nil, n))
	case int32:
		e.Write(binary.LittleEndian.AppendUint32(nil, uint32(n)))
	case float32:
		e.Write(binary.LittleEndian.AppendUint32(nil, math.Float32bits(n)))
	case uint64:
		e.Write(binary.LittleEndian.AppendUint64(nil, n))
	case bool:
		e.WriteByte(map[bool]byte{true: 1}[n])
	default:
		// A buffer's Write does not fail, and kindOf has admitted the type.
		_ = binary.Write(e, binary.LittleEndian, n)
	}
}

func (e *encoder) value(value any) error {
	kind, array, err := kindOf(value)
	if err != nil {
		return err
	}
	if !array {
		e.number(kind)
		if s, ok := value.(string); ok {
			e.string(s)
		} else {
			e.number(value)
		}
		return nil
	}
	e.number(uint32(kindArray))
	e.number(kind)
	switch list := value.(type) {
	case []string:
		e.number(uint64(len(list)))
		for _, s := range list {
			e.string(s)
		}
	case []int32:
		encodeAll(e, list)
	case []uint32:
		encodeAll(e, list)
	case []float32:
		encodeAll(e, list)
	}
	return nil
}

func encodeAll[T any](e *encoder, list []T) {
	e.number(uint64(len(list)))
	for _, n := range list {
		e.number(n)
	}
}
