package main

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// processorSet identifies the processors that this process may use, which a launcher may have divided between processes.
func processorSet() string {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return ""
	}
	return fmt.Sprint(set)
}
