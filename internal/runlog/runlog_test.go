package runlog

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func noFailure(t *testing.T) func(error) {
	return func(err error) { t.Errorf("failed: %v", err) }
}

func loss(x float64) *float64 { return &x }

// write makes a log of steps 1 to n, with an evaluation and a sample before the first and after every second one.
func write(t *testing.T, path string, n int) {
	t.Helper()
	w, err := Open(path, 0, noFailure(t))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	now := time.Date(2024, 3, 15, 12, 0, 0, 0, time.UTC)
	w.Add(Start{Event: StartEvent, Version: Version, Time: now, TotalSteps: n})
	for step := range n + 1 {
		if step%2 == 0 {
			w.Add(Evaluation{Event: EvaluationEvent, Step: step, Loss: 2 - 0.1*float64(step), PerContact: map[string]Figures{
				"Ann": {Loss: 1, TargetTokens: 10}, "Ben": {Loss: 2, TargetTokens: 20}}})
			w.Add(Sample{Event: SampleEvent, Step: step, Number: 1, Members: []string{"Ann", "Ben"}, Context: []Line{{"Ben", "call 555-0100"}},
				Real: Line{"Ann", "ok"}, Text: "<b>no & yes</b>"})
		}
		if step > 0 {
			w.Add(Metrics{Event: StepEvent, Step: step, Loss: 3, Time: &now})
		}
	}
	w.Add(Done{Event: DoneEvent, EvalLoss: loss(1)})
}

// shape describes what a log holds.
func shape(l *Log) string {
	var steps, evaluations []int
	for _, s := range l.Steps {
		steps = append(steps, s.Step)
	}
	for _, e := range l.Evaluations {
		evaluations = append(evaluations, e.Step)
	}
	return fmt.Sprintf("%d starts, steps %v, evaluations %v, %d samples, done %t", len(l.Starts), steps, evaluations, len(l.Samples), l.Done != nil)
}

func read(t *testing.T, path string) *Log {
	t.Helper()
	l, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestWriter_ResumesWithoutDoubledSteps(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), Name)
	write(t, path, 5)
	content, _ := os.ReadFile(path)
	if err := os.WriteFile(path, append(content, `{"event":"step","st`...), 0o600); err != nil {
		t.Fatal(err)
	}
	w, err := Open(path, 3, noFailure(t))
	if err != nil {
		t.Fatal(err)
	}
	w.Add(Start{Event: StartEvent, Version: Version, Step: 3, TotalSteps: 5})
	for step := 4; step <= 5; step++ {
		w.Add(Metrics{Event: StepEvent, Step: step})
	}
	w.Close()
	if got := shape(read(t, path)); got != "2 starts, steps [1 2 3 4 5], evaluations [0 2], 2 samples, done false" {
		t.Error(got)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the log's mode is %v, %v", info.Mode(), err)
	}
}

func TestWriter_GoesOnWithoutAFile(t *testing.T) {
	t.Parallel()
	var none *Writer
	none.Add(Metrics{})
	none.Sync()
	none.Close()
	failures := 0
	w, err := Open(filepath.Join(t.TempDir(), Name), 0, func(error) { failures++ })
	if err != nil {
		t.Fatal(err)
	}
	w.file.Close() // every write fails from now on
	w.Add(Metrics{})
	w.Add(Metrics{})
	if failures != 1 {
		t.Errorf("failed was called %d times", failures)
	}
}

func TestFollower_ReadsWhatIsAppended(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), Name)
	f := NewFollower(path)
	if changed, err := f.Update(); changed || err != nil || !f.Empty() {
		t.Fatalf("a missing log: %t, %v", changed, err)
	}
	whole := filepath.Join(t.TempDir(), Name)
	write(t, whole, 6)
	content, _ := os.ReadFile(whole)
	for end := 0; end < len(content); end += 7 { // cut anywhere
		if err := os.WriteFile(path, content[:end], 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Update(); err != nil {
			t.Fatal(err)
		}
		if complete := strings.Count(string(content[:end]), "\n"); complete > 0 && len(f.Starts)+len(f.Steps)+len(f.Evaluations)+len(f.Samples) > complete {
			t.Fatalf("%d bytes: %s", end, shape(&f.Log))
		}
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if changed, err := f.Update(); !changed || err != nil {
		t.Errorf("%t, %v", changed, err)
	}
	if got, want := shape(&f.Log), shape(read(t, whole)); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if changed, _ := f.Update(); changed {
		t.Error("there was nothing new")
	}
	// Another run takes the place of the log.
	write(t, whole, 2)
	if err := os.Rename(whole, path); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Update(); err != nil {
		t.Fatal(err)
	}
	if got := shape(&f.Log); got != shape(read(t, path)) {
		t.Error(got)
	}
}

func TestRead_SkipsWhatIsDamaged(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), Name)
	lines := []string{
		`{"event":"run","version":9,"total_steps":4,"new":1}`, `garbage`, ``, `null`, `[1]`, `{"event":7}`, `{"event":"step","step":"x"}`, "\x00\xff",
		`{"event":"step","step":-1}`, `{"event":"step","step":2,"loss":1}`, `{"event":"step","step":1,"loss":1}`, `{"event":"step","step":2,"loss":1}`,
		`{"event":"other","step":3}`, `{"event":"step","step":3,"loss":1e999}`, `{"event":"step","step":4,"loss":"` + strings.Repeat("x", mostOfLine) + `"}`,
		`{"event":"step","step":5,"loss":1}`, `{"event":"done"`,
	}
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := shape(read(t, path)); got != "1 starts, steps [2 5], evaluations [], 0 samples, done false" {
		t.Error(got)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(path); err == nil {
		t.Error("a folder was read")
	}
}

// Logs of earlier versions have evaluations only in their steps.
func TestRead_TakesEvaluationsOfEarlierVersions(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), Name)
	text := `{"event":"step","step":1,"loss":2}` + "\n" + `{"event":"step","step":2,"loss":2,"eval_loss":1.5,"base_eval_loss":1.75}` + "\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	l := read(t, path)
	if got := shape(l); got != "0 starts, steps [1 2], evaluations [0 2], 0 samples, done false" {
		t.Error(got)
	}
	if l.Base().Loss != 1.75 || l.Last().Loss != 1.5 || l.Best().Step != 2 || l.Step() != 2 {
		t.Errorf("%+v", l)
	}
}

func TestForget_RemovesSamplesAndLossOfAPerson(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), Name)
	write(t, path, 4)
	before, _ := os.ReadFile(path)
	if n, err := Forget(path, "Cleo"); n != 0 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if after, _ := os.ReadFile(path); string(after) != string(before) {
		t.Error("the log changed, although the person is not in it")
	}
	n, err := Forget(path, "Ben")
	if n != 3 || err != nil {
		t.Errorf("removed %d samples, %v", n, err)
	}
	after, _ := os.ReadFile(path)
	if strings.Contains(string(after), "Ben") || strings.Contains(string(after), "555") {
		t.Errorf("left are\n%s", after)
	}
	l := read(t, path)
	if got := shape(l); got != "1 starts, steps [1 2 3 4], evaluations [0 2 4], 0 samples, done true" {
		t.Error(got)
	}
	if people := l.People(); !slices.Equal(people, []string{"Ann"}) {
		t.Errorf("people are %q", people)
	}
	if n, err := Forget(filepath.Join(t.TempDir(), "none"), "Ben"); n != 0 || err != nil {
		t.Errorf("a missing log: %d, %v", n, err)
	}
}

func TestRedact_ReplacesTextsOfSamples(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), Name)
	write(t, path, 4)
	redact := func(text string) string { return strings.ReplaceAll(text, "555-0100", "555-0199") }
	for want := range 2 {
		n, err := Redact(path, redact)
		if err != nil || n != 3*(1-want) {
			t.Errorf("changed %d samples, %v", n, err)
		}
	}
	l := read(t, path)
	if len(l.Samples) != 3 || l.Samples[2].Context[0].Text != "call 555-0199" || l.Samples[2].Text != "<b>no & yes</b>" {
		t.Errorf("%+v", l.Samples)
	}
}

func TestLog_PeopleWithTheMostTokensComeFirst(t *testing.T) {
	t.Parallel()
	l := Log{Evaluations: []Evaluation{{PerContact: map[string]Figures{"b": {TargetTokens: 5}, "a": {TargetTokens: 5}, "c": {TargetTokens: 9}}}}}
	if got := l.People(); !slices.Equal(got, []string{"c", "a", "b"}) {
		t.Errorf("%q", got)
	}
	if l.Best() != nil || l.Last() != nil || l.Base() == nil {
		t.Error("the base model's evaluation counts as the adapter's")
	}
}
