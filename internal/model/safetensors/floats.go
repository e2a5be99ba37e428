package safetensors

import (
	"encoding/binary"
	"fmt"
	"math"

	"ventriloquist/internal/model/floats"
)

// Floats returns a copy of an F32, F16, BF16 or F64 tensor as float32. F64 is rounded, the others convert exactly.
func (t Tensor) Floats() ([]float32, error) {
	if !t.DType.IsFloat() && t.DType != F64 {
		return nil, fmt.Errorf("tensor %q has type %s; only F32, F16, BF16 and F64 can be converted", t.Name, t.DType)
	}
	out := make([]float32, t.Elements())
	switch t.DType {
	case F32:
		for i := range out {
			out[i] = math.Float32frombits(binary.LittleEndian.Uint32(t.Data[4*i:]))
		}
	case F64:
		for i := range out {
			out[i] = float32(math.Float64frombits(binary.LittleEndian.Uint64(t.Data[8*i:])))
		}
	case BF16:
		for i := range out {
			out[i] = floats.FromBF16(binary.LittleEndian.Uint16(t.Data[2*i:]))
		}
	case F16:
		for i := range out {
			out[i] = floats.FromF16(binary.LittleEndian.Uint16(t.Data[2*i:]))
		}
	}
	return out, nil
}

// AppendF32 appends values to dst as the bytes of an F32 tensor.
func AppendF32(dst []byte, values []float32) []byte {
	for _, v := range values {
		dst = binary.LittleEndian.AppendUint32(dst, math.Float32bits(v))
	}
	return dst
}
