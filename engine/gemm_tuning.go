package engine

// #include <vq.h>
import "C"

import "unsafe"

// GEMMTuning returns which algorithm of the GEMM library runs for each GEMM shape on this device, for SetGEMMTuning in a
// later run: with the same tuning, results are the same bytes. It is empty unless DeviceInfo.GEMMLibrary is set.
func (d *Device) GEMMTuning() ([]byte, error) {
	if d.c == nil {
		return nil, ErrClosed
	}
	var size C.size_t
	var e C.vq_error
	if err := check(C.vq_device_read_gemm_tuning(d.c, nil, 0, &size, &e), &e); err != nil || size == 0 {
		return nil, err
	}
	bytes := make([]byte, size)
	err := check(C.vq_device_read_gemm_tuning(d.c, unsafe.Pointer(&bytes[0]), size, &size, &e), &e)
	return bytes[:min(len(bytes), int(size))], err
}

// SetGEMMTuning applies the result of GEMMTuning. It fails and changes nothing if the bytes are corrupt or of another
// library, driver or GPU.
func (d *Device) SetGEMMTuning(bytes []byte) error {
	if d.c == nil {
		return ErrClosed
	}
	if len(bytes) == 0 {
		return badArgument("the GEMM tuning is empty")
	}
	var e C.vq_error
	return check(C.vq_device_write_gemm_tuning(d.c, unsafe.Pointer(&bytes[0]), C.size_t(len(bytes)), &e), &e)
}

// TuneGEMMs times all algorithms for the GEMM shapes of a training step that are not tuned yet. It overwrites the batches
// and drops the accumulated gradients, and trains nothing.
func (t *Trainer) TuneGEMMs() error {
	if t.c == nil {
		return ErrClosed
	}
	var e C.vq_error
	return check(C.vq_trainer_tune_gemms(t.c, &e), &e)
}
