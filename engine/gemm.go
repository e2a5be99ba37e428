package engine

// #include <vq.h>
import "C"

import "unsafe"

// GEMMChoices are which algorithm multiplies each shape of product on this device, as bytes for SetGEMMChoices of another run:
// with the same choices it gives the same bytes. Only a device with DeviceInfo.GEMMLibrary has any.
func (d *Device) GEMMChoices() ([]byte, error) {
	if d.c == nil {
		return nil, ErrClosed
	}
	var size C.size_t
	var e C.vq_error
	if err := check(C.vq_device_read_gemm_choices(d.c, nil, 0, &size, &e), &e); err != nil || size == 0 {
		return nil, err
	}
	bytes := make([]byte, size)
	err := check(C.vq_device_read_gemm_choices(d.c, unsafe.Pointer(&bytes[0]), size, &size, &e), &e)
	return bytes[:min(len(bytes), int(size))], err
}

// SetGEMMChoices takes what GEMMChoices returned. An error says why the bytes are of no use, and changes nothing.
func (d *Device) SetGEMMChoices(bytes []byte) error {
	if d.c == nil {
		return ErrClosed
	}
	if len(bytes) == 0 {
		return badArgument("there are no choices")
	}
	var e C.vq_error
	return check(C.vq_device_write_gemm_choices(d.c, unsafe.Pointer(&bytes[0]), C.size_t(len(bytes)), &e), &e)
}

// TuneGEMMs times, where a choice is missing, every algorithm that there is for the products of a step. It trains
// nothing, and overwrites the batches and the gradients accumulated so far.
func (t *Trainer) TuneGEMMs() error {
	if t.c == nil {
		return ErrClosed
	}
	var e C.vq_error
	return check(C.vq_trainer_tune_gemms(t.c, &e), &e)
}
