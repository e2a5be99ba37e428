package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"

	"ventriloquist/internal/terminal"
)

// console is an emulated terminal that commands run in.
type console struct {
	dir     string
	columns int
	screen  *vt.Emulator
	raw     bytes.Buffer // all that was ever written
}

func newConsole(dir string, columns int) *console {
	return &console{dir: dir, columns: columns, screen: vt.NewEmulator(columns, 200)}
}

// run runs a command in the terminal until it ends, and returns the lines that it leaves there.
func (c *console) run(t *testing.T, args ...string) (lines []string) {
	t.Helper()
	cmd := command(c.dir, []string{"TERM=xterm-256color", "HOME=" + c.dir, "MY_NAME=Ben"}, args...)
	file, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 200, Cols: uint16(c.columns)})
	if err != nil {
		t.Skipf("no pseudo-terminal: %v", err)
	}
	defer file.Close()
	_, _ = c.screen.WriteString("\x1b[2J\x1b[H")
	buffer := make([]byte, 1<<16)
	for {
		n, err := file.Read(buffer)
		c.raw.Write(buffer[:n])
		_, _ = c.screen.Write(buffer[:n])
		if err != nil {
			break // EIO: the command closed the terminal
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("vqctl %q: %v\n%s", args, err, strings.TrimSpace(c.screen.String()))
	}
	for line := range strings.SplitSeq(c.screen.String(), "\n") {
		if line = strings.TrimRight(line, " "); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// writeExport writes a conversation of n messages as JSON lines.
func writeExport(t *testing.T, path string, n int) {
	t.Helper()
	var text bytes.Buffer
	for i := range n {
		fmt.Fprintf(&text, `{"chat": "c", "time": %d, "name": %q, "text": "message number %d of many"}`+"\n", 1_710_547_260+60*i, []string{"Ann", "Ben"}[i%2], i)
	}
	if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Row 1.1: after each phase nothing of a bar is left on the screen, whatever its width, and the help is within it.
func TestTerminal_NothingIsDrawnOverAnything(t *testing.T) {
	if testing.Short() {
		t.Skip("trains in three terminals")
	}
	dir := t.TempDir()
	writeExport(t, filepath.Join(dir, "a.jsonl"), 40_000)
	for _, columns := range []int{40, 80, 200} {
		c := newConsole(dir, columns)
		data := fmt.Sprintf("data%d", columns)
		for _, args := range [][]string{
			{"collect", "--source", "a.jsonl", "--me", "Ben", "--data-dir", data},
			{"contacts", "suggest", "--yes", "--address-book", ".", "--data-dir", data},
			{"preprocess", "--data-dir", data, "--window", "4", "--stride", "4"},
			{"train", "--base-model", "tiny", "--data-dir", data, "--output-dir", data, "--limit", "16", "--lora-r", "4", "--batch-size", "2",
				"--gradient-accumulation-steps", "1", "--max-steps", "6", "--eval-steps", "0", "--logging-steps", "2"},
		} {
			lines := c.run(t, args...)
			steps := 0
			for _, line := range lines {
				for _, title := range []string{"reading lines", "reading messages", "reading windows", "tokenizing", "loading", "measuring", " left"} {
					if strings.Contains(line, title) {
						t.Errorf("%d columns: %s leaves %q", columns, args[0], line)
					}
				}
				if strings.HasPrefix(line, "step ") {
					steps++
					if !strings.Contains(line, "loss") {
						t.Errorf("%d columns: %s leaves %q", columns, args[0], line)
					}
				}
			}
			if args[0] == "train" && steps != 3 {
				t.Errorf("%d columns: train leaves\n%s", columns, strings.Join(lines, "\n"))
			}
		}
		if !bytes.Contains(c.raw.Bytes(), []byte("tokenizing windows")) && !bytes.Contains(c.raw.Bytes(), []byte("reading lines")) {
			t.Errorf("%d columns: no bar was drawn", columns)
		}
	}
}

// Section 1.1 and the walks: no command prints a line that is wider than the terminal, which would break it within a word.
func TestTerminal_NoLineIsWider(t *testing.T) {
	dir := t.TempDir()
	writeExport(t, filepath.Join(dir, "a.jsonl"), 200)
	for _, columns := range []int{40, 80} {
		c := newConsole(dir, columns)
		data := fmt.Sprintf("data%d", columns)
		for _, args := range [][]string{
			{"sources"},
			{"collect", "--source", "a.jsonl", "--me", "Ben", "--data-dir", data},
			{"contacts", "suggest", "--address-book", ".", "--data-dir", data},
			{"contacts", "--data-dir", data},
			{"preprocess", "--data-dir", data, "--window", "8", "--stride", "4"},
			{"stats", "--data-dir", data},
			{"model", "list"},
			{"model", "info", "tiny"},
			{"train", "--dry-run", "--base-model", "tiny", "--data-dir", data},
		} {
			c.raw.Reset()
			c.run(t, args...)
			for line := range strings.SplitSeq(c.raw.String(), "\r\n") {
				line = ansi.Strip(line[strings.LastIndex(line, "\r")+1:]) // what was drawn before is gone
				if terminal.Width(line) > columns {
					t.Errorf("%d columns: %s prints %q", columns, args[0], line)
				}
			}
		}
	}
}

func TestHelp_IsWrappedAtTheWidthOfTheTerminal(t *testing.T) {
	for _, columns := range []int{60, 80, 200} {
		c := newConsole(t.TempDir(), columns)
		longest := 0
		for _, line := range c.run(t, "train", "--help") {
			longest = max(longest, len(line))
		}
		for line := range strings.SplitSeq(c.raw.String(), "\r\n") {
			if len(line) > columns {
				t.Errorf("%d columns: the line %q is too long", columns, line)
			}
		}
		if want := min(columns, 110); longest > want || longest < want-15 {
			t.Errorf("%d columns: the longest line has %d", columns, longest)
		}
	}
}

// startTraining starts a long training in a terminal and returns when its first step was reported.
func startTraining(t *testing.T, dir string) (*exec.Cmd, *os.File) {
	t.Helper()
	var windows bytes.Buffer
	for range 4 {
		windows.WriteString(`{"text": "{\"type\": \"dm\", \"members\": [\"Ada\", \"Ben\"], \"start\": \"2024-03-15\"}\n{\"name\": \"Ada\", \"delta\": \"<1m\", \"reply_to\": null, \"content_type\": \"text\", \"text\": \"hey\"}\n"}` + "\n")
	}
	if err := os.WriteFile(filepath.Join(dir, "windows.jsonl"), windows.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := command(dir, []string{"TERM=xterm"}, "train", "--base-model", "tiny", "--data-path", "windows.jsonl", "--output-dir", "a", "--lora-r", "4",
		"--max-steps", "100000", "--logging-steps", "1", "--eval-steps", "0", "--save-steps", "0")
	file, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 50, Cols: 80})
	if err != nil {
		t.Skipf("no pseudo-terminal: %v", err)
	}
	readUntil(t, file, "step 1/100000  epoch")
	return cmd, file
}

// readUntil reads a terminal until it shows text.
func readUntil(t *testing.T, file *os.File, text string) {
	t.Helper()
	var all []byte
	buffer := make([]byte, 1<<12)
	for !bytes.Contains(all, []byte(text)) {
		n, err := file.Read(buffer)
		all = append(all, buffer[:n]...)
		if err != nil {
			t.Fatalf("%q did not appear: %v\n%s", text, err, all)
		}
	}
}

// Row 1.3: closing the terminal saves a checkpoint.
func TestTerminal_ClosingItSavesTheRun(t *testing.T) {
	dir := t.TempDir()
	cmd, file := startTraining(t, dir)
	file.Close()
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != exitInterrupted {
		t.Errorf("train ends with %v", err)
	}
	if saved, _ := filepath.Glob(filepath.Join(dir, "a", "checkpoint-*", "adapter_model.safetensors")); len(saved) != 1 {
		t.Errorf("saved are %q", saved)
	}
}

// Row 1.8: Ctrl-C is answered at once.
func TestTerminal_CtrlCIsAnswered(t *testing.T) {
	cmd, file := startTraining(t, t.TempDir())
	defer file.Close()
	if _, err := file.WriteString("\x03"); err != nil {
		t.Fatal(err)
	}
	readUntil(t, file, "saved as a/checkpoint-")
	_ = cmd.Wait()
	if cmd.ProcessState.ExitCode() != exitInterrupted {
		t.Errorf("train ends with %v", cmd.ProcessState)
	}
}
