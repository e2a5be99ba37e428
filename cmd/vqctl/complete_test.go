package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// contactsToComplete makes a folder with a contacts file.
func contactsToComplete(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, defaultDataDir, contactsName)
	text := `{"contact": "Max Baker", "ids": ["+14155551001"]}` + "\n" + `{"contact": "李小明", "ids": ["li@x.org"]}` + "\n"
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	adapter := filepath.Join(dir, "checkpoints", "ventriloquist", "final")
	if err := os.MkdirAll(adapter, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(adapter, "adapter_config.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestComplete_PeopleModelsAndAdapters(t *testing.T) {
	t.Chdir(contactsToComplete(t))
	t.Setenv("MY_NAME", "Ben: the owner")
	for line, want := range map[string]string{
		"chat --target":              "Max Baker\n李小明\n",
		"generate --top-k 3 --as":    "Max Baker\n李小明\n",
		"stats":                      "Max Baker\n李小明\n",
		"forget --data-dir none":     "",
		"stats --data-dir=no --only": "",
		"chat --adapter":             "checkpoints/ventriloquist/final\n",
		"chat --type":                "dm\ngroup\n",
	} {
		var out bytes.Buffer
		complete(append(append([]string{"vqctl"}, strings.Fields(line)...), completionMark), &out)
		if out.String() != want {
			t.Errorf("%s completes %q, want %q", line, out.String(), want)
		}
	}
	var out bytes.Buffer
	if !complete([]string{"vqctl", "model", "info", completionMark}, &out) || !strings.Contains(out.String(), "tiny\n") {
		t.Errorf("models are %q", out.String())
	}
	for _, line := range []string{"", "stats", "--as", "train --limit"} {
		if complete(append([]string{"vqctl"}, strings.Fields(line)...), &out) || line != "stats" && complete([]string{"vqctl", line, completionMark}, &out) && line != "--as" {
			t.Errorf("%q is completed", line)
		}
	}
}

// In bash, a name with spaces is one word.
func TestComplete_InBash(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash")
	}
	dir := contactsToComplete(t)
	script := `source <(PROGRAM completion bash)
try() { COMP_WORDS=(PROGRAM "$@"); COMP_CWORD=$#; _vqctl; printf '[%s]' "${COMPREPLY[@]}"; echo; }
try chat --target M
try co
try train --load-in-4
`
	program := command(dir, nil)
	wrapper := filepath.Join(dir, "vqctl")
	if err := os.WriteFile(wrapper, []byte("#!/bin/sh\nexec '"+program.Path+"' \"$@\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bash, "-c", strings.ReplaceAll(script, "PROGRAM", wrapper))
	cmd.Dir, cmd.Env = dir, append(program.Env, "LC_ALL=C")
	out, err := cmd.CombinedOutput()
	if want := "[Max\\ Baker]\n[collect][contacts][completion]\n[--load-in-4bit]\n"; err != nil || string(out) != want {
		t.Errorf("bash completes (%v)\n%s\nwant\n%s", err, out, want)
	}
}
