package main

import (
	"fmt"
	"io"
	"os"
)

// openInput opens the file at path, or returns stdin for "-". name is for errors.
func openInput(path string, stdin io.Reader) (name string, in io.ReadCloser, err error) {
	if path == "-" {
		return "stdin", io.NopCloser(stdin), nil
	}
	f, err := os.Open(path)
	if err != nil {
		return path, nil, fmt.Errorf("cannot read the input: %w", err)
	}
	return path, f, nil
}
