package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
)

// chatting is a chat in an emulated terminal.
type chatting struct {
	t    *testing.T
	cmd  *exec.Cmd
	file *os.File

	mu     sync.Mutex
	screen *vt.Emulator
	closed chan struct{}
}

// writeAdapter trains an adapter of one step on the conversation of four people.
func writeAdapter(t *testing.T, dir string) {
	t.Helper()
	var file strings.Builder
	for range 4 {
		file.WriteString(`{"text": "{\"type\": \"group\", \"members\": [\"daftykins\", \"lotuspsychje\", \"lsfret\", \"李明\"], \"start\": \"2024-03-15\"}\n{\"name\": \"lsfret\", \"delta\": \"<1m\", \"reply_to\": null, \"content_type\": \"text\", \"text\": \"hey\"}\n"}` + "\n")
	}
	if err := os.WriteFile(filepath.Join(dir, "windows.jsonl"), []byte(file.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := command(dir, nil, "train", "--base-model", "tiny", "--data-path", "windows.jsonl", "--output-dir", "a", "--lora-r", "4", "--max-steps", "1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("train: %v\n%s", err, out)
	}
}

// startChat starts a chat in a terminal of the given size.
func startChat(t *testing.T, dir string, columns int, args ...string) *chatting {
	t.Helper()
	return startInTerminal(t, dir, columns, nil, append([]string{"chat", "--adapter", "a/final", "--seed", "1", "--max-seq-length", "512"}, args...)...)
}

// startInTerminal starts a command in a terminal of the given size.
func startInTerminal(t *testing.T, dir string, columns int, environment []string, args ...string) *chatting {
	t.Helper()
	cmd := command(dir, append([]string{"TERM=xterm-256color", "HOME=" + dir, "MY_NAME=Daftykins"}, environment...), args...)
	file, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 30, Cols: uint16(columns)})
	if err != nil {
		t.Skipf("no pseudo-terminal: %v", err)
	}
	c := &chatting{t: t, cmd: cmd, file: file, screen: vt.NewEmulator(columns, 30), closed: make(chan struct{})}
	go func() { _, _ = io.Copy(file, c.screen) }() // what the terminal answers to queries
	go func() {
		defer close(c.closed)
		buffer := make([]byte, 1<<16)
		for {
			n, err := file.Read(buffer)
			c.mu.Lock()
			_, _ = c.screen.Write(buffer[:n])
			c.mu.Unlock()
			if err != nil {
				return // EIO: the command closed the terminal
			}
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		file.Close()
	})
	return c
}

func (c *chatting) keys(keys string) {
	c.t.Helper()
	if _, err := c.file.WriteString(keys); err != nil {
		c.t.Fatal(err)
	}
}

func (c *chatting) resize(columns int) {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.screen.Resize(columns, 30)
	if err := pty.Setsize(c.file, &pty.Winsize{Rows: 30, Cols: uint16(columns)}); err != nil {
		c.t.Fatal(err)
	}
}

// shown returns the lines on the screen.
func (c *chatting) shown() (lines []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for line := range strings.SplitSeq(c.screen.String(), "\n") {
		if line = strings.TrimRight(line, " "); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// cursor returns the column of the cursor.
func (c *chatting) cursor() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.screen.CursorPosition().X
}

// until waits until the screen is as it should be.
func (c *chatting) until(what string, as func(lines []string) bool) {
	c.t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		lines := c.shown()
		if as(lines) {
			return
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("no %s on the screen:\n%s", what, strings.Join(lines, "\n"))
		}
	}
}

// untilLast waits until the last line is as given.
func (c *chatting) untilLast(want string) {
	c.t.Helper()
	c.until(fmt.Sprintf("%q at the end", want), func(lines []string) bool { return len(lines) > 0 && lines[len(lines)-1] == want })
}

// untilAnswer waits until someone has answered a line that begins with said, and the prompt is there again.
func (c *chatting) untilAnswer(said, who string) {
	c.t.Helper()
	c.until("answer of "+who+" to "+said, func(lines []string) bool {
		answered := false
		for i, line := range lines {
			if strings.HasPrefix(line, "  "+said) {
				answered = false
				for _, next := range lines[i+1:] {
					answered = answered || strings.HasPrefix(next, "  "+who)
				}
			}
		}
		return answered && strings.HasSuffix(lines[len(lines)-1], ">")
	})
}

func (c *chatting) exited() int {
	c.t.Helper()
	select {
	case <-c.closed:
	case <-time.After(2 * time.Minute):
		c.t.Fatalf("the chat goes on:\n%s", strings.Join(c.shown(), "\n"))
	}
	_ = c.cmd.Wait()
	return c.cmd.ProcessState.ExitCode()
}

const (
	keyLeft = "\x1b[D"
	keyUp   = "\x1b[A"
	paste   = "\x1b[200~"
	pasted  = "\x1b[201~"
)

// Rows 1.4 and 4: the first hour of a chat, at three widths.
func TestChat_InTerminals(t *testing.T) {
	if testing.Short() {
		t.Skip("chats in three terminals")
	}
	dir := t.TempDir()
	writeAdapter(t, dir)
	for _, columns := range []int{40, 80, 200} {
		t.Run(fmt.Sprint(columns), func(t *testing.T) {
			c := startChat(t, dir, columns, "--target", "LSFRET")
			c.untilLast("daftykins>")
			if greeting := strings.Join(strings.Fields(strings.Join(c.shown(), " ")), " "); !strings.Contains(greeting,
				"You are daftykins. lsfret answers. Also known: lotuspsychje, 李明 (/target NAME). /help lists the commands.") {
				t.Errorf("the greeting is %q", greeting)
			}
			c.keys("hello\r")
			c.untilAnswer("daftykins: hello", "lsfret")

			// A pasted block is one turn.
			c.keys(paste + "one\nhttp://x.org: two\nthree" + pasted)
			c.untilLast("three")
			c.keys("\r")
			c.untilAnswer("daftykins: three", "lsfret")
			joined := strings.Join(c.shown(), "\n")
			if !strings.Contains(joined, "  daftykins: one\n  daftykins: http://x.org: two\n  daftykins: three\n  lsfret") {
				t.Errorf("the block became\n%s", joined)
			}

			// Tab completes commands and names; an empty line is no history.
			c.keys("/tar\tlo\t")
			c.untilLast("daftykins> /target lotuspsychje")
			c.keys("\r")
			c.until("new target", func(lines []string) bool {
				return strings.Contains(strings.Join(lines, "\n"), "answers as lotuspsychje")
			})
			c.keys("\r")
			c.keys("/clear\r") // waits for the end of the answer
			c.until("end of the answer", func(lines []string) bool {
				return strings.Contains(strings.Join(lines, "\n"), "\n  lotuspsychje") && strings.Contains(strings.Join(lines, "\n"), "\nconversation cleared")
			})
			c.keys(keyUp)
			c.untilLast("daftykins> /clear")
			c.keys(keyUp)
			c.untilLast("daftykins> /target lotuspsychje")
			c.keys(keyUp + keyUp + keyUp + keyUp) // through the lines of the block
			c.untilLast("daftykins> hello")

			// Ctrl-C clears the line, and the second one leaves nothing of it on the screen.
			c.keys("\x03")
			c.untilLast("(Ctrl-C again leaves)")
			c.keys("\x03")
			if status := c.exited(); status != 0 {
				t.Errorf("the chat ends with %d", status)
			}
			for _, line := range c.shown() {
				if strings.Contains(line, "daftykins>") || strings.Contains(line, "Ctrl-C") {
					t.Errorf("left on the screen: %q", line)
				}
			}
		})
	}
}

// Row 4: wide characters and combining marks are edited as they are shown.
func TestChat_EditsWideCharacters(t *testing.T) {
	if testing.Short() {
		t.Skip("loads a model")
	}
	dir := t.TempDir()
	writeAdapter(t, dir)
	c := startChat(t, dir, 60, "--target", "李明")
	c.untilLast("daftykins>")
	c.keys(paste + "😀😀你好你好abcdef" + pasted + keyLeft + keyLeft + keyLeft + "\x7f\x7f" + keyLeft + keyLeft + keyLeft + keyLeft + "\x7fX")
	c.untilLast("daftykins> 😀😀X好你好adef")
	if want := len("daftykins> ") + 5; c.cursor() != want {
		t.Errorf("the cursor is in column %d, want %d", c.cursor(), want)
	}
	c.keys("\x15\x0b") // deletes the line
	c.untilLast("daftykins>")
	c.keys("cafe\u0301s" + keyLeft + "\x7f") // the letter goes with its mark
	c.untilLast("daftykins> cafs")
	c.keys("\x15\x0b" + "a👨‍👩‍👧b" + keyLeft + "\x7f")
	c.untilLast("daftykins> ab")
	c.keys("\x04\x15") // deletes b, then a
	c.untilLast("daftykins>")
	c.keys("\x04")
	if status := c.exited(); status != 0 {
		t.Errorf("the chat ends with %d", status)
	}
}

// Row 4: Ctrl-C stops an answer and not the program, the line that was typed meanwhile stays, and a resize redraws it.
func TestChat_CtrlCStopsAnAnswer(t *testing.T) {
	if testing.Short() {
		t.Skip("loads a model")
	}
	dir := t.TempDir()
	writeAdapter(t, dir)
	c := startChat(t, dir, 80, "--target", "lsfret", "--min-new-tokens", "2900", "--max-new-tokens", "3000")
	c.untilLast("daftykins>")
	c.keys("hello\r")
	c.until("answer", func(lines []string) bool { return strings.Contains(strings.Join(lines, "\n"), "\n  lsfret") })
	c.keys("typed ahead\x03")
	c.until("end of the answer", func(lines []string) bool { return strings.Contains(strings.Join(lines, "\n"), "(stopped)") })
	c.untilLast("daftykins> typed ahead")
	c.resize(30)
	c.keys(strings.Repeat(" more", 6))
	c.untilLast("ore more more more more")
	c.keys("\x03")
	c.keys("\x04")
	if status := c.exited(); status != 0 {
		t.Errorf("the chat ends with %d", status)
	}
}
