package main

import (
	"log"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets scripts run this program as `vqctl`, and create test data with the other commands. Where $VQCTL names a built
// vqctl, scripts run that one: a program under the race detector takes several times as long.
func TestMain(m *testing.M) {
	testscript.Main(programs{m}, map[string]func(){
		"vqctl":    main,
		"history":  writePeople,
		"private":  writePrivate,
		"album":    writeAlbum,
		"sqlite":   runSQL,
		"stubborn": runStubborn,
	})
}

// programs prepares what the tests start.
type programs struct{ *testing.M }

func (m programs) Run() int {
	// Programs must heed SIGHUP even if these tests, run by nohup, do not: they inherit what is ignored, and not what is received.
	if signal.Ignored(syscall.SIGHUP) {
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	}
	if program := os.Getenv("VQCTL"); program != "" {
		if err := replaceProgram(program); err != nil {
			log.Fatalf("VQCTL=%s: %v", program, err)
		}
	}
	return m.M.Run()
}

// replaceProgram makes the command `vqctl` start the file program.
func replaceProgram(program string) error {
	installed, err := exec.LookPath("vqctl")
	if err != nil {
		return err
	}
	content, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	if err := os.Remove(installed); err != nil { // it may be a link to this program
		return err
	}
	return os.WriteFile(installed, content, 0o755)
}

// TestScripts runs testdata/script/*.txt: command lines, what they print, and the files that they write. $REPO is the
// repository.
func TestScripts(t *testing.T) {
	repository, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("REPO", repository)
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("GORACE", os.Getenv("GORACE"))
			return nil
		},
	})
}
