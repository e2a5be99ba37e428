package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/stats"
)

// manyNames are names of all widths; the last ones have no place to break, and control characters.
var manyNames = []string{"Max Baker", `Anne "Annie" Lee`, "Ava O’Brien", "Jürgen Müller", "李小明", "Zoë 💖", "👨‍👩‍👧 family", "Dr. Elisabeth von Hohenstein-Langenburg",
	strings.Repeat("ΩX", 40), "two\nlines\tand \u202ebackwards"}

// writeManyNames writes a history with a direct chat and groups of these people, over three years.
func writeManyNames(t *testing.T, path string) {
	t.Helper()
	var text bytes.Buffer
	line := func(chat, name, said string, at time.Time, group bool) {
		data, err := json.Marshal(map[string]any{"chat": chat, "time": at.Unix(), "name": name, "text": said, "group": group})
		if err != nil {
			t.Fatal(err)
		}
		text.Write(append(data, '\n'))
	}
	at := time.Date(2021, 2, 1, 9, 0, 0, 0, time.UTC)
	for i := range 1200 {
		at = at.Add(22 * time.Hour)
		k := i * i % len(manyNames)
		line(fmt.Sprint("direct", k), "Ben", "the house and the garden 😂", at, false)
		line(fmt.Sprint("direct", k), manyNames[k], fmt.Sprintf("a yacht%d, my yacht%d and me 💖", k, k), at.Add(time.Duration(k*k+1)*time.Minute), false)
		if i%5 == 0 {
			line("group", manyNames[i/5%len(manyNames)], "everyone?", at, true)
			line("group", "Ben", "yes", at.Add(time.Minute), true)
		}
	}
	if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Row 2, `vqctl stats`: each line fits into the terminal, in cells, and a wider terminal shows more columns.
func TestStats_FitsIntoTheTerminal(t *testing.T) {
	dir := t.TempDir()
	writeManyNames(t, filepath.Join(dir, "a.jsonl"))
	columns := map[int]string{40: "reply", 80: "silence", 120: "reactions", 200: "characteristic words"}
	for _, width := range []int{40, 80, 120, 200} {
		c := newConsole(dir, width)
		data := fmt.Sprint("data", width)
		c.run(t, "collect", "--source", "a.jsonl", "--me", "Ben", "--data-dir", data)
		for _, args := range [][]string{{"stats"}, {"stats", "zoë 💖"}, {"stats", manyNames[8]}, {"stats", "Ben"}} {
			c.raw.Reset()
			lines := c.run(t, append(args, "--data-dir", data)...)
			printed := strings.Count(c.raw.String(), "\r\n")
			blank := strings.Count(strings.ReplaceAll(c.raw.String(), "\r\n", "\n\n"), "\n\n\n\n")
			if len(lines) != printed-blank {
				t.Errorf("%d columns: %q prints %d lines and %d blank ones, which take %d on the screen:\n%s", width, args, printed-blank, blank, len(lines), strings.Join(lines, "\n"))
			}
			if len(args) == 1 && (!strings.HasPrefix(lines[0], "2,880 messages") || !strings.Contains(c.raw.String(), columns[width])) {
				t.Errorf("%d columns: the column %q is missing:\n%s", width, columns[width], strings.Join(lines, "\n"))
			}
		}
	}
}

// Row 5.9: the page's path is all that stats --html prints, whatever its name, and the page is recorded for forget and redact.
func TestStats_PrintsOnlyThePathOfThePage(t *testing.T) {
	dir := t.TempDir()
	writeManyNames(t, filepath.Join(dir, "a.jsonl"))
	env := []string{"MY_NAME=Ben", "PATH=" + dir, "HOME=" + dir}
	run := func(args ...string) string {
		t.Helper()
		cmd := command(dir, env, args...)
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		if err := cmd.Run(); err != nil {
			t.Fatalf("%q: %v\n%s", args, err, stderr.String())
		}
		return stdout.String()
	}
	run("collect", "--source", "a.jsonl")
	if out := run("stats", "--html", "the page.html"); out != "the page.html\n" {
		t.Errorf("stats prints %q", out)
	}
	opener := "#!/bin/sh\necho \"$1\" >opened\n"
	for _, name := range []string{"xdg-open", "open"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(opener), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if out := run("stats", "--open"); out != filepath.Join("data", "stats.html")+"\n" {
		t.Errorf("stats --open prints %q", out)
	}
	opened, err := os.ReadFile(filepath.Join(dir, "opened"))
	if want := filepath.Join("data", "stats.html\n"); err != nil || !strings.HasSuffix(string(opened), want) || !filepath.IsAbs(string(opened)) {
		t.Errorf("opened is %q (%v), want …%s", opened, err, want)
	}
	db, err := messages.Open(t.Context(), filepath.Join(dir, "data", "messages.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if outputs, err := db.Outputs(t.Context()); err != nil || len(outputs) != 2 {
		t.Errorf("recorded are %q (%v)", outputs, err)
	}
	for _, wrong := range [][]string{{"x.html", "Max Baker"}, {"data"}, {""}, {"none/x.html"}} {
		if out, err := command(dir, env, append([]string{"stats", "--html"}, wrong...)...).CombinedOutput(); err == nil || strings.Contains(string(out), "partial") {
			t.Errorf("--html %q: %v: %s", wrong, err, out)
		}
	}
}

func TestExtent_OfSmallHistories(t *testing.T) {
	at := time.Date(2024, 3, 1, 0, 0, 0, 0, time.UTC)
	for want, r := range map[string]stats.Report{
		"1 message of 2024-03-01, times of UTC":                    {Messages: 1, From: at, To: at.Add(time.Hour), Zone: "UTC"},
		"1,234 messages from 2024-03-01 to 2024-03-02, times of x": {Messages: 1234, From: at, To: at.Add(30 * time.Hour), Zone: "x"},
		"2 messages": {Messages: 2, Zone: "UTC"},
	} {
		if got := extent(&r); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestNamedZone_TheMachines(t *testing.T) {
	for set, want := range map[string]string{"Europe/Berlin": "Europe/Berlin", ":Asia/Tokyo": "Asia/Tokyo", "Etc/UTC": "UTC", "": "UTC"} {
		t.Setenv("TZ", set)
		if got := namedZone(time.Local).String(); got != want {
			t.Errorf("TZ=%q is %q, want %q", set, got, want)
		}
	}
	if namedZone(time.UTC) != time.UTC {
		t.Error("a named zone changes")
	}
}
