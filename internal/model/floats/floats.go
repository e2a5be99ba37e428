// Package floats converts float32 to and from the 16-bit types of weights.
//
// In: numbers and their bits. Out: the same, rounded to the nearest, ties to even. It must not know: files and tensors.
package floats

import "math"

// FromF16 converts an IEEE 754 binary16. Each has an exact float32.
func FromF16(h uint16) float32 {
	sign := uint32(h>>15) << 31
	exponent, fraction := uint32(h>>10)&31, uint32(h)&1023
	switch exponent {
	case 0: // zero or subnormal: fraction x 2^-24
		return math.Float32frombits(sign | math.Float32bits(float32(fraction)*(1.0/(1<<24))))
	case 31: // infinity or NaN
		return math.Float32frombits(sign | 0xff<<23 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+127-15)<<23 | fraction<<13)
}

// F16Bits rounds f to binary16. What is too large becomes infinite; a NaN stays a NaN.
func F16Bits(f float32) uint16 {
	b := math.Float32bits(f)
	sign, b := uint16(b>>16)&0x8000, b&0x7fffffff
	switch {
	case b > 0x7f800000: // NaN
		return sign | 0x7e00
	case b >= 0x477ff000: // 65520 and more round to infinity
		return sign | 0x7c00
	case b < 0x38800000: // below 2^-14: a multiple of 2^-24, to which the addition of 0.5 rounds
		return sign | uint16(math.Float32bits(math.Float32frombits(b)+0.5)-math.Float32bits(0.5))
	}
	b += 0xfff + b>>13&1 // to the nearest of 10 fraction bits
	return sign | uint16((b-(127-15)<<23)>>13)
}

// FromBF16 converts a bfloat16. Each has an exact float32.
func FromBF16(h uint16) float32 { return math.Float32frombits(uint32(h) << 16) }

// BF16Bits rounds f to bfloat16. A NaN stays a NaN.
func BF16Bits(f float32) uint16 {
	b := math.Float32bits(f)
	if f != f {
		return uint16(b>>16) | 0x40
	}
	return uint16((b + 0x7fff + b>>16&1) >> 16)
}
