package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// sharedBuffer is what a running program has written so far.
type sharedBuffer struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

func (b *sharedBuffer) Write(p []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.text.Write(p)
}

func (b *sharedBuffer) String() string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.text.String()
}

// startStubborn starts a command that goes on when it is interrupted.
func startStubborn(t *testing.T) (*exec.Cmd, *sharedBuffer) {
	t.Helper()
	cmd := exec.Command("stubborn")
	out := &sharedBuffer{}
	cmd.Stderr = out
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
	return cmd, out
}

// Row 1.8: the first interrupt says what happens, the second what is lost.
func TestInterrupts_AreAnswered(t *testing.T) {
	cmd, out := startStubborn(t)
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

// An interrupt that the demo passes on, late on a busy machine, is not a second one: the command has received Ctrl-C or SIGTERM itself.
func TestInterrupts_PassedOnIsNoSecondOne(t *testing.T) {
	t.Parallel()
	for _, own := range []os.Signal{os.Interrupt, syscall.SIGTERM, passedOn} {
		cmd, out := startStubborn(t)
		for _, s := range []os.Signal{own, passedOn} {
			_ = cmd.Process.Signal(s)
			time.Sleep(sameInterrupt + 2*answerAfter)
		}
		if strings.Contains(out.String(), "stopped at once") || !strings.Contains(out.String(), "stopping") {
			t.Errorf("after %v it says %q", own, out.String())
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
}

// A signal reaches the innermost watch alone, even if that one ends at once: Ctrl-C in a step does not end the menu behind it.
func TestWatchInterrupts_OnlyTheInnermostIsInterrupted(t *testing.T) {
	outer, stopOuter := watchInterrupts(t.Context())
	defer stopOuter()
	for range 200 {
		inner, stop := watchInterrupts(outer)
		if err := syscall.Kill(os.Getpid(), syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		<-inner.Done()
		stop()
	}
	if outer.Err() != nil {
		t.Error("the outer watch was interrupted")
	}
}

// runStubborn is a command that goes on when it is interrupted.
func runStubborn() {
	_, stop := watchInterrupts(context.Background())
	defer stop()
	fmt.Println("ready")
	time.Sleep(time.Minute)
}
