package gguf

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"unicode/utf8"
)

const (
	maxDimensions = 4
	maxName       = 1 << 16 // bytes of a key or of a tensor's name
)

// parser reads a file from its beginning. What it allocates is bounded by what the file holds.
type parser struct {
	content   []byte
	at        int
	file      *File
	alignment int
}

// place is a tensor's place in the data.
type place struct {
	offset, size uint64
}

func (p *parser) parse() error {
	tensors, entries, err := p.header()
	if err != nil {
		return err
	}
	for range entries {
		if err := p.entry(); err != nil {
			return err
		}
	}
	if p.alignment, err = p.file.alignment(); err != nil {
		return err
	}
	var places []place
	for range tensors {
		found, err := p.tensorInfo()
		if err != nil {
			return err
		}
		places = append(places, found)
	}
	return p.locate(places)
}

func (p *parser) wrong(at int, format string, args ...any) error {
	return damaged(p.file.path, "byte %d: %s", at, fmt.Sprintf(format, args...))
}

func (p *parser) header() (tensors, entries uint64, err error) {
	if !bytes.HasPrefix(p.content, []byte(Magic)) {
		return 0, 0, damaged(p.file.path, "not a GGUF file: it does not begin with %q", Magic)
	}
	p.at = len(Magic)
	v, err := p.uint32("the version")
	switch {
	case err != nil:
		return 0, 0, err
	case v > version && bits.ReverseBytes32(v) <= version:
		return 0, 0, p.wrong(4, "the file is big-endian, which is not supported")
	case v != 2 && v != version:
		return 0, 0, p.wrong(4, "version %d is not supported, only 2 and %d are", v, version)
	}
	if tensors, err = p.uint64("the number of tensors"); err != nil {
		return 0, 0, err
	}
	entries, err = p.uint64("the number of metadata entries")
	// Each tensor takes at least 25 bytes, each entry 13.
	if left := uint64(len(p.content) - p.at); err == nil && (tensors > left/25 || entries > left/13) {
		err = p.wrong(8, "%d tensors and %d metadata entries do not fit into a file of %d bytes", tensors, entries, len(p.content))
	}
	return tensors, entries, err
}

func (p *parser) take(n uint64, what string) ([]byte, error) {
	if n > uint64(len(p.content)-p.at) {
		return nil, p.wrong(p.at, "%s has %d bytes, but the file ends at %d", what, n, len(p.content))
	}
	part := p.content[p.at : p.at+int(n)]
	p.at += int(n)
	return part, nil
}

func (p *parser) uint32(what string) (uint32, error) {
	part, err := p.take(4, what)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint32(part), nil
}

func (p *parser) uint64(what string) (uint64, error) {
	part, err := p.take(8, what)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(part), nil
}

func (p *parser) string(what string) (string, error) {
	n, err := p.uint64("the length of " + what)
	if err != nil {
		return "", err
	}
	part, err := p.take(n, what)
	return string(part), err
}

// name reads a key or the name of a tensor.
func (p *parser) name(what string) (string, error) {
	at := p.at
	name, err := p.string(what)
	if err == nil && (name == "" || len(name) > maxName || !utf8.ValidString(name)) {
		err = p.wrong(at, "%s is empty, too long or not UTF-8", what)
	}
	return name, err
}

func (p *parser) entry() error {
	at := p.at
	key, err := p.name("a metadata key")
	if err != nil {
		return err
	}
	if _, known := p.file.byKey[key]; known {
		return p.wrong(at, "key %q is there twice", key)
	}
	kind, err := p.uint32("the type of " + key)
	if err != nil {
		return err
	}
	var value any
	if kind == kindArray {
		value, err = p.array(key)
	} else {
		value, err = p.scalar(kind, key)
	}
	if err != nil {
		return err
	}
	p.file.byKey[key] = value
	p.file.metadata = append(p.file.metadata, KeyValue{key, value})
	return nil
}

func (p *parser) scalar(kind uint32, key string) (any, error) {
	if kind == kindString {
		return p.string(key)
	}
	width, ok := widths[kind]
	if !ok {
		return nil, p.wrong(p.at-4, "%s has the unknown type %d", key, kind)
	}
	part, err := p.take(uint64(width), key)
	if err != nil {
		return nil, err
	}
	return number(kind, part), nil
}

// widths are the bytes of a number of each type.
var widths = map[uint32]int{
	kindUint8: 1, kindInt8: 1, kindUint16: 2, kindInt16: 2, kindUint32: 4, kindInt32: 4, kindFloat32: 4, kindBool: 1,
	kindUint64: 8, kindInt64: 8, kindFloat64: 8,
}

func number(kind uint32, part []byte) any {
	var padded [8]byte
	copy(padded[:], part)
	n := binary.LittleEndian.Uint64(padded[:])
	switch kind {
	case kindUint8:
		return uint8(n)
	case kindInt8:
		return int8(n)
	case kindUint16:
		return uint16(n)
	case kindInt16:
		return int16(n)
	case kindUint32:
		return uint32(n)
	case kindInt32:
		return int32(n)
	case kindFloat32:
		return math.Float32frombits(uint32(n))
	case kindBool:
		return n != 0
	case kindInt64:
		return int64(n)
	case kindFloat64:
		return math.Float64frombits(n)
	}
	return n
}

// array reads an array. Arrays of arrays, which no model has, are refused.
func (p *parser) array(key string) (any, error) {
	kind, err := p.uint32("the type of the elements of " + key)
	if err != nil {
		return nil, err
	}
	count, err := p.uint64("the length of " + key)
	if err != nil {
		return nil, err
	}
	left := uint64(len(p.content) - p.at)
	if kind == kindString {
		if count > left/8 {
			return nil, p.wrong(p.at, "%s has %d strings, but only %d bytes follow", key, count, left)
		}
		list := make([]string, count)
		for i := range list {
			if list[i], err = p.string(key); err != nil {
				return nil, err
			}
		}
		return list, nil
	}
	width, ok := widths[kind]
	if !ok {
		return nil, p.wrong(p.at-12, "the elements of %s have the unsupported type %d", key, kind)
	}
	if count > left/uint64(width) {
		return nil, p.wrong(p.at, "%s has %d elements, but only %d bytes follow", key, count, left)
	}
	part, err := p.take(count*uint64(width), key)
	if err != nil {
		return nil, err
	}
	return numbers(kind, width, part), nil
}

func numbers(kind uint32, width int, part []byte) any {
	switch kind {
	case kindUint8:
		return each[uint8](kind, width, part)
	case kindInt8:
		return each[int8](kind, width, part)
	case kindUint16:
		return each[uint16](kind, width, part)
	case kindInt16:
		return each[int16](kind, width, part)
	case kindUint32:
		return each[uint32](kind, width, part)
	case kindInt32:
		return each[int32](kind, width, part)
	case kindFloat32:
		return each[float32](kind, width, part)
	case kindBool:
		return each[bool](kind, width, part)
	case kindInt64:
		return each[int64](kind, width, part)
	case kindFloat64:
		return each[float64](kind, width, part)
	}
	return each[uint64](kind, width, part)
}

func each[T any](kind uint32, width int, part []byte) []T {
	list := make([]T, len(part)/width)
	for i := range list {
		list[i] = number(kind, part[i*width:(i+1)*width]).(T)
	}
	return list
}

func (f *File) alignment() (int, error) {
	n, ok, err := f.Integer(alignmentKey)
	if err != nil || !ok {
		return defaultAlignment, err
	}
	if n < 1 || n > 1<<20 || n&(n-1) != 0 {
		return 0, damaged(f.path, "%s %d is not a small power of two", alignmentKey, n)
	}
	return int(n), nil
}

func (p *parser) tensorInfo() (place, error) {
	at := p.at
	name, err := p.name("the name of a tensor")
	if err != nil {
		return place{}, err
	}
	if _, known := p.file.tensors[name]; known {
		return place{}, p.wrong(at, "tensor %q is there twice", name)
	}
	count, err := p.uint32("the shape of tensor " + name)
	if err != nil {
		return place{}, err
	}
	if count > maxDimensions {
		return place{}, p.wrong(at, "tensor %q has %d dimensions, more than %d", name, count, maxDimensions)
	}
	t := Tensor{Name: name}
	for range count {
		d, err := p.uint64("the shape of tensor " + name)
		if err != nil {
			return place{}, err
		}
		if d == 0 || d > math.MaxInt32 {
			return place{}, p.wrong(at, "tensor %q: dimension %d is not from 1 to %d", name, d, math.MaxInt32)
		}
		t.Shape = append(t.Shape, int(d))
	}
	kind, err := p.uint32("the type of tensor " + name)
	if err != nil {
		return place{}, err
	}
	t.Type = Type(kind)
	size, err := sizeOf(t.Type, t.Shape)
	if err != nil {
		return place{}, p.wrong(at, "tensor %q: %v", name, err)
	}
	offset, err := p.uint64("the offset of tensor " + name)
	if err != nil {
		return place{}, err
	}
	slices.Reverse(t.Shape)
	p.file.tensors[name] = t
	p.file.names = append(p.file.names, name)
	return place{offset, size}, nil
}

// sizeOf returns the bytes of a tensor; shape begins with the length of a row, as in the file.
func sizeOf(t Type, shape []int) (uint64, error) {
	block, ok := blocks[t]
	if !ok {
		return 0, fmt.Errorf("unknown type %d", uint32(t))
	}
	if len(shape) > 0 && shape[0]%block.elements != 0 {
		return 0, fmt.Errorf("%s has blocks of %d, which do not divide the row length %d", t, block.elements, shape[0])
	}
	total := uint64(1)
	for _, d := range shape {
		high, low := bits.Mul64(total, uint64(d))
		if high != 0 || low > math.MaxInt64/8 {
			return 0, fmt.Errorf("shape %v is too large", shape)
		}
		total = low
	}
	return total / uint64(block.elements) * uint64(block.bytes), nil
}

// locate finds the data of each tensor. They must follow each other in the order of the file, as llama.cpp requires.
func (p *parser) locate(places []place) error {
	begin := padded(uint64(p.at), p.alignment)
	if len(places) > 0 && begin > uint64(len(p.content)) {
		return damaged(p.file.path, "the file ends at byte %d, before the data of its tensors at %d", len(p.content), begin)
	}
	next := uint64(0)
	for i, name := range p.file.names {
		here := places[i]
		if here.offset != next {
			return damaged(p.file.path, "tensor %q is at offset %d of the data, but the one before it ends at %d", name, here.offset, next)
		}
		room := uint64(len(p.content)) - begin
		if here.offset > room || here.size > room-here.offset {
			return damaged(p.file.path, "tensor %q: bytes %d to %d are outside the file, which ends at %d", name, begin+here.offset, begin+here.offset+here.size, len(p.content))
		}
		t := p.file.tensors[name]
		first := int(begin + here.offset)
		t.Data = p.content[first : first+int(here.size) : first+int(here.size)]
		p.file.tensors[name] = t
		p.file.size += int64(here.size)
		next = padded(here.offset+here.size, p.alignment)
	}
	return nil
}

// padded returns the next multiple of the alignment.
func padded(n uint64, alignment int) uint64 {
	a := uint64(alignment)
	return (n + a - 1) / a * a
}
