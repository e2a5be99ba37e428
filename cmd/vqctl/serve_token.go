package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"ventriloquist/internal/atomicfile"
	"ventriloquist/internal/usererr"
)

// tokenPath is where a token that was made is kept.
var tokenPath = filepath.Join(defaultDataDir, "serve_token")

// leastToken is the length of the shortest token.
const leastToken = 16

// token returns the token that requests must bring, "" for none.
func (o *serveOptions) token() (string, error) {
	if o.tokenFile != "" {
		return readToken(o.tokenFile)
	}
	if t := strings.TrimSpace(os.Getenv("VQCTL_SERVE_TOKEN")); t != "" {
		return checkToken("VQCTL_SERVE_TOKEN", t)
	}
	if o.server.Loopback {
		return "", nil
	}
	if t, err := readToken(tokenPath); !errors.Is(err, fs.ErrNotExist) {
		if err == nil {
			notice("the token is in %s", tokenPath)
		}
		return t, err
	}
	t := rand.Text()
	if err := os.MkdirAll(filepath.Dir(tokenPath), 0o700); err != nil {
		return "", err
	}
	err := atomicfile.Write(tokenPath, func(w io.Writer) error {
		_, err := io.WriteString(w, t+"\n")
		return err
	})
	if err != nil {
		return "", err
	}
	notice("requests must bring this token as their API key: %s\nIt is kept in %s and not shown again.", t, tokenPath)
	return t, nil
}

// readToken reads a token from a file that only its owner may read.
func readToken(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("cannot read the token: %w", err)
	}
	if info.Size() > 4096 || !info.Mode().IsRegular() {
		return "", usererr.With(fmt.Errorf("%s is not a file with a token", path), "write a token of at least %d characters into it", leastToken)
	}
	if info.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows" {
		return "", usererr.With(fmt.Errorf("other users can read the token in %s", path), "chmod 600 %s", path)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("cannot read the token: %w", err)
	}
	return checkToken(path, strings.TrimSpace(string(data)))
}

func checkToken(where, t string) (string, error) {
	if len(t) < leastToken || strings.ContainsFunc(t, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", usererr.With(fmt.Errorf("the token of %s cannot be used", where), "use at least %d characters, letters and digits", leastToken)
	}
	return t, nil
}
