package main

import (
	"fmt"
	"io"
	"os"
)

// openInput opens the file at path, or takes stdin for "-". The name is for messages.
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
