package exportcheck

import (
	"encoding/binary"
	"fmt"
	"math"

	"ventriloquist/internal/model/floats"
	"ventriloquist/internal/model/gguf"
)

// slack is what float32 sums in any order may add to a rounding error, relative to the magnitudes that were added.
const slack = 1e-5

// mantissaBits are the bits after the point of each type's mantissa; smallest is the exponent of its smallest normal number.
var (
	mantissaBits = map[gguf.Type]int{gguf.F32: 23, gguf.F16: 10, gguf.BF16: 7}
	smallest     = map[gguf.Type]int{gguf.F32: -126, gguf.F16: -14, gguf.BF16: -126}
)

// halfStep is half the distance of a type's numbers at a value.
func halfStep(t gguf.Type, value float64) float64 {
	_, exponent := math.Frexp(value) // value = f 2^exponent, f from 1/2 to 1
	return math.Ldexp(0.5, max(exponent-1, smallest[t])-mantissaBits[t])
}

// wrongIn returns the first element of a row whose stored form is not the one nearest to want, or -1. sizes are the magnitudes of the
// terms that want is the sum of.
func wrongIn(t gguf.Type, stored []byte, want, sizes []float64) (at int, got float64, err error) {
	if t == gguf.Q8_0 {
		at, got = wrongInBlocks(stored, want, sizes)
		return at, got, nil
	}
	values, err := t.Decode(make([]float32, 0, len(want)), stored)
	if err != nil || len(values) != len(want) {
		return 0, 0, fmt.Errorf("%d values instead of %d: %w", len(values), len(want), err)
	}
	for i, v := range values {
		if got := float64(v); !(math.Abs(got-want[i]) <= halfStep(t, want[i])*(1+1e-3)+slack*sizes[i]) {
			return i, got, nil
		}
	}
	return -1, 0, nil
}

// A block of q8_0 is a scale in f16 and 32 int8; the scale is the block's largest magnitude / 127.
const (
	blockElements = 32
	blockBytes    = 34
)

func wrongInBlocks(stored []byte, want, sizes []float64) (at int, got float64) {
	for first := 0; first < len(want); first += blockElements {
		block := stored[first/blockElements*blockBytes:][:blockBytes]
		stored16 := float64(floats.FromF16(binary.LittleEndian.Uint16(block)))
		largest, size := 0.0, 0.0
		for i := range blockElements {
			largest, size = max(largest, math.Abs(want[first+i])), max(size, sizes[first+i])
		}
		scale := largest / 127
		scaleIsWrong := !(math.Abs(stored16-scale) <= halfStep(gguf.F16, scale)*(1+1e-3)+slack*size)
		for i, q := range block[2:] {
			code := float64(int8(q))
			if scaleIsWrong || !(math.Abs(code*scale-want[first+i]) <= scale/2*(1+1e-3)+slack*size) {
				return first + i, code * stored16
			}
		}
	}
	return -1, 0
}
