package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"ventriloquist/internal/terminal"
	"ventriloquist/internal/train"
	"ventriloquist/internal/usererr"
)

// detachedVariable is set in the environment of a run in the background: the number of the file to which it writes a byte when it
// begins to train.
const detachedVariable = "VQCTL_DETACHED"

// printedVariable is set in the environment of a run in the background that begins anew: the file that it prints to until it trains.
const printedVariable = "VQCTL_PRINTED"

// wasDetached reports whether this process is the run in the background.
var wasDetached = os.Getenv(detachedVariable) != ""

// tellBegun tells the command that started this run in the background, if any, that it begins to train.
func tellBegun() {
	number, err := strconv.Atoi(os.Getenv(detachedVariable))
	if err != nil || number < 3 {
		return
	}
	os.Unsetenv(detachedVariable)
	pipe := os.NewFile(uintptr(number), "pipe")
	_, _ = pipe.Write([]byte{1}) // who started it may be gone
	pipe.Close()
}

// detachedRun is what --json prints.
type detachedRun struct {
	Event     string `json:"event"` // "detached"
	Process   int    `json:"process"`
	OutputDir string `json:"output_dir"`
	Log       string `json:"log"`
}

// runDetached starts the same command in a session of its own, in the background, and waits until it trains.
func runDetached(ctx context.Context, o trainOptions, out io.Writer) error {
	dir := o.settings.OutputDir
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	log, err := openDetachedLog(o)
	if err != nil {
		return err
	}
	defer log.Close()
	from, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	path := filepath.Join(dir, train.OutputFile)
	cmd, begun, err := startDetached(log, log.Name() != path)
	if err != nil {
		return fmt.Errorf("cannot start the run in the background: %w", err)
	}
	process := cmd.Process.Pid // the handle is released when the run trains
	if err := waitForBegin(ctx, cmd, begun); err != nil {
		if log.Name() != path {
			defer os.Remove(log.Name()) // the earlier run's train.log stays as it is
		}
		if ctx.Err() != nil {
			return err
		}
		printTail(log.Name(), from)
		return usererr.With(fmt.Errorf("the run in the background ended before it trained: %w", err), "its output is above")
	}
	if o.json {
		return json.NewEncoder(out).Encode(detachedRun{"detached", process, dir, path})
	}
	quoted := quoteForShell(dir)
	text := fmt.Sprintf("training in the background as process %d; what it prints goes to %s\n", process, path) +
		fmt.Sprintf("follow it: vqctl monitor %s\n", quoted) +
		fmt.Sprintf("stop it: vqctl runs --stop %s (it saves first; vqctl train --resume --output-dir %s continues)\n", quoted, quoted)
	_, err = io.WriteString(out, fitLines(text, terminalWidth(out)))
	return err
}

// openDetachedLog opens the file for what the run prints: a resumed run appends to that of its output folder. A new one has a file of
// its own until it trains, since an earlier run's moves with its other files then.
func openDetachedLog(o trainOptions) (*os.File, error) {
	dir := o.settings.OutputDir
	if o.resume == nil || o.resume.Dir == "" {
		return os.CreateTemp(dir, train.OutputFile+".*")
	}
	return os.OpenFile(filepath.Join(dir, train.OutputFile), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
}

// startDetached starts this program again with the same arguments, away from the terminal. isNew: the log is to be renamed when the
// run trains. begun delivers a byte then, and ends when the process does.
func startDetached(log *os.File, isNew bool) (cmd *exec.Cmd, begun *os.File, err error) {
	program, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	begun, told, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	defer told.Close()
	cmd = exec.Command(program, os.Args[1:]...) //nolint:noctx // it outlives this command
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{told}
	cmd.Env = append(os.Environ(), detachedVariable+"=3")
	if isNew {
		cmd.Env = append(cmd.Env, printedVariable+"="+log.Name())
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		begun.Close()
		return nil, nil, err
	}
	return cmd, begun, nil
}

// waitForBegin waits until the run trains. If ctx ends before, it stops the run.
func waitForBegin(ctx context.Context, cmd *exec.Cmd, begun *os.File) error {
	finish := waiting("preparing the run")
	defer finish()
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Signal(syscall.SIGTERM) })
	defer stop()
	n, _ := begun.Read(make([]byte, 1))
	begun.Close()
	if n == 1 && ctx.Err() == nil {
		return cmd.Process.Release()
	}
	err := cmd.Wait()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err == nil:
		return errors.New("it had nothing to do")
	}
	return err
}

// mostTail limits how much of a log is printed.
const mostTail = 16 << 10

// printTail prints what was appended to a log.
func printTail(path string, from int64) {
	content, err := os.ReadFile(path)
	if err != nil || int64(len(content)) <= from {
		return
	}
	content = content[from:]
	if over := len(content) - mostTail; over > 0 {
		content = content[over:]
		_, content, _ = bytes.Cut(content, []byte("\n"))
	}
	_, _ = stderr.Write(content)
}

// runStop stops the runs that a name stands for, after they have saved.
func runStop(ctx context.Context, dataDir, name string, out io.Writer) error {
	found, err := findRuns(ctx, dataDir, []string{name})
	if err != nil {
		return err
	}
	stopped := 0
	for _, r := range found {
		process := train.Running(r.folder)
		if process == 0 {
			continue
		}
		if err := stopRun(ctx, r.folder, process); err != nil {
			return err
		}
		stopped++
		printWrapped(out, "", fmt.Sprintf("%s is stopped and saved; vqctl train --resume --output-dir %s continues it", r.folder, quoteForShell(r.folder)))
	}
	if stopped == 0 {
		return usererr.With(fmt.Errorf("no run trains in %s now", name), "`vqctl runs` lists the runs")
	}
	return nil
}

// stopRun asks a run to save and end, as Ctrl-C does, and waits until it has.
func stopRun(ctx context.Context, folder string, process int) error {
	if err := syscall.Kill(process, syscall.SIGTERM); err != nil {
		return fmt.Errorf("cannot stop process %d, which trains in %s: %w", process, folder, err)
	}
	bar := screen.NewBar("waiting until "+terminal.Cut(folder, 40)+" has ended its step and is saved", "")
	defer bar.Finish()
	for train.Running(folder) == process {
		select {
		case <-ctx.Done():
			return interruptedError("the run was asked to stop, and saves when its step has ended")
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil
}
