package monitor

import (
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"ventriloquist/internal/runlog"
)

var begun = time.Date(2024, 3, 15, 12, 0, 0, 0, time.UTC)

// hostile is a text that would control a terminal.
const hostile = "\x1b]52;c;aGk=\a\u202eevil\r\nline\x07 李明 👩‍👩‍👧 "

// writeLog writes the log of a run at a step, one second per step.
func writeLog(t *testing.T, folder, person string, step int) {
	t.Helper()
	w, err := runlog.Open(runlog.Path(folder), 0, func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	w.Add(runlog.Start{Event: runlog.StartEvent, Version: runlog.Version, Time: begun, TotalSteps: 100, BaseModel: "tiny", Windows: 20, HeldOutWindows: 4})
	for s := range step + 1 {
		at := begun.Add(time.Duration(s) * time.Second)
		if s%10 == 0 {
			w.Add(runlog.Evaluation{Event: runlog.EvaluationEvent, Step: s, Time: at, Loss: 2 - 0.01*float64(s), PerContact: map[string]runlog.Figures{
				person: {Loss: 2 - 0.01*float64(s), TargetTokens: 100}, "Ben": {Loss: 1 + 0.01*float64(s), TargetTokens: 50}}})
			for n := range 2 {
				w.Add(runlog.Sample{Event: runlog.SampleEvent, Step: s, Number: n + 1, Members: []string{person, "Ben"},
					Context: []runlog.Line{{Name: person, Text: "are you there? " + person}}, Real: runlog.Line{Name: "Ben", Text: "yes"}, Text: fmt.Sprintf("written after %d %s", s, person)})
			}
		}
		if s > 0 {
			w.Add(runlog.Metrics{Event: runlog.StepEvent, Step: s, Epoch: float64(s) / 50, Loss: 2.5 - 0.01*float64(s), LearningRate: 1e-3, TokensPerSecond: 1234, Time: &at, Memory: 235 << 20})
		}
	}
}

func newRun(t *testing.T, person string, step int, training bool) *Run {
	t.Helper()
	folder := t.TempDir()
	if step >= 0 {
		writeLog(t, folder, person, step)
	}
	r := NewRun(folder, "run", func() bool { return training })
	r.Update()
	return r
}

// A screen of any size is filled with rows that fit, and holds nothing that could control the terminal.
func TestView_FitsIntoAnySize(t *testing.T) {
	t.Parallel()
	damaged := t.TempDir()
	if err := os.Mkdir(runlog.Path(damaged), 0o700); err != nil {
		t.Fatal(err)
	}
	unreadable := NewRun(damaged, hostile, func() bool { return false })
	unreadable.Update()
	many := []*Run{}
	for range 30 {
		many = append(many, newRun(t, "Ann", 10, false))
	}
	for name, runs := range map[string][]*Run{
		"one":     {newRun(t, "Ann", 40, true)},
		"hostile": {newRun(t, hostile, 40, true)},
		"long":    {newRun(t, strings.Repeat("very long ", 40), 20, true)},
		"empty":   {newRun(t, "", -1, true)},
		"begun":   {newRun(t, "Ann", 0, true)},
		"three":   {newRun(t, "Ann", 40, true), newRun(t, hostile, 20, false), unreadable},
		"many":    many,
	} {
		for _, columns := range []int{1, 2, 7, 20, 40, 69, 70, 80, 99, 100, 137, 200} {
			for _, rows := range []int{1, 2, 3, 5, 8, 12, 24, 50} {
				for section := range 4 {
					lines := view{columns: columns, rows: rows, section: section, sample: section - 2, now: begun}.render(runs)
					if len(lines) > rows {
						t.Errorf("%s in %dx%d: %d rows", name, columns, rows, len(lines))
					}
					for _, line := range lines {
						if width := ansi.StringWidth(line); width > columns {
							t.Errorf("%s in %dx%d: %d cells: %q", name, columns, rows, width, line)
						}
						if bare := ansi.Strip(line); strings.ContainsAny(bare, "\n\r\a\x1b") || strings.Contains(bare, "\u202e") {
							t.Errorf("%s in %dx%d: %q", name, columns, rows, line)
						}
						if strings.Contains(line, "\x1b]") {
							t.Errorf("%s in %dx%d: %q", name, columns, rows, line)
						}
					}
				}
			}
		}
	}
}

func TestView_ShowsWhatTheRunDoes(t *testing.T) {
	t.Parallel()
	run := newRun(t, "Ann", 40, true)
	for columns, want := range map[int][]string{
		40:  {"training", "step 40/100", "held-out loss", "q quit", "tab section"},
		80:  {"training", "step 40/100", "1m 00s left", "held-out 1.6000 (-20.0%)", "held-out loss per person", "Ann", "sample 1 of 2", "written after 40"},
		200: {"training loss", "1,234 tokens/s", "235.0 MiB", "epoch 0.80", "Ben", "+40.0%", "as Ben wrote: yes", "base model: written after 0", "step 40"},
	} {
		screen := strings.Join(view{columns: columns, rows: 40, now: begun.Add(40 * time.Second)}.render([]*Run{run}), "\n")
		for _, words := range want {
			if !strings.Contains(ansi.Strip(screen), words) {
				t.Errorf("%d columns: %q is not in\n%s", columns, words, ansi.Strip(screen))
			}
		}
	}
	two := ansi.Strip(strings.Join(view{columns: 120, rows: 40, sample: 1, now: begun}.render([]*Run{run, newRun(t, "Ann", 20, false)}), "\n"))
	for _, words := range []string{"a ", "b ", "interrupted", "sample 2 of 2", "a step 40: written after 40", "b step 20: written after 20"} {
		if !strings.Contains(two, words) {
			t.Errorf("%q is not in\n%s", words, two)
		}
	}
}

func TestRun_State(t *testing.T) {
	t.Parallel()
	training := true
	folder := t.TempDir()
	r := NewRun(folder, "", func() bool { return training })
	check := func(want string) {
		t.Helper()
		r.Update()
		if got := r.State(); got != want {
			t.Errorf("the run is %s, want %s", got, want)
		}
	}
	check("preparing")
	writeLog(t, folder, "Ann", 10)
	check("training")
	training = false
	check("interrupted")
	w, err := runlog.Open(runlog.Path(folder), 10, nil)
	if err != nil {
		t.Fatal(err)
	}
	w.Add(runlog.Done{Event: runlog.DoneEvent, StoppedAfter: 10})
	w.Close()
	check("stopped early")
	if err := os.Remove(runlog.Path(folder)); err != nil {
		t.Fatal(err)
	}
	check("not begun")
}

// The pause before a run was resumed does not count as time of its steps.
func TestRun_LeftAfterResuming(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	writeLog(t, folder, "Ann", 10)
	w, err := runlog.Open(runlog.Path(folder), 10, nil)
	if err != nil {
		t.Fatal(err)
	}
	later := begun.Add(24 * time.Hour)
	w.Add(runlog.Start{Event: runlog.StartEvent, Step: 10, TotalSteps: 100})
	for i := range 10 {
		at := later.Add(time.Duration(i) * 2 * time.Second)
		w.Add(runlog.Metrics{Event: runlog.StepEvent, Step: 11 + i, Time: &at})
	}
	w.Close()
	r := NewRun(folder, "", func() bool { return true })
	r.Update()
	if left, known := r.Left(later.Add(18 * time.Second)); !known || left != 160*time.Second {
		t.Errorf("%v left, known %t", left, known)
	}
}

func TestPlot_SurvivesAnyValues(t *testing.T) {
	t.Parallel()
	for name, points := range map[string][]point{
		"one":    {{5, 1}},
		"flat":   {{1, 2}, {2, 2}, {3, 2}},
		"zero":   {{0, 0}, {0, 0}},
		"huge":   {{0, -1e29}, {1e15, 1e29}},
		"tiny":   {{0, 1e-300}, {1, 2e-300}},
		"unsure": {{0, 1}, {1, math.MaxFloat64 / 1e280}},
	} {
		for columns := 1; columns < 60; columns += 7 {
			for rows := 1; rows < 20; rows += 3 {
				lines := plot("title", columns, rows, []series{{points: points, mark: 'a', color: firstRun}, {points: points, faint: true}})
				if len(lines) != rows {
					t.Errorf("%s in %dx%d: %d rows", name, columns, rows, len(lines))
				}
				for _, line := range lines {
					if ansi.StringWidth(line) > columns {
						t.Errorf("%s in %dx%d: %q", name, columns, rows, line)
					}
				}
			}
		}
	}
}

// A line falls from the top left to the bottom right.
func TestPlot_DrawsALine(t *testing.T) {
	t.Parallel()
	lines := plot("loss", gutter+4, 4, []series{{points: []point{{0, 2}, {10, 1}}}})
	var got []string
	for _, line := range lines {
		got = append(got, strings.TrimRight(ansi.Strip(line), " "))
	}
	want := []string{"loss", " 1.7750 ⠑⢄", " 1.2250   ⠑⢄", "        step"}
	if strings.Join(got[:3], "\n") != strings.Join(want[:3], "\n") {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestSummarize_IsPlainText(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if err := Summarize(&out, []*Run{newRun(t, hostile, 40, true)}, 80); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	for _, want := range []string{"training\n", "step 40/100", "held-out loss  1.6000 after step 40, -20.0%", "1,234 tokens/s", "235.0 MiB", "base model: written after 0", "step 40: written after 40"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	if strings.ContainsAny(text, "\x1b\a\r") {
		t.Errorf("%q", text)
	}
}

// A plot of a single value has one mark, its value, and its step: no steps that the run has not.
func TestPlot_OfOneValue(t *testing.T) {
	t.Parallel()
	for _, list := range [][]series{
		{{points: []point{{0, 1.4012}}}},
		{{points: []point{{0, 1.4012}}, faint: true}, {points: []point{{0, 1.4012}}}},
	} {
		text := ansi.Strip(strings.Join(plot("held-out loss", 40, 12, list), "\n"))
		if strings.Count(text, "•") != 1 || !strings.Contains(text, "1.4012") || !strings.Contains(text, "     step 0") || strings.Contains(text, "1.4013") || strings.Contains(text, "-1") {
			t.Errorf("%s", text)
		}
	}
	// Two runs keep their letters, and the range.
	text := ansi.Strip(strings.Join(plot("held-out loss", 40, 12, []series{{points: []point{{0, 1}}, mark: 'a'}, {points: []point{{0, 2}}, mark: 'b'}}), "\n"))
	if !strings.Contains(text, "a") || !strings.Contains(text, "b") || !strings.Contains(text, "step 0") {
		t.Error(text)
	}
}
