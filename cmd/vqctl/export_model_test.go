package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ventriloquist/internal/load"
)

// An exported model is a base model, which gives the same log-probabilities.
func TestRunExportModel_ScoresTheSame(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tiny.gguf")
	o := exportOptions{output: path, format: "gguf", contactsOptions: contactsOptions{dataDir: t.TempDir()}}
	o.model.model.base, o.model.kind = "tiny", "bf16"
	if err := runExportModel(t.Context(), o, io.Discard); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v (%v)", info, err)
	}
	var results []string
	for _, base := range []string{"tiny", path} {
		var out bytes.Buffer
		s := scoreOptions{model: modelOptions{base: base, precision: "f32", at: load.CPU}, input: "-"}
		if err := runScore(t.Context(), s, strings.NewReader(`{"text": "hello, don't go 🙂"}`), &out); err != nil {
			t.Fatal(err)
		}
		results = append(results, out.String())
	}
	if results[0] != results[1] {
		t.Errorf("the file gives\n%s, its model\n%s", results[1], results[0])
	}
}

func TestRunExportModel_Refuses(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for name, c := range map[string]struct{ kind, output, want string }{
		"Type":     {"q4_kk", "x.gguf", "--type"},
		"NoOutput": {"f16", "", "--output is required"},
		"Folder":   {"f16", folder, "is a folder"},
	} {
		o := exportOptions{output: c.output, format: "gguf"}
		o.model.model.base, o.model.kind = "tiny", c.kind
		if err := runExportModel(t.Context(), o, io.Discard); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
