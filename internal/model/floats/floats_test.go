package floats_test

import (
	"math"
	"testing"

	"ventriloquist/internal/model/floats"
)

// Every binary16 comes back as itself, and what is between two of them goes to the nearer, a tie to the even one.
func TestF16Bits_RoundsToNearest(t *testing.T) {
	t.Parallel()
	for b := range 0x7c00 {
		here, next := floats.FromF16(uint16(b)), floats.FromF16(uint16(b+1))
		if b+1 == 0x7c00 {
			next = 65536
		}
		middle := (here + next) / 2 // exact
		even := uint16(b + b&1)
		for value, want := range map[float32]uint16{
			here: uint16(b), middle: even,
			math.Nextafter32(middle, 0): uint16(b), math.Nextafter32(middle, next): uint16(b + 1),
		} {
			if got := floats.F16Bits(value); got != want {
				t.Fatalf("%g is %#x, not %#x", value, got, want)
			}
			if got := floats.F16Bits(-value); got != want|0x8000 {
				t.Fatalf("%g is %#x, not %#x", -value, got, want|0x8000)
			}
		}
	}
}

func TestF16Bits_InfinityAndNaN(t *testing.T) {
	t.Parallel()
	if got := floats.F16Bits(float32(math.Inf(-1))); got != 0xfc00 {
		t.Errorf("minus infinity is %#x", got)
	}
	if got := floats.F16Bits(math.MaxFloat32); got != 0x7c00 {
		t.Errorf("the largest float32 is %#x", got)
	}
	if got := floats.FromF16(floats.F16Bits(float32(math.NaN()))); got == got {
		t.Errorf("NaN is %g", got)
	}
}
