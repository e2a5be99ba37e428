package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// An export is private, known to forget and redact, and enters again as the same history.
func TestRunExport_EntersAgain(t *testing.T) {
	t.Setenv("MY_NAME", "Aidan")
	first, second, file := t.TempDir(), t.TempDir(), filepath.Join(t.TempDir(), "messages.jsonl")
	if err := runCollect(t.Context(), collectOptions{source: writeChat(t), dataDir: first}, &bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}
	o := exportOptions{contactsOptions: contactsOptions{dataDir: first}, format: "jsonl", output: file, zone: "Europe/Berlin"}
	if err := runExport(t.Context(), o, &bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the file is %v (%v)", info, err)
	}
	db, err := openDatabase(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	if outputs, err := db.Outputs(t.Context()); err != nil || len(outputs) != 1 || outputs[0] != file {
		t.Errorf("outputs are %q (%v)", outputs, err)
	}
	db.Close()
	if err := runCollect(t.Context(), collectOptions{source: file, dataDir: second}, &bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	o.dataDir, o.output = second, ""
	var got bytes.Buffer
	if err := runExport(t.Context(), o, &got); err != nil || got.String() != string(want) || !strings.Contains(got.String(), `"time":"2024-03-15T13:00:00+01:00"`) {
		t.Errorf("it is\n%s\nnot\n%s (%v)", got.String(), want, err)
	}
}

func TestRunExport_Selection(t *testing.T) {
	t.Setenv("MY_NAME", "Aidan")
	data := t.TempDir()
	if err := runCollect(t.Context(), collectOptions{source: writeChat(t), dataDir: data}, &bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*exportOptions)
		lines  int
		wrong  string
	}{
		"All":        {func(*exportOptions) {}, 3, ""},
		"Person":     {func(o *exportOptions) { o.person = []string{"(555) 000-0001"} }, 3, ""},
		"Group":      {func(o *exportOptions) { o.group = "+15550000001" }, 3, ""},
		"Nobody":     {func(o *exportOptions) { o.person = []string{"Max"} }, 0, `no person is called "Max"`},
		"Since":      {func(o *exportOptions) { o.since = "2024-03-16" }, 0, ""},
		"Until":      {func(o *exportOptions) { o.until = "2024-03-15" }, 3, ""},
		"NeverSince": {func(o *exportOptions) { o.since, o.until = "2024-03-16", "2024-03-15" }, 0, "no message is both"},
		"Format":     {func(o *exportOptions) { o.format = "pdf" }, 0, "--format"},
	} {
		o := exportOptions{contactsOptions: contactsOptions{dataDir: data}, format: "jsonl", zone: "UTC"}
		c.change(&o)
		var out bytes.Buffer
		err := runExport(t.Context(), o, &out)
		if c.wrong != "" && (err == nil || !strings.Contains(err.Error(), c.wrong)) || c.wrong == "" && (err != nil || strings.Count(out.String(), "\n") != c.lines) {
			t.Errorf("%s: %q (%v)", name, out.String(), err)
		}
	}
}
