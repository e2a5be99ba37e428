package main

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// Mapped weights are a row of the memory plan; what this program holds does not count them again.
func TestMemoryTaken_WithoutMappedFiles(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux separates mapped files")
	}
	const size = 256 << 20
	path := filepath.Join(t.TempDir(), "weights")
	if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	before := memoryTaken()
	mapping, err := unix.Mmap(int(file.Fd()), 0, size, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(mapping)
	sum := byte(0)
	for i := 0; i < size; i += 4096 {
		sum += mapping[i]
	}
	if after := memoryTaken(); sum != 0 || after > before+size/2 {
		t.Errorf("%d MiB before, %d MiB after 256 MiB were mapped and read", before>>20, after>>20)
	}
}
