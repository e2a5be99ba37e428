package gguf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"ventriloquist/internal/model/floats"
)

// Type is the type of a tensor's elements, by its number in the file.
type Type uint32

// The types that can be read and written.
const (
	F32  Type = 0
	F16  Type = 1
	Q8_0 Type = 8 // blocks of 32 int8 with a scale in F16
	BF16 Type = 30
)

// Types lists them.
var Types = []Type{F32, F16, BF16, Q8_0}

// blocks are the elements and the bytes of a block of each type.
var blocks = map[Type]struct {
	name            string
	elements, bytes int
}{
	F32: {"f32", 1, 4}, F16: {"f16", 1, 2}, BF16: {"bf16", 1, 2}, Q8_0: {"q8_0", blockElements, blockBytes},
	// These can be listed, but not converted.
	2: {"q4_0", 32, 18}, 3: {"q4_1", 32, 20}, 6: {"q5_0", 32, 22}, 7: {"q5_1", 32, 24},
	10: {"q2_K", 256, 84}, 11: {"q3_K", 256, 110}, 12: {"q4_K", 256, 144}, 13: {"q5_K", 256, 176}, 14: {"q6_K", 256, 210},
	16: {"iq2_xxs", 256, 66}, 17: {"iq2_xs", 256, 74}, 18: {"iq3_xxs", 256, 98}, 19: {"iq1_s", 256, 50}, 20: {"iq4_nl", 32, 18},
	21: {"iq3_s", 256, 110}, 22: {"iq2_s", 256, 82}, 23: {"iq4_xs", 256, 136}, 29: {"iq1_m", 256, 56},
	24: {"i8", 1, 1}, 25: {"i16", 1, 2}, 26: {"i32", 1, 4}, 27: {"i64", 1, 8}, 28: {"f64", 1, 8},
	34: {"tq1_0", 256, 54}, 35: {"tq2_0", 256, 66}, 39: {"mxfp4", 32, 17},
}

// A block of Q8_0 is a scale in F16 and 32 int8.
const (
	blockElements = 32
	blockBytes    = 2 + blockElements
)

// String returns the type's name as llama.cpp spells it.
func (t Type) String() string {
	if b, ok := blocks[t]; ok {
		return b.name
	}
	return fmt.Sprintf("type %d", uint32(t))
}

// TypeNamed returns the type of a name among Types.
func TypeNamed(name string) (Type, bool) {
	for _, t := range Types {
		if t.String() == name {
			return t, true
		}
	}
	return 0, false
}

// BlockElements returns the number of elements per block: what the length of a row must be a multiple of.
func (t Type) BlockElements() int { return max(blocks[t].elements, 1) }

// errOverflow is what a number that is too large for F16 gives.
var errOverflow = errors.New("a value is beyond the range of f16, ±65504: use f32 or bf16")

// Append appends values in the type's form to dst. Their number must be a multiple of BlockElements.
func (t Type) Append(dst []byte, values []float32) ([]byte, error) {
	switch t {
	case F32:
		for _, v := range values {
			dst = binary.LittleEndian.AppendUint32(dst, math.Float32bits(v))
		}
		return dst, nil
	case BF16:
		for _, v := range values {
			dst = binary.LittleEndian.AppendUint16(dst, floats.BF16Bits(v))
		}
		return dst, nil
	case F16:
		for _, v := range values {
			bits := floats.F16Bits(v)
			if bits&0x7fff == 0x7c00 {
				return dst, errOverflow
			}
			dst = binary.LittleEndian.AppendUint16(dst, bits)
		}
		return dst, nil
	case Q8_0:
		return appendQ8(dst, values)
	}
	return dst, fmt.Errorf("%s cannot be written", t)
}

// appendQ8 quantizes as llama.cpp's reference does: the largest magnitude of a block becomes 127, halves round away from zero.
func appendQ8(dst []byte, values []float32) ([]byte, error) {
	if len(values)%blockElements != 0 {
		return dst, fmt.Errorf("%d values are no blocks of %d", len(values), blockElements)
	}
	for ; len(values) > 0; values = values[blockElements:] {
		block := values[:blockElements]
		largest := float32(0)
		for _, v := range block {
			if v != v {
				return dst, errors.New("a value is not a number")
			}
			largest = max(largest, float32(math.Abs(float64(v))))
		}
		scale := largest / 127
		bits := floats.F16Bits(scale)
		if bits == 0x7c00 {
			return dst, errOverflow
		}
		dst = binary.LittleEndian.AppendUint16(dst, bits)
		inverse := float32(0)
		if scale != 0 {
			inverse = 1 / scale
		}
		for _, v := range block {
			dst = append(dst, byte(int8(math.Round(float64(v*inverse)))))
		}
	}
	return dst, nil
}

// Decode appends the values that data holds to dst.
func (t Type) Decode(dst []float32, data []byte) ([]float32, error) {
	switch t {
	case F32:
		for ; len(data) >= 4; data = data[4:] {
			dst = append(dst, math.Float32frombits(binary.LittleEndian.Uint32(data)))
		}
		return dst, nil
	case BF16:
		for ; len(data) >= 2; data = data[2:] {
			dst = append(dst, floats.FromBF16(binary.LittleEndian.Uint16(data)))
		}
		return dst, nil
	case F16:
		for ; len(data) >= 2; data = data[2:] {
			dst = append(dst, floats.FromF16(binary.LittleEndian.Uint16(data)))
		}
		return dst, nil
	case Q8_0:
		for ; len(data) >= blockBytes; data = data[blockBytes:] {
			scale := floats.FromF16(binary.LittleEndian.Uint16(data))
			for _, q := range data[2:blockBytes] {
				dst = append(dst, scale*float32(int8(q)))
			}
		}
		return dst, nil
	}
	return dst, fmt.Errorf("type %s cannot be read; only f32, f16, bf16 and q8_0 can", t)
}
