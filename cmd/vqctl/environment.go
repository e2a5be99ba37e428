package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"

	"ventriloquist/internal/regularfile"
	"ventriloquist/internal/usererr"
)

// dotEnvFile holds settings; environment variables take precedence.
const dotEnvFile = ".env"

// settings are the variables that the program reads.
var settings = []string{"MY_NAME", "USER_IDENTIFIERS", "GEMINI_API_KEY", "DESCRIBE_API_KEY", backendKey, passphraseVariable, signalVariable, "HF_TOKEN", "HF_ENDPOINT",
	"VENTRILOQUIST_MODELS"}

// loadDotEnv adds the settings in the .env file of the current folder, if there is one, to the environment.
func loadDotEnv() error {
	data, err := regularfile.Read(dotEnvFile, largestDotEnv)
	var access *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case errors.As(err, &access):
		return fmt.Errorf("cannot read %s: %w", dotEnvPath(), access.Err)
	case err != nil:
		return usererr.With(fmt.Errorf("cannot read the settings: %w", err), "it should be a file with settings only, one NAME=value per line")
	}
	values, err := parseDotEnv(data)
	if err != nil {
		return err
	}
	for name, value := range values {
		name = settingNamed(name)
		if _, set := os.LookupEnv(name); set {
			continue
		}
		if err := os.Setenv(name, value); err != nil {
			return badDotEnv("one of its values cannot be set", "remove zero bytes from the file")
		}
	}
	return nil
}

// settingNamed returns the setting that a name such as my_name, MY NAME or MYNAME stands for, else the name itself.
func settingNamed(name string) string {
	letters := strings.NewReplacer(" ", "", "-", "", "_", "").Replace
	for _, known := range settings {
		if strings.EqualFold(letters(name), letters(known)) {
			return known
		}
	}
	return name
}

// dotEnvPath returns the absolute path of the .env file that is looked for.
func dotEnvPath() string {
	if path, err := filepath.Abs(dotEnvFile); err == nil {
		return path
	}
	return dotEnvFile
}

type dotEnvKey struct{}

// withDotEnvError returns a context with the error of the .env file, which only commands that need settings report.
func withDotEnvError(ctx context.Context, err error) context.Context {
	return context.WithValue(ctx, dotEnvKey{}, err)
}

func dotEnvError(ctx context.Context) error {
	err, _ := ctx.Value(dotEnvKey{}).(error)
	return err
}

// withoutSettings are the commands that run whatever the .env file holds; doctor reports what is wrong with it.
var withoutSettings = []string{"", "doctor", "help", "h", "completion", "demo"}

// requireDotEnv returns the error of the .env file unless the command needs no settings: a cli.BeforeFunc.
func requireDotEnv(ctx context.Context, c *cli.Command) (context.Context, error) {
	if slices.Contains(withoutSettings, c.Args().First()) {
		return ctx, nil
	}
	return ctx, dotEnvError(ctx)
}

// examineDotEnv is doctor's view of the .env file.
func examineDotEnv(ctx context.Context) finding {
	path := dotEnvPath()
	if err := dotEnvError(ctx); err != nil {
		return finding{Name: dotEnvFile, Status: "problem", Detail: err.Error(), Hint: usererr.Of(err)}
	}
	if _, err := os.Stat(path); err != nil {
		return finding{Name: dotEnvFile, Status: "missing", Detail: "no " + path, Hint: misnamedDotEnv(), optional: true}
	}
	return finding{Name: dotEnvFile, Status: "ok", Detail: path}
}

// misnamedDotEnv says what to do if the file was saved under another name, "" if it was not.
func misnamedDotEnv() string {
	for _, name := range []string{".env.txt", "env.txt", "env", ".env.rtf", "env.rtf"} {
		if _, err := os.Stat(name); err == nil {
			return fmt.Sprintf("there is %s: rename it to %s (mv %s %s)", name, dotEnvFile, name, dotEnvFile)
		}
	}
	return ""
}

// howToSet says how to set a setting to a value.
func howToSet(name, value string) string {
	if misnamed := misnamedDotEnv(); misnamed != "" {
		return misnamed
	}
	return fmt.Sprintf("add the line %s=%q to %s", name, value, dotEnvPath())
}
