package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Row 1.8: the first interrupt says what happens, the second what is lost.
func TestInterrupts_AreAnswered(t *testing.T) {
	cmd := exec.Command("stubborn")
	var out bytes.Buffer
	cmd.Stderr = &out
	ready, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := ready.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_ = cmd.Process.Signal(os.Interrupt)
		time.Sleep(sameInterrupt + 2*answerAfter)
	}
	_ = cmd.Process.Signal(syscall.SIGTERM)
	_ = cmd.Wait()
	for _, want := range []string{"stopping; Ctrl-C again stops at once: what this command had not saved yet is lost\n", "stopped at once: what this"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it says %q, want %q", out.String(), want)
		}
	}
	if cmd.ProcessState.ExitCode() != exitInterrupted {
		t.Errorf("it ends with %v", cmd.ProcessState)
	}
}

// runStubborn is a command that goes on when it is interrupted.
func runStubborn() {
	_, stop := watchInterrupts(context.Background())
	defer stop()
	fmt.Println("ready")
	time.Sleep(time.Minute)
}
