package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// signalError: a program was ended by a signal.
type signalError struct{ signal syscall.Signal }

func (e *signalError) Error() string { return "ended by " + e.signal.String() }

// How long a killed program may take to disappear. A program that the driver holds may never do so: it is left behind.
const killGrace = 5 * time.Second

// execute runs a command in a process group of its own and passes on the lines that it prints. When ctx ends, the whole group is
// killed; execute returns soon after, whether the programs have ended or not.
func execute(ctx context.Context, c command, line func(string)) error {
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	defer read.Close()
	cmd := exec.Command(c.args[0], c.args[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = c.dir, write, write
	cmd.Env = append(os.Environ(), c.env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		write.Close()
		return err
	}
	write.Close()

	lines, ended := make(chan string), make(chan error, 1)
	stop := make(chan struct{})
	defer close(stop)
	go readLines(read, lines, stop)
	go func() { ended <- cmd.Wait() }()

	done := ctx.Done()
	var abandon <-chan time.Time
	var waitErr error
	exited := false
	for {
		select {
		case text, ok := <-lines:
			if ok {
				line(text)
				continue
			}
			lines = nil
		case waitErr = <-ended:
			exited, ended = true, nil
			// What it started in the background may hold the pipe.
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			abandon = time.After(killGrace)
		case <-done:
			done = nil
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			abandon = time.After(killGrace)
		case <-abandon:
			if !exited {
				return fmt.Errorf("process %d did not end when it was killed", cmd.Process.Pid)
			}
			lines = nil
		}
		if exited && lines == nil {
			return describeExit(waitErr)
		}
	}
}

// readLines sends the lines of a pipe, which may be long, and closes lines at its end.
func readLines(from io.Reader, lines chan<- string, stop <-chan struct{}) {
	defer close(lines)
	in := bufio.NewReader(from)
	for {
		text, err := in.ReadString('\n')
		if text != "" {
			select {
			case lines <- trimEnd(text):
			case <-stop:
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func trimEnd(line string) string {
	for len(line) > 0 && (line[len(line)-1] == '\n' || line[len(line)-1] == '\r') {
		line = line[:len(line)-1]
	}
	return line
}

func describeExit(err error) error {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return err
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return &signalError{status.Signal()}
	}
	return fmt.Errorf("exit status %d", exit.ExitCode())
}
