// Package engine is the Go face of the native engine in csrc: it loads weights into it, trains LoRA adapters with it and
// runs key/value caches on it. It is the only package that imports "C", and no C type leaves it.
//
// In: token ids, tensors as raw bytes, numbers. Out: losses, gradient norms, logits, memory plans. It must not know files,
// JSON, text, tokenizers or the meaning of windows.
//
// Handles form a tree: a Device has Models, a Model has Adapters, Trainers and Sessions. Close them in the reverse order of
// their creation; Close is safe twice and on nil. One goroutine at a time may use a device and everything made on it; only the memory of
// a Trainer's Batch may be filled while the engine runs the other batch.
package engine

// #cgo CFLAGS: -I${SRCDIR}/../csrc/include -fstack-protector-strong
// #cgo LDFLAGS: -L${SRCDIR}/../build/engine -lvqengine -lm -lpthread
// #cgo linux LDFLAGS: -lstdc++
// #cgo darwin LDFLAGS: -lc++
//
// #if !__has_include("../../build/engine/libvqengine.a") // seen from csrc/include
// #error "the native engine is not built: run make engine"
// #endif
// #include <vq.h>
import "C"

import (
	"errors"
	"fmt"
)

// Errors for errors.Is.
var (
	// ErrNoMemory: the request does not fit into the device's memory.
	ErrNoMemory = errors.New("not enough memory")
	// ErrBadArgument: a shape, id or index was out of range; nothing has changed.
	ErrBadArgument = errors.New("bad argument")
	// ErrNotFinite: a loss or gradient was infinite or not a number; nothing was updated.
	ErrNotFinite = errors.New("loss or gradient is not finite")
	// ErrPeer: another process of the run failed, left or does not answer; this one cannot go on either.
	ErrPeer = errors.New("another process failed")
	// ErrClosed: the handle, or the one that it was made on, is closed.
	ErrClosed = errors.New("engine handle is closed")
)

// failure is the engine's message and the sentinel error of its kind.
type failure struct {
	text string
	kind error // may be nil
}

func (f *failure) Error() string { return f.text }
func (f *failure) Unwrap() error { return f.kind }

// check turns the engine's code and message into an error.
func check(code C.int, err *C.vq_error) error {
	switch code {
	case C.VQ_OK:
		return nil
	case C.VQ_NO_MEMORY:
		return &failure{C.GoString(&err.text[0]), ErrNoMemory}
	case C.VQ_BAD_ARGUMENT:
		return &failure{C.GoString(&err.text[0]), ErrBadArgument}
	case C.VQ_PEER_FAILED:
		return &failure{C.GoString(&err.text[0]), ErrPeer}
	}
	return &failure{C.GoString(&err.text[0]), nil}
}

// badArgument is an error found before the engine is called.
func badArgument(format string, args ...any) error {
	return &failure{fmt.Sprintf(format, args...), ErrBadArgument}
}

// wantLength returns an error if a slice does not have the length that the engine reads or writes.
func wantLength(what string, got, want int) error {
	if got != want {
		return badArgument("%s has %d elements where %d are needed", what, got, want)
	}
	return nil
}

// A DType is the type of a tensor's elements.
type DType int

// F16 occurs in files only.
const (
	F32  DType = C.VQ_F32
	BF16 DType = C.VQ_BF16
	F16  DType = C.VQ_F16
)

// Size is the number of bytes of one element.
func (t DType) Size() int {
	if t == F32 {
		return 4
	}
	return 2
}

func (t DType) String() string {
	switch t {
	case F32:
		return "f32"
	case BF16:
		return "bf16"
	case F16:
		return "f16"
	}
	return fmt.Sprintf("DType(%d)", int(t))
}
