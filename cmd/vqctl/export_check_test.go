package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"ventriloquist/internal/load"
	"ventriloquist/internal/model"
	"ventriloquist/internal/model/adapter"
	"ventriloquist/internal/model/gguf"
)

// writeTunedAdapter writes an adapter of the built-in model that changes what it computes.
func writeTunedAdapter(t *testing.T, dir string) {
	t.Helper()
	location, err := model.Resolve(model.Tiny)
	if err != nil {
		t.Fatal(err)
	}
	base, err := location.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer base.Close()
	targets, err := adapter.ParseTargets("q,v,down")
	if err != nil {
		t.Fatal(err)
	}
	a, err := adapter.New(base.Config, adapter.Options{R: 2, Alpha: 3, RSLoRA: true, Targets: targets, BaseModel: model.Tiny}, 1)
	if err != nil {
		t.Fatal(err)
	}
	for layer := range a.Layers {
		for i := range a.Layers[layer] {
			for k := range a.Layers[layer][i].B {
				a.Layers[layer][i].B[k] = float32(k%5-2) / 20
			}
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := a.WriteFiles(dir); err != nil {
		t.Fatal(err)
	}
}

// checkedExport returns the options of an export of the built-in model with an adapter, checked on a few windows.
func checkedExport(t *testing.T, format, kind string) exportOptions {
	t.Helper()
	dir := t.TempDir()
	writeTunedAdapter(t, filepath.Join(dir, "adapter"))
	writeWindows(t, filepath.Join(dir, "windows.jsonl"), 5)
	o := exportOptions{format: format, output: filepath.Join(dir, "export"), contactsOptions: contactsOptions{dataDir: dir}}
	o.model = exportModelOptions{kind: kind, check: true, dataPath: filepath.Join(dir, "windows.jsonl"),
		model: modelOptions{base: model.Tiny, adapter: filepath.Join(dir, "adapter"), precision: "f32", at: load.CPU}}
	if format == "ollama" {
		o.person, o.model.with = []string{"Ada"}, "Ben"
	}
	return o
}

// Every format holds the model that it was made from, and a later check of the same path says so again.
func TestRunExportModel_ChecksEveryFormat(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ format, kind, says string }{
		{"gguf", "f32", "in f32"}, {"gguf", "q8_0", "in q8_0"}, {"safetensors", "f16", "in f16"}, {"ollama", "f16", "in f16"},
		{"peft", "", "every matrix"}, {"gguf-lora", "", "every matrix"}, {"mlx", "", "every matrix"},
	} {
		t.Run(c.format+c.kind, func(t *testing.T) {
			t.Parallel()
			o := checkedExport(t, c.format, c.kind)
			var out bytes.Buffer
			if err := runExportModel(t.Context(), o, &out); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(out.String(), c.says) || !strings.Contains(out.String(), "2 held-out windows: ") {
				t.Errorf("the check says %q", out.String())
			}
			if c.kind != "q8_0" && !strings.Contains(out.String(), "2 of 2 greedy texts are the same") {
				t.Errorf("the check says %q", out.String())
			}
		})
	}
}

// A file that is not the model's is refused, with the tensor that differs.
func TestRunExportCheck_RefusesAnotherModel(t *testing.T) {
	t.Parallel()
	o := checkedExport(t, "gguf", "f16")
	o.model.check = false
	if err := runExportModel(t.Context(), o, io.Discard); err != nil {
		t.Fatal(err)
	}
	o.model.model.adapter = "" // compared with the base alone, the adapter is a fault
	err := runExportCheck(t.Context(), o, o.output, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "tensor blk.0.attn_q.weight: row 0") {
		t.Errorf("a model with an adapter passed for its base: %v", err)
	}
}

// The quantizer of llama.cpp gets a file in f16 and the type; what it writes is moved into place, and nothing else is left.
func TestRunExportModel_Quantizes(t *testing.T) {
	bin := t.TempDir()
	script := "#!/bin/sh\n[ \"$3\" = Q4_K_M ] && cp \"$1\" \"$2\" || { echo no such type >&2; exit 1; }\n"
	if err := os.WriteFile(filepath.Join(bin, quantizer), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("there is no sh")
	}
	o := checkedExport(t, "gguf", "Q4_K_M")
	o.model.check = false
	if err := runExportModel(t.Context(), o, io.Discard); err != nil {
		t.Fatal(err)
	}
	file, err := gguf.Open(o.output)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if info, err := os.Stat(o.output); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	o.model.kind = "q5_k_m"
	if err := runExportModel(t.Context(), o, io.Discard); err == nil || !strings.Contains(err.Error(), "no such type") {
		t.Errorf("the quantizer failed: %v", err)
	}
	entries, err := os.ReadDir(filepath.Dir(o.output))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.Contains(e.Name(), ".partial-") {
			t.Errorf("left over: %s", e.Name())
		}
	}
	t.Setenv("PATH", t.TempDir())
	if err := runExportModel(t.Context(), o, io.Discard); err == nil || !strings.Contains(err.Error(), "there is no llama-quantize in PATH") {
		t.Errorf("without a quantizer: %v", err)
	}
}

// An Ollama model is of one person who talks to another one.
func TestRunExportModel_OllamaNeedsNames(t *testing.T) {
	t.Setenv("MY_NAME", "")
	for _, c := range []struct {
		person     []string
		with, want string
	}{
		{nil, "Ben", "a model of one person"},
		{[]string{"Ada", "Ben"}, "Cid", "a model of one person"},
		{[]string{"Ada"}, "", "who will type to Ada?"},
		{[]string{"Ada"}, "Ada", "cannot both answer and type"},
	} {
		o := checkedExport(t, "ollama", "f16")
		o.person, o.model.with = c.person, c.with
		if err := runExportModel(t.Context(), o, io.Discard); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v with %q: %v", c.person, c.with, err)
		}
	}
}
