package main

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"ventriloquist/internal/model"
)

// withGPU returns a folder with this program as vqctl and the CUDA engine that is simulated on the CPU as its backend library.
func withGPU(t *testing.T) string {
	t.Helper()
	const library = "../../build/engine/libvqcuda_sim.so"
	if _, err := os.Stat(library); err != nil {
		t.Skipf("%s is not built: make test builds it", library)
	}
	program, err := exec.LookPath("vqctl")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	for name, from := range map[string]string{"vqctl": program, "libvqcuda.so": library} {
		content, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// makeInputs writes a small base model and windows to folder.
func makeInputs(t *testing.T, folder string) {
	t.Helper()
	config, err := model.ShapeConfig(model.Tiny)
	if err != nil {
		t.Fatal(err)
	}
	config.Layers, config.HiddenSize, config.IntermediateSize, config.Heads, config.KVHeads, config.HeadDim = 1, 32, 64, 2, 1, 32
	if err := model.WriteRandom(t.Context(), filepath.Join(folder, "base"), model.RandomOptions{Config: config, Seed: 1}); err != nil {
		t.Fatal(err)
	}
	writeWindows(t, filepath.Join(folder, "windows.jsonl"), 4)
}

// runIn runs the program in folder, with its own cache folder, and returns stdout and stderr.
func runIn(t *testing.T, folder string, args ...string) (stdout, stderr string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), filepath.Join(folder, "vqctl"), args...)
	command.Dir = folder
	command.Env = append(os.Environ(), "XDG_CACHE_HOME="+filepath.Join(folder, "cache"))
	var said bytes.Buffer
	command.Stderr = &said
	out, err := command.Output()
	if err != nil {
		t.Fatalf("vqctl %s: %v\n%s", strings.Join(args, " "), err, said.String())
	}
	return string(out), said.String()
}

// Train with an evaluation, score and generate.
func TestGPU_MatchesCPU(t *testing.T) {
	t.Parallel()
	folder := withGPU(t)
	makeInputs(t, folder)
	vqctl := func(args ...string) string {
		out, _ := runIn(t, folder, args...)
		return out
	}
	var losses [2][]float64
	var scores [2][]float64
	for i, device := range []string{"--cpu", "--gpu=0"} {
		out := strings.Trim(device, "-")
		train := func(more ...string) string {
			return vqctl(append([]string{"train", device, "--precision", "f32", "--base-model", "base", "--data-path", "windows.jsonl", "--output-dir", out,
				"--lora-r", "4", "--batch-size", "1", "--gradient-accumulation-steps", "2", "--eval-steps", "2", "--samples", "0", "--logging-steps", "1", "--json"}, more...)...)
		}
		losses[i] = append(losses[i], numbers(t, train("--max-steps", "2"), "loss", "grad_norm", "eval_loss")...)
		text := vqctl("score", device, "--precision", "f32", "--base-model", "base", "--adapter", out+"/final", "windows.jsonl")
		scores[i] = numbers(t, text, "logprobs")
		raw := vqctl("generate", device, "--base-model", "base", "--adapter", out+"/final", "--as", "Ada", "--member", "Ben", "--message", "Ben: hello",
			"--temperature", "0", "--max-new-tokens", "2", "--raw")
		if strings.TrimSpace(raw) == "" {
			t.Errorf("%s generates nothing", device)
		}
	}
	for name, both := range map[string][2][]float64{"training": losses, "scores": scores} {
		if len(both[0]) < 4 || len(both[0]) != len(both[1]) {
			t.Fatalf("%s: %v", name, both)
		}
		for i, want := range both[0] {
			if got := both[1][i]; math.Abs(got-want) > 1e-4*math.Abs(want) {
				t.Errorf("%s, number %d: %v on the GPU, %v on the CPU", name, i, got, want)
			}
		}
	}
}

// The first run tunes the GEMMs and saves the result, with which the next one computes the same bytes. A file of another
// GPU is replaced with a warning.
func TestGPU_ReusesGEMMTuning(t *testing.T) {
	t.Parallel()
	folder := withGPU(t)
	makeInputs(t, folder)
	train := func(out string) (weights []byte, said string) {
		t.Helper()
		_, said = runIn(t, folder, "train", "--gpu=0", "--base-model", "base", "--data-path", "windows.jsonl", "--output-dir", out, "--lora-r", "4",
			"--batch-size", "2", "--gradient-accumulation-steps", "1", "--eval-steps", "0", "--max-steps", "1", "--json")
		weights, err := os.ReadFile(filepath.Join(folder, out, "final", "adapter_model.safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		return weights, said
	}
	saved := func() (string, []byte) {
		t.Helper()
		files, err := filepath.Glob(filepath.Join(folder, "cache", "vqctl", "products", "*"))
		if err != nil || len(files) != 1 {
			t.Fatalf("%v, %v", files, err)
		}
		content, err := os.ReadFile(files[0])
		if err != nil {
			t.Fatal(err)
		}
		return files[0], content
	}
	first, said := train("first")
	if strings.Contains(said, "tuning again") {
		t.Errorf("nothing was saved yet: %s", said)
	}
	path, tuning := saved()
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if second, _ := train("second"); !bytes.Equal(first, second) {
		t.Error("the second run wrote other bytes")
	}
	foreign := bytes.Replace(tuning, []byte("on the CPU 1"), []byte("on the CPU 2"), 1)
	if err := os.WriteFile(path, foreign, 0o600); err != nil {
		t.Fatal(err)
	}
	again, said := train("foreign")
	if !strings.Contains(said, "cannot use the saved GEMM tuning, tuning again") {
		t.Errorf("no warning: %s", said)
	}
	if _, now := saved(); !bytes.Equal(now, tuning) || !bytes.Equal(first, again) {
		t.Error("the tuning differs")
	}
}

// numbers returns the values of keys in lines of JSON, in order, with lists flattened.
func numbers(t *testing.T, lines string, keys ...string) (list []float64) {
	t.Helper()
	for _, line := range strings.Split(strings.TrimSpace(lines), "\n") {
		var object map[string]any
		if err := json.Unmarshal([]byte(line), &object); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		for _, key := range keys {
			switch v := object[key].(type) {
			case float64:
				list = append(list, v)
			case []any:
				for _, each := range v {
					list = append(list, each.(float64))
				}
			}
		}
	}
	return list
}
