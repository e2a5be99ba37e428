package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"ventriloquist/internal/runlog"
)

// writeRun writes the log of a run up to a step.
func writeRun(t *testing.T, folder, name string, steps int) {
	t.Helper()
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	w, err := runlog.Open(runlog.Path(folder), 0, func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	at := time.Date(2024, 3, 15, 12, 0, 0, 0, time.UTC)
	w.Add(runlog.Start{Event: runlog.StartEvent, Version: runlog.Version, Time: at, Name: name, TotalSteps: 50, BaseModel: "tiny",
		Options: map[string]any{"learning_rate": 1e-3}, Settings: map[string]any{"samples": 1}})
	for s := range steps + 1 {
		logStep(w, s, at.Add(time.Duration(s)*time.Second))
	}
}

// logStep logs a step, with an evaluation and a sample after every tenth.
func logStep(w *runlog.Writer, s int, at time.Time) {
	if s%10 == 0 {
		w.Add(runlog.Evaluation{Event: runlog.EvaluationEvent, Step: s, Time: at, Loss: 2 - 0.01*float64(s),
			PerContact: map[string]runlog.Figures{"李明": {Loss: 2 - 0.01*float64(s), TargetTokens: 9}}})
		w.Add(runlog.Sample{Event: runlog.SampleEvent, Step: s, Number: 1, Members: []string{"李明", "Ben"},
			Context: []runlog.Line{{Name: "李明", Text: "hi\x1b[2J"}}, Real: runlog.Line{Name: "Ben", Text: "hello"}, Text: fmt.Sprintf("after %d <b>", s)})
	}
	if s > 0 {
		w.Add(runlog.Metrics{Event: runlog.StepEvent, Step: s, Loss: 3 - 0.01*float64(s), TokensPerSecond: 100, Time: &at})
	}
}

// The view fits into terminals of any width, follows what is written and a change of size, and leaves the terminal as it was.
func TestMonitor_FollowsARunInATerminal(t *testing.T) {
	t.Parallel()
	for _, columns := range []int{40, 80, 200} {
		t.Run(fmt.Sprint(columns), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			folder := filepath.Join(dir, "checkpoints", "a")
			writeRun(t, folder, "first try", 20)
			c := startInTerminal(t, dir, columns, nil, "monitor")
			has := func(words string) {
				t.Helper()
				c.until(words, func(lines []string) bool {
					for _, line := range lines {
						if ansi.StringWidth(line) > columns {
							t.Errorf("%q is too long", line)
						}
					}
					return strings.Contains(strings.Join(lines, "\n"), words)
				})
			}
			has("step 20/50")
			has("held-out loss")
			has("q quit")
			w, err := runlog.Open(runlog.Path(folder), 20, func(err error) { t.Error(err) })
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close()
			for s := 21; s <= 30; s++ {
				logStep(w, s, time.Now())
			}
			has("step 30/50")
			has("李明")
			c.keys("\t\t") // the samples are first now
			has("after 30 <b>")
			columns = 120
			c.resize(columns)
			has("training loss")
			has("q quit")
			c.keys("q")
			if err := c.cmd.Wait(); err != nil {
				t.Errorf("the view ended with %v", err)
			}
		})
	}
}

func TestMonitor_CtrlCClosesTheView(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeRun(t, filepath.Join(dir, "a"), "", 10)
	writeRun(t, filepath.Join(dir, "b"), "", 20)
	c := startInTerminal(t, dir, 80, []string{"NO_COLOR=1"}, "monitor", "a", "b")
	c.until("both runs", func(lines []string) bool {
		text := strings.Join(lines, "\n")
		return strings.Contains(text, "step 10/50") && strings.Contains(text, "step 20/50")
	})
	c.keys("\x03")
	if err := c.cmd.Wait(); err != nil {
		t.Errorf("the view ended with %v", err)
	}
}

// Where the output is not a terminal, there is one plain summary.
func TestMonitor_PrintsASummaryIntoAPipe(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeRun(t, filepath.Join(dir, "checkpoints", "a"), "first try", 20)
	for _, args := range [][]string{{"monitor"}, {"monitor", "first try"}, {"monitor", "checkpoints"}, {"monitor", "checkpoints/a", "a"}} {
		out, err := command(dir, nil, args...).CombinedOutput()
		if err != nil || !strings.Contains(string(out), "first try: interrupted") || !strings.Contains(string(out), "step 20: after 20 <b>") {
			t.Errorf("%q: %v\n%s", args, err, out)
		}
		if bytes.ContainsAny(out, "\x1b\r") {
			t.Errorf("%q: %q", args, out)
		}
	}
	for _, c := range []struct{ name, want string }{
		{"frist try", "did you mean"}, {".vimrc/none", "there is no run"},
	} {
		out, err := command(dir, nil, "monitor", c.name).CombinedOutput()
		if err == nil || !strings.Contains(string(out), c.want) {
			t.Errorf("%q: %v\n%s", c.name, err, out)
		}
	}
	if out, err := command(t.TempDir(), nil, "monitor").CombinedOutput(); err == nil || !strings.Contains(string(out), "there is no training run in checkpoints") {
		t.Errorf("%v\n%s", err, out)
	}
}
