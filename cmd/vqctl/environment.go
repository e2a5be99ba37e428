package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/joho/godotenv"

	"ventriloquist/internal/usererr"
)

// dotEnvFile holds settings; environment variables take precedence.
const dotEnvFile = ".env"

// loadDotEnv adds the settings in the .env file of the current folder, if there is one, to the environment.
func loadDotEnv() error {
	err := godotenv.Load(dotEnvFile)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	cause := "it is not valid" // the parser's error quotes the file, which holds keys
	var access *fs.PathError
	if errors.As(err, &access) {
		cause = access.Err.Error()
	} else if line := firstWrongLine(); line > 0 {
		cause = fmt.Sprintf("line %d is not valid", line)
	}
	return usererr.With(fmt.Errorf("cannot read %s: %s", dotEnvFile, cause), "write one NAME=value per line, and put values with spaces in quotes")
}

// firstWrongLine returns the number of the line where the .env file stops being valid, 0 if that is not known.
func firstWrongLine() int {
	data, err := os.ReadFile(dotEnvFile)
	if err != nil {
		return 0
	}
	lines := strings.SplitAfter(string(data), "\n")
	for n := len(lines) - 1; n >= 0; n-- {
		if _, err := godotenv.Unmarshal(strings.Join(lines[:n], "")); err == nil {
			return n + 1
		}
	}
	return 0
}
