//go:build !linux

package main

// processorSet identifies the processors that this process may use: all of them.
func processorSet() string { return "" }
