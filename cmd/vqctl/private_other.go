//go:build !unix

package main

// makePrivate does nothing where files have no modes.
func makePrivate() {}
