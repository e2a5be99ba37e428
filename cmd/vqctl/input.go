package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"ventriloquist/internal/usererr"
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

// openTexts is openInput for a command whose name suggests that it takes a text: example is how to give it one.
func openTexts(path string, stdin io.Reader, example string) (name string, in io.ReadCloser, err error) {
	name, in, err = openInput(path, stdin)
	if errors.Is(err, fs.ErrNotExist) {
		err = usererr.With(err, "texts come from a file or from standard input, as in: %s", fmt.Sprintf(example, path))
	}
	return name, in, err
}
