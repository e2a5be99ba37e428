package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ventriloquist/internal/train"
	"ventriloquist/internal/usererr"
)

// writeConversations writes a window file: of each conversation of Ada with another, so many windows in a row.
func writeConversations(t *testing.T, path string, others []string, count int) {
	t.Helper()
	var texts []string
	for _, other := range others {
		for i := range count {
			texts = append(texts, fmt.Sprintf(`{"type": "dm", "members": ["Ada", %q], "start": "2024-03-15"}`, other)+"\n"+
				fmt.Sprintf(`{"name": "Ada", "delta": "<1m", "reply_to": null, "content_type": "text", "text": "hey %s"}`, strings.Repeat("x", i))+"\n"+
				fmt.Sprintf(`{"name": %q, "delta": "<1m", "reply_to": null, "content_type": "text", "text": "yes %d"}`, other, i)+"\n")
		}
	}
	writeWindowTexts(t, path, texts)
}

// trainTiny trains the tiny model on a window file, a window per step.
func trainTiny(t *testing.T, data, output string, flags ...string) {
	t.Helper()
	err := newTrainCommand().Run(t.Context(), append([]string{"train", "--base-model", "tiny", "--data-path", data, "--output-dir", output, "--lora-r", "2",
		"--batch-size", "1", "--gradient-accumulation-steps", "1", "--eval-steps", "0", "--threads", "1", "--warmup-ratio", "0", "--json"}, flags...))
	if err != nil {
		t.Fatal(err)
	}
}

// requireSameAdapter checks that two checkpoints have the same bytes.
func requireSameAdapter(t *testing.T, a, b string) {
	t.Helper()
	for _, name := range []string{"adapter_model.safetensors", "adapter_config.json", "optimizer.safetensors"} {
		x, err := os.ReadFile(filepath.Join(a, name))
		if err != nil {
			t.Fatal(err)
		}
		if y, err := os.ReadFile(filepath.Join(b, name)); err != nil || !bytes.Equal(x, y) {
			t.Errorf("%s of %s and %s differ (%v)", name, a, b, err)
		}
	}
}

// The adapter of forget --retrain is that of a run without the person, also where it starts from a checkpoint.
func TestForgetRetrain_EqualsARunWithoutThem(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		flags []string
		from  string
	}{
		"from the start":    {[]string{"--num-epochs", "1", "--save-steps", "2"}, "from the start: 4 steps"},
		"from a checkpoint": {[]string{"--no-shuffle", "--max-steps", "6", "--save-steps", "2"}, "from checkpoint-4, which had not seen this person: 2 steps"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			data, output, fresh := filepath.Join(dir, "windows.jsonl"), filepath.Join(dir, "run"), filepath.Join(dir, "fresh")
			writeConversations(t, data, []string{"Ben", "Cy", "Zoe"}, 4)
			trainTiny(t, data, output, c.flags...)
			var out bytes.Buffer
			o := forgetOptions{contactsOptions: contactsOptions{dataDir: dir, yes: true}, outputDir: output, retrain: true}
			if err := runForget(t.Context(), o, "Zoe", strings.NewReader(""), &out); err != nil {
				t.Fatal(err)
			}
			trainTiny(t, data, fresh, c.flags...)
			requireSameAdapter(t, filepath.Join(output, "final"), filepath.Join(fresh, "final"))
			if said := strings.Join(strings.Fields(out.String()), " "); !strings.Contains(said, c.from) || !strings.Contains(said, "at the run's own rate of") {
				t.Errorf("it says %s", out.String())
			}
			for _, file := range filesOf(t, dir) {
				if content, err := os.ReadFile(filepath.Join(dir, file)); err != nil || bytes.Contains(content, []byte("Zoe")) || bytes.Contains(content, []byte(retrainedName)) {
					t.Errorf("%s holds the name, or that of the folder (%v)", file, err)
				}
			}
			if _, err := os.Stat(filepath.Join(output, retrainedName)); err == nil {
				t.Error("the folder of the new run is left")
			}
		})
	}
}

// A retraining that was stopped goes on with the same command, and with no other name.
func TestForgetRetrain_GoesOn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data, output, fresh := filepath.Join(dir, "windows.jsonl"), filepath.Join(dir, "run"), filepath.Join(dir, "fresh")
	writeConversations(t, data, []string{"Ben", "Zoe"}, 4)
	trainTiny(t, data, output)
	o := forgetOptions{contactsOptions: contactsOptions{dataDir: dir, yes: true}, outputDir: output, retrain: true}

	ctx, cancel := context.WithCancel(t.Context())
	err := runForget(ctx, o, "Zoe", strings.NewReader(""), writerFunc(func(text []byte) {
		if bytes.Contains(text, []byte("own rate")) {
			cancel() // training finishes its first step
		}
	}))
	if !errors.Is(err, context.Canceled) || !strings.Contains(usererr.Of(err), "vqctl forget Zoe --retrain") {
		t.Fatalf("%v; hint %q", err, usererr.Of(err))
	}
	if people := train.UsableAdapter(output); !people.Finished {
		t.Error("the old run is gone before the new one is there")
	}
	if err := runForget(t.Context(), o, "Ben", strings.NewReader(""), io.Discard); err == nil || !strings.Contains(err.Error(), "being trained again without Zoe") {
		t.Errorf("another name: %v", err)
	}
	if err := runForget(t.Context(), o, "zoe", strings.NewReader(""), io.Discard); err != nil {
		t.Fatal(err)
	}
	trainTiny(t, data, fresh)
	requireSameAdapter(t, filepath.Join(output, "final"), filepath.Join(fresh, "final"))
}

// writerFunc is a writer that hands on what is written.
type writerFunc func(text []byte)

func (f writerFunc) Write(text []byte) (int, error) {
	f(text)
	return len(text), nil
}

// Replacing the old run can be stopped after any file.
func TestForgetRetrain_ReplacesWithoutGaps(t *testing.T) {
	t.Parallel()
	for _, phase := range []string{phaseRemove, phaseMove} {
		output := t.TempDir()
		write := func(path string) {
			full := filepath.Join(output, path)
			if err := errors.Join(os.MkdirAll(filepath.Dir(full), 0o700), os.WriteFile(full, []byte(path), 0o600)); err != nil {
				t.Fatal(err)
			}
		}
		write("retrained/final/a")
		write("retrained/metrics.jsonl")
		if phase == phaseMove {
			write("run.json") // moved already
		} else {
			write("retrained/run.json")
			write("final/old")
			write("checkpoint-2/old")
			write("best/old")
			write("tensorboard/old")
		}
		write("previous-1/final/other")
		r := newRetraining(&forgetOptions{contactsOptions: contactsOptions{dataDir: t.TempDir()}, outputDir: output}, io.Discard)
		r.plan.Phase = phase
		if err := r.goOn(t.Context()); err != nil {
			t.Fatal(err)
		}
		if found, want := filesOf(t, output), []string{"final/a", "metrics.jsonl", "previous-1/final/other", "run.json"}; !slices.Equal(found, want) {
			t.Errorf("from %s: %q, want %q", phase, found, want)
		}
	}
}

// The flags of preprocess lose the person, and windows of nobody else are refused.
func TestWithoutName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ flags, want []string }{
		{[]string{"--window", "16", "--exclude", "Zoe"}, []string{"--window", "16"}},
		{[]string{"--only", "zoe", "--only", "Ben"}, []string{"--only", "Ben"}},
		{[]string{"--exclude", "Zoe Smith"}, []string{"--exclude", "Zoe Smith"}},
	} {
		if kept, err := withoutName(c.flags, "Zoe"); err != nil || !slices.Equal(kept, c.want) {
			t.Errorf("%q: %q (%v)", c.flags, kept, err)
		}
	}
	if _, err := withoutName([]string{"--only", "Zoe"}, "Zoe"); err == nil {
		t.Error("windows of one person are accepted")
	}
}

// What cannot be trained again is said before anything is erased.
func TestForgetRetrain_RefusesBeforeItErases(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data, output, next := filepath.Join(dir, "windows.jsonl"), filepath.Join(dir, "run"), filepath.Join(dir, "next")
	writeConversations(t, data, []string{"Zoe", "Ben"}, 3)
	before, err := os.ReadFile(data)
	if err != nil {
		t.Fatal(err)
	}
	trainTiny(t, data, output, "--max-steps", "1")
	if err := newTrainCommand().Run(t.Context(), []string{"train", "--continue-from", filepath.Join(output, "final"), "--data-path", data, "--output-dir", next,
		"--max-steps", "1", "--batch-size", "1", "--eval-steps", "0", "--threads", "1", "--json"}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, output, want string }{
		{"Ada", output, "nothing is left to train on"},
		{"Zoe", next, "continues the adapter in " + filepath.Join(output, "final")},
		{"Zoe", filepath.Join(dir, "none"), "there is no run in"},
	} {
		o := forgetOptions{contactsOptions: contactsOptions{dataDir: dir, yes: true}, outputDir: c.output, retrain: true}
		if err := runForget(t.Context(), o, c.name, strings.NewReader(""), io.Discard); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s in %s: %v, want %q", c.name, c.output, err, c.want)
		}
	}
	if after, err := os.ReadFile(data); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the windows changed (%v)", err)
	}
	o := forgetOptions{contactsOptions: contactsOptions{dataDir: dir, yes: true}, outputDir: output, retrain: true}
	if err := runForget(t.Context(), o, "Nobody", strings.NewReader(""), io.Discard); err != nil {
		t.Errorf("a run that has not seen someone: %v", err)
	}
}
