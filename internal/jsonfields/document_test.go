package jsonfields_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"ventriloquist/internal/jsonfields"
)

// A pipe, a device, a folder and a huge file are refused at once; reading a pipe would wait for ever.
func TestReadFile_RefusesWhatIsNoSmallFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pipe, huge := filepath.Join(dir, "pipe"), filepath.Join(dir, "huge")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(huge, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(huge, 1<<40); err != nil { // sparse
		t.Fatal(err)
	}
	for path, want := range map[string]string{pipe: "not a regular file", dir: "", "/dev/zero": "not a regular file", huge: "larger than 1 MiB"} {
		if _, err := jsonfields.ReadFile(path, 1<<20); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// Repeated names and deep nesting are refused, at any level; the same name in two objects is none.
func TestParseDocument_RepeatedNamesAndDepth(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]string{
		`{"a": 1, "b": {"a": 2}, "c": [{"a": 3}, {"a": 4}]}`: "",
		`{"a": 1, "a": 2}`:                         `"a" is there twice`,
		`{"a": [{"b": "x", "c": null, "b": "y"}]}`: `"b" is there twice`,
		`{"a": "b", "b": "a"}`:                     "",
		`{"a": ` + strings.Repeat("[", 63) + strings.Repeat("]", 63) + `}`: "",
		`{"a": ` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `}`: "deeper than 64",
	} {
		_, err := jsonfields.ParseDocument("f.json", []byte(content))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), "f.json: ") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s: %v", content, err)
		}
	}
}
