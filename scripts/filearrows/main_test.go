package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestCheck_OrderOfFiles(t *testing.T) {
	folder := t.TempDir()
	for name, text := range map[string]string{
		"doc.go":    "// Package p is an example.\n//\n//\ta.go b.go   at the top\n//\tc.go gone.go\npackage p\n",
		"a.go":      "package p\n\nimport \"strings\"\n\ntype A struct{ n int }\n\nfunc (a A) Method() int { strings.ToLower(\"\"); return b() + c() }\n",
		"b.go":      "package p\n\nfunc b() int { return A{}.n }\n",
		"c.go":      "package p\n\nfunc c() int { return A{}.Method() }\n",
		"d.go":      "package p\n",
		"e_test.go": "package p\n",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := check(folder)
	want := []string{"d.go is not in the list in doc.go", "doc.go lists gone.go, which does not exist", "c.go uses A, Method of a.go, which doc.go lists above it"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("found %q (%v), want %q", got, err, want)
	}
	if _, err := check(t.TempDir()); err == nil {
		t.Error("a folder without a list passes")
	}
}
