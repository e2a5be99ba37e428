package engine

// #include <stdlib.h>
// #include <vq.h>
import "C"

import (
	"encoding/binary"
	"unsafe"
)

// A Comm connects the processes of a run that an MPI launcher has started. Each has a rank, counted from 0.
type Comm struct {
	c       *C.vq_comm
	rank    int
	world   int
	library string
}

// OpenMPI joins the processes of the run with an MPI library, which it loads from a file. A process can join once. Another
// process without a sign of life for so many seconds counts as dead.
func OpenMPI(library string, patience float64) (*Comm, error) {
	path := C.CString(library)
	defer C.free(unsafe.Pointer(path))
	c := &Comm{}
	var e C.vq_error
	if err := check(C.vq_comm_open_mpi(path, C.double(patience), &c.c, &e), &e); err != nil {
		return nil, err
	}
	var info C.vq_comm_info
	C.vq_comm_describe(c.c, &info)
	c.rank, c.world, c.library = int(info.rank), int(info.world), C.GoString(&info.library[0])
	return c, nil
}

// Close waits until the other processes close too, for ten seconds at most; after that it ends them and this one.
func (c *Comm) Close() {
	if c != nil && c.c != nil {
		C.vq_comm_close(c.c)
		c.c = nil
	}
}

// Rank is the number of this process, from 0.
func (c *Comm) Rank() int { return c.rank }

// World is the number of processes.
func (c *Comm) World() int { return c.world }

// Library is the library that moves the bytes, with its version.
func (c *Comm) Library() string { return c.library }

// Fail tells the other processes that this one cannot go on, and why: what they wait for fails. Any goroutine may call it.
func (c *Comm) Fail(why string) {
	if c.c == nil {
		return
	}
	text := C.CString(why)
	defer C.free(unsafe.Pointer(text))
	C.vq_comm_fail(c.c, text)
}

// Waited returns the seconds for which this process has waited for data of another one so far. Any goroutine may call it.
func (c *Comm) Waited(rank int) float64 {
	if c.c == nil || rank < 0 || rank >= c.world {
		return 0
	}
	return float64(C.vq_comm_waited(c.c, C.int32_t(rank)))
}

// AllGather returns the bytes of all processes, by rank.
func (c *Comm) AllGather(mine []byte) ([][]byte, error) {
	if c.c == nil {
		return nil, ErrClosed
	}
	lengths := make([]byte, 8*c.world)
	if err := c.gather(binary.LittleEndian.AppendUint64(nil, uint64(len(mine))), lengths); err != nil {
		return nil, err
	}
	longest := 1
	for r := range c.world {
		longest = max(longest, int(binary.LittleEndian.Uint64(lengths[8*r:])))
	}
	padded, all := make([]byte, longest), make([]byte, longest*c.world)
	copy(padded, mine)
	if err := c.gather(padded, all); err != nil {
		return nil, err
	}
	list := make([][]byte, c.world)
	for r := range list {
		list[r] = all[r*longest:][:binary.LittleEndian.Uint64(lengths[8*r:])]
	}
	return list, nil
}

// gather gathers as many bytes of each process.
func (c *Comm) gather(mine, all []byte) error {
	var e C.vq_error
	return check(C.vq_comm_all_gather(c.c, unsafe.Pointer(&mine[0]), C.size_t(len(mine)), unsafe.Pointer(&all[0]), &e), &e)
}

// Exit ends the process as a C program ends, with what MPI libraries do then: without it, MPICH's launcher takes the end of a
// process for a crash.
func Exit(status int) { C.exit(C.int(status)) }
