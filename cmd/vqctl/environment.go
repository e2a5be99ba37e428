package main

import (
	"errors"
	"fmt"
	"io/fs"

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
	return usererr.With(fmt.Errorf("cannot read %s: %w", dotEnvFile, err), "write one NAME=value per line, and put values with spaces in quotes")
}
