package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// An export that is killed at any moment leaves no half of a file or folder; the next one removes what was unfinished.
func TestKilledExport_LeavesWholeFilesOnly(t *testing.T) {
	if testing.Short() {
		t.Skip("exports many times")
	}
	t.Parallel()
	k := newKiller(t, t.TempDir(), "MY_NAME=Me")
	writeTunedAdapter(t, k.path("adapter"))
	for format, flags := range map[string][]string{
		"gguf": {"--type", "q8_0"}, "safetensors": nil, "ollama": {"--person", "Ada", "--with", "Ben"}, "peft": nil, "gguf-lora": nil, "mlx": nil,
	} {
		output := func(name string) []string {
			return append([]string{"export", "--format", format, "--adapter", "adapter", "--output", filepath.Join(format, name)}, flags...)
		}
		if err := os.Mkdir(k.path(format), 0o700); err != nil {
			t.Fatal(err)
		}
		whole := k.must(output("whole")...)
		for range rounds(20) {
			ended := k.kill(whole, output("x")...)
			if _, err := os.Stat(k.path(format, "x")); err != nil {
				if ended {
					t.Errorf("%s: %v", format, err)
				}
				continue
			}
			sameFiles(t, k.path(format, "whole"), k.path(format, "x"))
			if err := os.RemoveAll(k.path(format, "x")); err != nil {
				t.Fatal(err)
			}
		}
		k.must(output("x")...)
		k.noLeftovers(format)
	}
}

// sameFiles compares two files, or the files in two folders.
func sameFiles(t *testing.T, want, got string) {
	t.Helper()
	names := []string{"."}
	if info, err := os.Stat(want); err == nil && info.IsDir() {
		names = filesOf(t, want)
	}
	for _, name := range names {
		a, errA := os.ReadFile(filepath.Join(want, name))
		b, errB := os.ReadFile(filepath.Join(got, name))
		if errA != nil || errB != nil || !bytes.Equal(a, b) {
			t.Errorf("%s is not whole: %d bytes of %d, %v, %v", filepath.Join(got, name), len(b), len(a), errA, errB)
		}
	}
}
