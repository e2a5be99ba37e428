package train

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"ventriloquist/internal/model/adapter"
	"ventriloquist/internal/usererr"
)

// trained returns the output folder of a run of five steps that wrote a checkpoint after each.
func trained(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	opts := Options{BatchSize: 1, Accumulation: 1, MaxSteps: 5, LearningRate: 1e-3, Scheduler: "constant", MaxGradNorm: 1}
	run := tinyRun(t, someWindows(t, dir, 6), opts, RunSettings{OutputDir: out, LoggingSteps: 1, SaveSteps: 1})
	if err := run.Train(t.Context(), func(StepMetrics) error { return nil }); err != nil {
		t.Fatal(err)
	}
	return out
}

// flipBit flips a bit in the last byte of a file.
func flipBit(t *testing.T, path ...string) {
	t.Helper()
	name := filepath.Join(path...)
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)-1] ^= 1
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func truncateTo(t *testing.T, size int64, path ...string) {
	t.Helper()
	if err := os.Truncate(filepath.Join(path...), size); err != nil {
		t.Fatal(err)
	}
}

// A damaged newest checkpoint: the one before is taken, and the damage is reported.
func TestLatest_FallsBackBehindDamage(t *testing.T) {
	t.Parallel()
	out := trained(t)
	for i, c := range []struct {
		damage func()
		want   string
		step   int
	}{
		{func() {}, "final", 5},
		{func() { truncateTo(t, 100, out, "final", optimizerFile) }, "checkpoint-4", 4},
		{func() { truncateTo(t, 20, out, "checkpoint-4", stateFile) }, "checkpoint-3", 3},
		{func() { os.Remove(filepath.Join(out, "checkpoint-3", adapter.WeightsFile)) }, "checkpoint-2", 2},
		{func() { flipBit(t, out, "checkpoint-2", adapter.WeightsFile) }, "checkpoint-1", 1},
	} {
		c.damage()
		found, err := Latest(out)
		if err != nil || filepath.Base(found.Dir) != c.want || found.State.Step != c.step || len(found.Damaged) != i {
			t.Errorf("%s: %s at step %d, %v, damaged %v", c.want, found.Dir, found.State.Step, err, found.Damaged)
		}
	}
	if err := os.Remove(filepath.Join(out, "checkpoint-1", stateFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := Latest(out); err == nil || !strings.Contains(err.Error(), "nothing to resume") || !strings.Contains(usererr.Of(err), "no checkpoint is whole") {
		t.Errorf("%v, hint %q", err, usererr.Of(err))
	}
}

// A checkpoint of another version of the program is not damaged: resuming from an older one would lose steps.
func TestLatest_OtherVersionIsNoDamage(t *testing.T) {
	t.Parallel()
	out := trained(t)
	path := filepath.Join(out, "final", stateFile)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(content), `"version": 2`, `"version": 3`, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Latest(out); !errors.Is(err, errVersion) || !strings.Contains(usererr.Of(err), "version of vqctl") {
		t.Errorf("%v, hint %q", err, usererr.Of(err))
	}
}

// What a killed save left is removed, and a folder that it had moved aside is put back.
func TestLatest_SweepsKilledSaves(t *testing.T) {
	t.Parallel()
	out := trained(t)
	partial := filepath.Join(out, ".checkpoint-5.partial-123")
	aside := filepath.Join(out, ".final.partial-456.old")
	if err := errors.Join(os.Mkdir(partial, 0o700), os.WriteFile(filepath.Join(partial, "x"), nil, 0o600), os.Rename(filepath.Join(out, "final"), aside)); err != nil {
		t.Fatal(err)
	}
	found, err := Latest(out)
	if err != nil || filepath.Base(found.Dir) != "final" {
		t.Errorf("%+v, %v", found, err)
	}
	if err := os.Mkdir(partial, 0o700); err != nil {
		t.Fatal(err)
	}
	release, err := LockOutputDir(out)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	entries, _ := os.ReadDir(out)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if want := []string{"checkpoint-1", "checkpoint-2", "checkpoint-3", "checkpoint-4", "final", "metrics.jsonl", "run.json", processFile}; !slices.Equal(names, want) {
		t.Errorf("left over: %q", names)
	}
}

// Checkpoints of other trainers are named for what they are, with what can be done with them.
func TestLatest_NamesForeignCheckpoints(t *testing.T) {
	t.Parallel()
	const state = `{"best_metric": null, "epoch": 1.0, "global_step": 20, "log_history": [], "max_steps": 40}`
	for want, files := range map[string]map[string]string{
		"Hugging Face's Trainer":  {"checkpoint-20/trainer_state.json": state, "checkpoint-20/optimizer.pt": ""},
		"Hugging Face's Trainer,": {"checkpoint-20/optimizer.pt": "", "checkpoint-20/rng_state.pth": ""},
		"Unsloth":                 {"checkpoint-20/trainer_state.json": state, "checkpoint-20/adapter_config.json": `{"auto_mapping": {"unsloth_fixed": true}}`},
		"LLaMA-Factory":           {"checkpoint-20/trainer_state.json": state, "trainer_log.jsonl": "", "checkpoint-20/training_args.bin": ""},
		"DeepSpeed":               {"checkpoint-20/trainer_state.json": state, "checkpoint-20/global_step20/mp_rank_00_model_states.pt": ""},
	} {
		dir := t.TempDir()
		for name, content := range files {
			path := filepath.Join(dir, name)
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(content), 0o600)); err != nil {
				t.Fatal(err)
			}
		}
		_, err := Latest(dir)
		if err == nil || !strings.Contains(err.Error()+",", "is a checkpoint of "+want) || !strings.Contains(usererr.Of(err), "continue_from "+dir) {
			t.Errorf("%s: %v, hint %q", want, err, usererr.Of(err))
		}
	}
	// Logs of another trainer next to our checkpoints change nothing.
	out := trained(t)
	if err := os.WriteFile(filepath.Join(out, "trainer_log.jsonl"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if found, err := Latest(out); err != nil || found.State.Step != 5 {
		t.Errorf("%+v, %v", found, err)
	}
}

// A checkpoint records the base model of its adapter.
func TestRun_SavesBaseFingerprint(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	run := tinyRun(t, someWindows(t, dir, 2), Options{BatchSize: 1, Accumulation: 1, MaxSteps: 1, LearningRate: 1e-3, Scheduler: "constant"},
		RunSettings{OutputDir: filepath.Join(dir, "out"), LoggingSteps: 1})
	if run.files.BaseFingerprint = run.base; run.base != "tiny's" {
		t.Fatalf("the base is %q", run.base)
	}
	if err := run.save(run.FinalDir()); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(run.FinalDir(), adapter.WeightsFile))
	if err != nil || !strings.Contains(string(content), `"base_fingerprint":"tiny's"`) {
		t.Errorf("%.200q, %v", content, err)
	}
}

// The checkpoints that a run still writes, the finished adapter among them.
func TestRunSettings_Checkpoints(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ every, done, total, want int }{
		{0, 0, 100, 1}, {10, 0, 100, 10}, {10, 0, 101, 11}, {10, 50, 100, 5}, {10, 55, 100, 5}, {200, 0, 100, 1}, {1, 0, 1, 1}, {10, 100, 100, 1},
	} {
		if got := (RunSettings{SaveSteps: c.every}).Checkpoints(c.done, c.total); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}

// A disk that is too small for the checkpoints is refused before the first step, with what would be enough.
func TestRequireRoom_BeforeTheRun(t *testing.T) {
	t.Parallel()
	const gib = 1 << 30
	if err := requireRoom("out", 4*gib, 6, 24*gib); err != nil {
		t.Error(err)
	}
	err := requireRoom("out", 4*gib, 6, 23*gib)
	if err == nil || err.Error() != "out has 23.00 GiB free, but the run writes 6 checkpoints of 4.00 GiB, 24.00 GiB in all" || !strings.Contains(usererr.Of(err), "free 1.00 GiB") ||
		!strings.Contains(usererr.Of(err), "save_steps") {
		t.Errorf("%v, hint %q", err, usererr.Of(err))
	}
	if err := requireRoom("out", 4*gib, 1, 3*gib); err == nil || strings.Contains(usererr.Of(err), "save_steps") {
		t.Errorf("%v, hint %q", err, usererr.Of(err))
	}
}

// The estimate of a checkpoint's size is not below the real one, and close to it; a small file system is refused.
func TestRequireRoom_SmallFileSystem(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	opts := Options{BatchSize: 1, Accumulation: 1, MaxSteps: 1, LearningRate: 1e-3, Scheduler: "constant"}
	run := tinyRun(t, someWindows(t, dir, 2), opts, RunSettings{OutputDir: filepath.Join(dir, "out"), LoggingSteps: 1})
	if err := run.save(run.FinalDir()); err != nil {
		t.Fatal(err)
	}
	real := int64(0)
	entries, _ := os.ReadDir(run.FinalDir())
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			real += info.Size()
		}
	}
	estimate, err := checkpointBytes(run.files)
	if err != nil || estimate < real || estimate > real+1<<20 {
		t.Errorf("%d bytes estimated, %d written, %v", estimate, real, err)
	}
	small := filepath.Join(dir, "small")
	if err := os.Mkdir(small, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", small, "tmpfs", 0, "size=512k"); err != nil {
		t.Skip("mounting a file system takes root:", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(small, unix.MNT_DETACH) })
	if _, err := RequireRoom(opts, &RunSettings{OutputDir: filepath.Join(small, "not", "there")}, run.data, run.files, 0); err == nil || !strings.Contains(err.Error(), "free, but the run writes a checkpoint of") {
		t.Error(err)
	}
}

// Advice fits what has happened: at the first step no learning rate has had an effect, and without checkpoints none is intact.
func TestRun_AdvisesWhatHelps(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		run       Run
		want, not string
	}{
		{Run{opts: Options{Precision: "bf16"}}, "the base model: check its files", "learning_rate"},
		{Run{opts: Options{Precision: "bf16"}}, "precision f32", "checkpoints"},
		{Run{opts: Options{Precision: "f32"}}, "the base model", "precision"},
		{Run{settings: RunSettings{ContinueFrom: "a"}}, "the adapter in a", "learning_rate"},
		{Run{step: 3}, "no checkpoint has been written yet", "intact"},
		{Run{step: 3, saved: true}, "lower learning_rate", "no checkpoint"},
	} {
		if got := c.run.adviseNotFinite(); !strings.Contains(got, c.want) || strings.Contains(got, c.not) {
			t.Errorf("%+v: %q", c, got)
		}
	}
}
