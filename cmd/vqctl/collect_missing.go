package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v3"

	"ventriloquist/internal/usererr"
)

// missingSource returns the error of a source that does not exist, nil if it does.
func missingSource(path string) error {
	if path == "" {
		return usererr.With(usererr.Usage("--source is empty"), "name a file or folder; `vqctl sources` lists what is read")
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	err := fmt.Errorf("there is no file or folder %s", path)
	if drive, rest, ok := windowsPath(path); ok {
		return usererr.With(err, "it is a path of Windows: WSL has that drive at /mnt/%s/%s", drive, rest)
	}
	if near := nearPath(path); near != "" {
		return usererr.With(err, "did you mean %s?", near)
	}
	return usererr.With(err, "`vqctl sources` lists what is read, and how to get it")
}

// windowsPath splits a path such as C:\Users\me into its drive, in lower case, and the rest with slashes. A shell has taken the
// backslashes of a path without quotes: the rest is "…" then.
func windowsPath(path string) (drive, rest string, ok bool) {
	letter, rest, found := strings.Cut(path, ":")
	if !found || len(letter) != 1 || !strings.ContainsAny(strings.ToLower(letter), "abcdefghijklmnopqrstuvwxyz") {
		return "", "", false
	}
	rest = strings.TrimLeft(strings.ReplaceAll(rest, `\`, "/"), "/")
	if !strings.Contains(path, `\`) && !strings.Contains(path, "/") {
		rest = "…"
	}
	return strings.ToLower(letter), rest, true
}

// nearPath returns a path that exists and resembles one that does not in its first name that is missing, "" if there is none.
func nearPath(path string) string {
	above, name, rest := filepath.Dir(filepath.Clean(path)), filepath.Base(path), ""
	for {
		entries, err := os.ReadDir(above)
		if err == nil {
			var names []string
			for _, e := range entries {
				names = append(names, e.Name())
			}
			near := usererr.Nearest(name, names)
			if near == "" {
				return ""
			}
			near = filepath.Join(above, near)
			if _, err := os.Stat(filepath.Join(near, rest)); err == nil {
				return filepath.Join(near, rest)
			}
			return near
		}
		if above == filepath.Dir(above) {
			return ""
		}
		above, name, rest = filepath.Dir(above), filepath.Base(above), filepath.Join(name, rest)
	}
}

// sourceHint advises on arguments of collect: a path with spaces that was not put in quotes, or a path without its flag.
func sourceHint(c *cli.Command, source string) string {
	arguments := strings.Join(c.Args().Slice(), " ")
	whole := source + " " + arguments
	if !c.IsSet("source") {
		whole = arguments
	}
	if path, err := expandHome(whole); err == nil && arguments != "" {
		if _, err := os.Stat(path); err == nil {
			return fmt.Sprintf("name it with --source, in quotes: --source %q", whole)
		}
	}
	if c.IsSet("source") {
		return "put a path with spaces in quotes"
	}
	return "name the source with --source"
}
