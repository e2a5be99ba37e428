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

// A run in the background is found by monitor, stopped by its name, and resumed.
func TestTrain_DetachedRunIsFollowedStoppedAndResumed(t *testing.T) {
	if testing.Short() {
		t.Skip("trains in the background")
	}
	t.Parallel()
	dir := t.TempDir()
	writeWindows(t, filepath.Join(dir, "windows.jsonl"), 12)
	run := func(want string, args ...string) string {
		t.Helper()
		out, err := command(dir, []string{"HOME=" + dir}, args...).CombinedOutput()
		if err != nil || !strings.Contains(string(out), want) {
			t.Fatalf("%q: %v\n%s", args, err, out)
		}
		return string(out)
	}
	train := []string{"train", "--detach", "--base-model", "tiny", "--data-path", "windows.jsonl", "--output-dir", "runs/long", "--run-name", "long one",
		"--lora-r", "2", "--batch-size", "1", "--gradient-accumulation-steps", "1", "--max-steps", "100000", "--eval-steps", "0", "--logging-steps", "1", "--threads", "1"}
	out := run("follow it: vqctl monitor runs/long", train...)
	defer func() { _ = command(dir, []string{"HOME=" + dir}, "runs", "--stop", "runs/long").Run() }()
	process, err := os.ReadFile(filepath.Join(dir, "runs", "long", "run.pid"))
	if err != nil || !strings.Contains(out, "training in the background as process "+strings.TrimSpace(string(process))+";") {
		t.Errorf("%s\n%v %s", out, err, process)
	}
	for !strings.Contains(run("long one: training", "monitor", "runs"), "/100,000") {
		time.Sleep(100 * time.Millisecond)
	}
	if out, err := command(dir, []string{"HOME=" + dir}, train...).CombinedOutput(); err == nil || !strings.Contains(string(out), "another training run is writing to runs/long") {
		t.Errorf("a second run: %v\n%s", err, out)
	}
	run(", training", "runs", "runs")
	run("runs/long is stopped and saved", "runs", "--stop", "runs")
	run("long one: interrupted", "monitor", "runs/long")
	if found, _ := filepath.Glob(filepath.Join(dir, "runs", "long", "checkpoint-*")); len(found) != 1 {
		t.Errorf("checkpoints are %q", found)
	}
	log, err := os.ReadFile(filepath.Join(dir, "runs", "long", "train.log"))
	if err != nil || !bytes.Contains(log, []byte("interrupted after step")) {
		t.Errorf("%v\n%s", err, log)
	}
	run(`{"event":"detached","process":`, "train", "--resume", "--detach", "--json", "--output-dir", "runs/long")
	run("runs/long is stopped", "runs", "--stop", "runs/long")
	// A new run's train.log is its own: that of the earlier run is with its checkpoints.
	run("follow it", train...)
	run("runs/long is stopped", "runs", "--stop", "runs/long")
	logs, err := filepath.Glob(filepath.Join(dir, "runs", "long", "previous-1*", "train.log*"))
	if err != nil || len(logs) != 1 {
		t.Fatalf("%v: the earlier run has the logs %q", err, logs)
	}
	if earlier, err := os.ReadFile(logs[0]); err != nil || bytes.Count(earlier, []byte("interrupted after step")) != 2 {
		t.Errorf("%v\n%s", err, earlier)
	}
	if log, err = os.ReadFile(filepath.Join(dir, "runs", "long", "train.log")); err != nil || bytes.Count(log, []byte("interrupted after step")) != 1 {
		t.Errorf("%v\n%s", err, log)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "runs", "long", "train.log.*")); len(left) > 0 {
		t.Errorf("%q are left", left)
	}
	if out, err := command(dir, nil, "runs", "--stop", "runs/long").CombinedOutput(); err == nil || !strings.Contains(string(out), "no run trains in runs/long now") {
		t.Errorf("%v\n%s", err, out)
	}
	// What is wrong is said at once, and not only in the log.
	if out, err := command(dir, nil, "train", "--detach", "--base-model", "tiny", "--data-path", "none.jsonl", "--output-dir", "x").CombinedOutput(); err == nil || !strings.Contains(string(out), "none.jsonl") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestReport_WritesAPage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeRun(t, filepath.Join(dir, "checkpoints", "a"), "first try", 20)
	writeRun(t, filepath.Join(dir, "checkpoints", "b"), "<script>", 30)
	for _, c := range []struct {
		path string
		args []string
	}{
		{"checkpoints/a/report.html", []string{"first try"}}, {"checkpoints/a/report.html", []string{"checkpoints"}}, {"page.html", []string{"--html", "page.html", "checkpoints/b"}},
	} {
		out, err := command(dir, nil, append([]string{"report"}, c.args...)...).CombinedOutput()
		if err != nil || string(out) != c.path+"\n" {
			t.Errorf("%q: %v\n%s", c.args, err, out)
			continue
		}
		page, err := os.ReadFile(filepath.Join(dir, c.path))
		if info, _ := os.Stat(filepath.Join(dir, c.path)); err != nil || info.Mode().Perm() != 0o600 || bytes.Contains(page, []byte("<script>")) || !bytes.Contains(page, []byte("after 20 &lt;b&gt;")) || bytes.Contains(page, []byte("\x1b")) {
			t.Errorf("%q: %v", c.args, err)
		}
	}
	if out, err := command(dir, nil, "report", "--html", ".", "first try").CombinedOutput(); err == nil || !strings.Contains(string(out), "is a folder: name a file in it") {
		t.Errorf("%v\n%s", err, out)
	}
}
