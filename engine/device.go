package engine

// #include <stdlib.h>
// #include <vq.h>
import "C"

import "unsafe"

// A Device computes, and owns the memory of everything made on it.
type Device struct {
	c *C.vq_device
}

// DeviceInfo describes a device.
type DeviceInfo struct {
	Name            string // CPU or GPU
	Instructions    string // of the GEMM kernels: "amx", "avx512-bf16", "avx512", "avx2", "generic"; of a GPU "sm_86", or "sm_90, wgmma" (see vq.h)
	Threads         int    // of a GPU: multiprocessors
	FastBF16        bool   // bf16 GEMMs are faster than f32 ones: what precision "auto" means
	DiscreteMemory  bool   // the device has memory of its own (a GPU); the memory figures are of that
	GEMMLibrary     string // library and GPU that GEMM tuning applies to; "" if there is nothing to tune
	MemoryTotal     uint64 // bytes
	MemoryAvailable uint64 // bytes, now
	UnalignedGEMMs  int64  // so far: GEMMs that the library computes slowly, because rows do not begin at multiples of 16 bytes
}

// OpenCPU opens the CPU with this many threads, 0 for as many as the process may run on.
func OpenCPU(threads int) (*Device, error) {
	if threads < 0 || threads > 4096 {
		return nil, badArgument("%d threads cannot be used", threads)
	}
	d := &Device{}
	var e C.vq_error
	if err := check(C.vq_device_open_cpu(C.int32_t(threads), &d.c, &e), &e); err != nil {
		return nil, err
	}
	return d, nil
}

// OpenBackend opens a device of the backend in the file library, counted from 0. The error says what is missing: library,
// driver, version, capability.
func OpenBackend(library string, index int) (*Device, error) {
	if index < 0 || index > 4096 {
		return nil, badArgument("there is no GPU %d: they are counted from 0", index)
	}
	path := C.CString(library)
	defer C.free(unsafe.Pointer(path))
	d := &Device{}
	var e C.vq_error
	if err := check(C.vq_device_open(path, C.int32_t(index), &d.c, &e), &e); err != nil {
		return nil, err
	}
	return d, nil
}

// Close releases the device. Everything made on it must be closed before.
func (d *Device) Close() {
	if d != nil && d.c != nil {
		C.vq_device_close(d.c)
		d.c = nil
	}
}

// Info describes the device and its memory now.
func (d *Device) Info() DeviceInfo {
	if d.c == nil {
		return DeviceInfo{}
	}
	var i C.vq_device_info
	C.vq_device_describe(d.c, &i)
	return DeviceInfo{
		Name:            C.GoString(&i.name[0]),
		Instructions:    C.GoString(&i.instructions[0]),
		Threads:         int(i.threads),
		FastBF16:        i.fast_bf16 != 0,
		GEMMLibrary:     C.GoString(&i.gemm_library[0]),
		MemoryTotal:     uint64(i.memory_total),
		DiscreteMemory:  i.discrete_memory != 0,
		MemoryAvailable: uint64(i.memory_available),
		UnalignedGEMMs:  int64(i.unaligned_gemms),
	}
}

// MeasureGEMM returns the GFLOP/s of the device's GEMM of [m, k] by [k, n], the best of a few runs.
func (d *Device) MeasureGEMM(precision DType, m, n, k int) (float64, error) {
	if d.c == nil {
		return 0, ErrClosed
	}
	var gflops C.double
	var e C.vq_error
	err := check(C.vq_device_measure_gemm(d.c, C.int32_t(precision), C.int64_t(m), C.int64_t(n), C.int64_t(k),
		&gflops, &e), &e)
	return float64(gflops), err
}

// MeasureBandwidth returns the bytes per second that all threads together read from memory.
func (d *Device) MeasureBandwidth() (float64, error) {
	if d.c == nil {
		return 0, ErrClosed
	}
	var rate C.double
	var e C.vq_error
	err := check(C.vq_device_measure_bandwidth(d.c, &rate, &e), &e)
	return float64(rate), err
}
