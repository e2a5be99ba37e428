package main

import (
	"bufio"
	"fmt"
	"io"
	"os"

	"ventriloquist/internal/lines"
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

// openLines is openInput for lines of JSON: a byte order mark, which editors of Windows put before them, is left out.
func openLines(path string, stdin io.Reader) (name string, in io.ReadCloser, err error) {
	name, in, err = openInput(path, stdin)
	if err != nil {
		return name, nil, err
	}
	buffered := bufio.NewReader(in)
	if _, err := lines.SkipMark(buffered); err != nil {
		return name, nil, err
	}
	return name, struct {
		io.Reader
		io.Closer
	}{buffered, in}, nil
}
