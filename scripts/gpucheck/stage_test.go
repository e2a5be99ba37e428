package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// shell is a command that keeps the lines it prints in the report.
func shell(script string) command {
	return command{name: "script", args: []string{"sh", "-c", script}, line: func(r *report, line string) { r.note(line) }}
}

// runStages runs stages with a report in a file and returns what the file says.
func runStages(t *testing.T, deadline time.Duration, stages ...stage) report {
	t.Helper()
	path := filepath.Join(t.TempDir(), "report.json")
	runAll(t.Context(), path, deadline, stages)
	return read(t, path)
}

func runAll(ctx context.Context, path string, deadline time.Duration, stages []stage) {
	r := &report{State: running, Started: time.Now()}
	all := &runner{report: r, deadline: time.Now().Add(deadline), save: func(r *report) error { return r.write(path) },
		log: func(string, ...any) {}, output: func(string) {}, watch: func() func() string { return func() string { return "" } }}
	all.run(ctx, stages)
	r.State = complete
	if ctx.Err() != nil {
		r.State = interrupted
	}
	all.write()
}

func read(t *testing.T, path string) report {
	t.Helper()
	var r report
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	page, err := os.ReadFile(strings.TrimSuffix(path, ".json") + ".md")
	if err != nil || !strings.Contains(string(page), r.Verdict) {
		t.Errorf("the page (%v) does not say %q:\n%s", err, r.Verdict, page)
	}
	return r
}

func outcomes(r report) string {
	var all []string
	for _, s := range r.Stages {
		all = append(all, s.Name+" "+s.Outcome)
	}
	return strings.Join(all, ", ")
}

func expect(t *testing.T, r report, want, verdict string) {
	t.Helper()
	if got := outcomes(r); got != want {
		t.Errorf("outcomes %q, want %q", got, want)
	}
	if r.Verdict != verdict {
		t.Errorf("verdict %q, want %q", r.Verdict, verdict)
	}
}

var (
	fine = stage{name: "fine", limit: time.Minute, commands: []command{shell("echo fine")}}
	last = stage{name: "last", limit: time.Minute, commands: []command{shell("echo last")}}
)

func TestRunner_RunsAllStages(t *testing.T) {
	t.Parallel()
	r := runStages(t, time.Minute, fine, stage{name: "odd", skip: "not here"}, last)
	expect(t, r, "fine passed, odd skipped, last passed", "nothing wrong; not run: odd")
	if r.State != complete || strings.Join(r.Other, " ") != "fine last" || r.Stages[1].Note != "not here" {
		t.Errorf("%+v", r)
	}
}

// What a stage printed before it was killed is in the report, and later stages run.
func TestRunner_HangingStageIsKilledAtItsLimit(t *testing.T) {
	t.Parallel()
	hang := stage{name: "hang", limit: 300 * time.Millisecond, commands: []command{shell("trap '' TERM INT HUP; echo begun; sleep 600 & wait; sleep 600"), shell("echo never")}}
	r := runStages(t, time.Minute, hang, last)
	expect(t, r, "hang timed out, last passed", "wrong: hang timed out")
	if got := strings.Join(r.Other, " "); got != "begun last" {
		t.Errorf("it printed %q", got)
	}
}

// A program that a stage leaves behind holds the pipe, but not the stage.
func TestRunner_OrphanDoesNotHoldTheStage(t *testing.T) {
	t.Parallel()
	r := runStages(t, time.Minute, stage{name: "orphan", limit: time.Minute, commands: []command{shell("sleep 600 & echo gone")}}, last)
	expect(t, r, "orphan passed, last passed", "nothing wrong")
}

func TestRunner_CrashAndFailureAreTold(t *testing.T) {
	t.Parallel()
	r := runStages(t, time.Minute,
		stage{name: "crash", limit: time.Minute, commands: []command{shell("echo a; kill -SEGV $$"), shell("echo b; exit 3")}},
		stage{name: "failure", limit: time.Minute, commands: []command{shell("exit 3"), shell("echo c")}},
		stage{name: "chain", limit: time.Minute, chain: true, commands: []command{shell("exit 3"), shell("echo never")}},
		stage{name: "dependent", limit: time.Minute, needs: "chain", commands: []command{shell("echo never")}},
		stage{name: "absent", limit: time.Minute, commands: []command{{args: []string{"/nonexistent/program"}}}},
		last)
	expect(t, r, "crash crashed, failure failed, chain failed, dependent skipped, absent failed, last passed",
		"wrong: crash crashed, failure failed, chain failed, absent failed; not run: dependent")
	if got := strings.Join(r.Other, " "); got != "a b c last" {
		t.Errorf("they printed %q", got)
	}
	if note := r.Stages[0].Note; !strings.Contains(note, "segmentation fault") || !strings.Contains(note, "exit status 3") {
		t.Errorf("the note is %q", note)
	}
}

func TestRunner_OptionalCommandDoesNotFailTheStage(t *testing.T) {
	t.Parallel()
	missing := shell("exit 3")
	missing.optional = true
	r := runStages(t, time.Minute, stage{name: "optional", limit: time.Minute, commands: []command{missing}})
	expect(t, r, "optional passed", "nothing wrong")
	if r.Stages[0].Note == "" {
		t.Error("the report does not say that the command failed")
	}
}

// The deadline ends the stage in which it comes, and the rest is not begun.
func TestRunner_DeadlineInTheMiddle(t *testing.T) {
	t.Parallel()
	r := runStages(t, 1500*time.Millisecond, fine,
		stage{name: "long", limit: time.Minute, commands: []command{shell("echo begun; sleep 600")}}, last)
	expect(t, r, "fine passed, long cut off, last skipped", "wrong: long cut off; not run: last")
	if r.State != complete || r.Stages[2].Note != "no time was left" || strings.Join(r.Other, " ") != "fine begun" {
		t.Errorf("%+v", r)
	}
}

func TestRunner_StageThatCannotEndInTimeIsNotBegun(t *testing.T) {
	t.Parallel()
	r := runStages(t, 10*time.Second, stage{name: "long", limit: time.Minute, least: 20 * time.Second, commands: []command{shell("echo never")}}, last)
	expect(t, r, "long skipped, last passed", "nothing wrong; not run: long")
}

// A report that cannot be written does not end the run.
func TestRunner_GoesOnWithoutADisk(t *testing.T) {
	t.Parallel()
	r := &report{State: running}
	all := &runner{report: r, deadline: time.Now().Add(time.Minute), save: func(*report) error { return fmt.Errorf("disk full") },
		log: func(string, ...any) {}, output: func(string) {}, watch: func() func() string { return func() string { return "" } }}
	all.run(t.Context(), []stage{fine, last})
	if got := outcomes(*r); got != "fine passed, last passed" {
		t.Error(got)
	}
}

// reportVariable makes the test program run stages with its report in the file it names.
const reportVariable = "GPUCHECK_TEST_REPORT"

func TestMain(m *testing.M) {
	if path := os.Getenv(reportVariable); path != "" {
		long := stage{name: "long", limit: time.Minute, commands: []command{shell("echo begun; while true; do sleep 0.1; echo more; done")}}
		ctx, stop := notified()
		defer stop()
		runAll(ctx, path, time.Minute, []stage{fine, long, last})
		return
	}
	os.Exit(m.Run())
}

func TestRunner_KilledRunLeavesItsReport(t *testing.T) {
	t.Parallel()
	for signal, want := range map[syscall.Signal]string{
		syscall.SIGKILL: "fine passed, long running",
		syscall.SIGTERM: "fine passed, long interrupted, last skipped",
		syscall.SIGINT:  "fine passed, long interrupted, last skipped",
	} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "report.json")
			child := exec.Command(os.Args[0])
			child.Env = append(os.Environ(), reportVariable+"="+path)
			child.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			if err := child.Start(); err != nil {
				t.Fatal(err)
			}
			for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
				text, _ := os.ReadFile(path)
				if strings.Contains(string(text), `"more"`) {
					break
				}
				if time.Now().After(deadline) {
					t.Fatalf("the stage did not begin: %s", text)
				}
			}
			_ = child.Process.Signal(signal)
			_ = child.Wait()
			r := read(t, path)
			if got := outcomes(r); got != want {
				t.Errorf("outcomes %q, want %q", got, want)
			}
			if len(r.Other) < 2 || r.Other[0] != "fine" || r.Other[1] != "begun" {
				t.Errorf("it saw %q", r.Other)
			}
			if signal == syscall.SIGKILL && r.Verdict != "nothing wrong so far" || r.ok() {
				t.Errorf("verdict %q, state %q", r.Verdict, r.State)
			}
		})
	}
}
