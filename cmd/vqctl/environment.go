package main

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/joho/godotenv"

	"ventriloquist/internal/usererr"
)

// dotEnvFile holds settings; those of the environment take precedence.
const dotEnvFile = ".env"

// loadDotEnv takes the settings of the .env file of the current folder, if there is one, into the environment.
func loadDotEnv() error {
	err := godotenv.Load(dotEnvFile)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return usererr.With(fmt.Errorf("cannot read %s: %w", dotEnvFile, err), "write a NAME=value a line, values with spaces in quotes")
}
