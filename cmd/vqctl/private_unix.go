//go:build unix

package main

import "golang.org/x/sys/unix"

// makePrivate makes every file and folder that the process creates readable by its user alone, whichever library creates it.
func makePrivate() { unix.Umask(0o077) }
