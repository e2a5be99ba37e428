package main

import (
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets scripts run this program as `vqctl`, and create test data with the other commands.
func TestMain(m *testing.M) {
	testscript.Main(underNohup{m}, map[string]func(){
		"vqctl":    func() { os.Exit(runUntilSignal(os.Args)) },
		"history":  writePeople,
		"private":  writePrivate,
		"album":    writeAlbum,
		"sqlite":   runSQL,
		"stubborn": runStubborn,
	})
}

// underNohup runs tests whose programs heed SIGHUP even if these tests themselves, run by nohup, must not.
type underNohup struct{ *testing.M }

func (m underNohup) Run() int {
	if signal.Ignored(syscall.SIGHUP) {
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP) // programs inherit what is ignored, and not what is received
	}
	return m.M.Run()
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
