package main

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"ventriloquist/engine"
	"ventriloquist/internal/load"
	"ventriloquist/internal/load/memplan"
)

func TestExamineGPU_SaysWhatIsMissing(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	check := func(what string, count int, details ...string) {
		t.Helper()
		found := examineGPU(folder, load.GPU, windowSizes{})
		if len(found) != count {
			t.Fatalf("%s: %+v", what, found)
		}
		for i, f := range found {
			if f.Status != "missing" || !strings.Contains(f.Hint, "compute capability 8.0") || !strings.Contains(f.Detail, details[i]) {
				t.Errorf("%s: %+v", what, f)
			}
		}
	}
	check("nothing", 1, "no NVIDIA driver on this machine")
	write("version", "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build\nGCC version: 12\n")
	check("a driver", 1, "NVIDIA driver 580.65.06, but no card")
	write("gpus/0000:01:00.0/information", "Model: \t\t NVIDIA GeForce RTX 4090\nIRQ:   \t\t 150\n")
	write("gpus/0000:02:00.0/information", "IRQ:   \t\t 150\n")
	check("two cards", 2, "0: NVIDIA GeForce RTX 4090, NVIDIA driver 580.65.06; this build has no CUDA engine", "1: a card without a name")
}

func TestExamineGPU_DescribesUsableCards(t *testing.T) {
	const library = "../../build/engine/libvqcuda_sim.so" // the CUDA engine, simulated on the CPU
	if _, err := os.Stat(library); err != nil {
		t.Skipf("%s is not built: make test builds it", library)
	}
	found := examineGPU(t.TempDir(), func(index int) (*engine.Device, error) { return engine.OpenBackend(library, index) }, windowSizes{})
	if len(found) != 6 || found[0].Status != "ok" || !strings.Contains(found[0].Detail, "compute capability ") ||
		!strings.Contains(found[0].Detail, " free of ") {
		t.Fatalf("%+v", found)
	}
	for i, name := range []string{"bf16", "fp8", "8 bits", "4 bits", "fp8 with --precision fp8"} {
		if f := found[i+1]; f.Name != "gpu 0, weights in "+name || f.Status != "slow" || !strings.Contains(f.Detail, "training takes more than a day: Qwen3-0.6B ") {
			t.Errorf("%+v", f)
		}
	}
}

// Row 1.5: ok means within a day.
func TestDescribeModels_OKMeansWithinADay(t *testing.T) {
	hours := func(h float64) memplan.Hours { return memplan.Hours{From: h, To: h} }
	small, large := trainable{"qwen3-0.6b", hours(2)}, trainable{"qwen3-8b", hours(9000)}
	for _, c := range []struct {
		models       []trainable
		status, says string
	}{
		{[]trainable{small, large}, "ok", "can train models up to Qwen3-0.6B within a day: 2.0 hours for 50,000 messages; Qwen3-8B 1.0 years"},
		{[]trainable{small}, "ok", "can train models up to Qwen3-0.6B: 2.0 hours for 50,000 messages"},
		{[]trainable{{"qwen3-0.6b", hours(240)}, large}, "slow", "for 50,000 messages, training takes more than a day: Qwen3-0.6B 10 days, Qwen3-8B 1.0 years"},
		{nil, "problem", "no Qwen3 model fits for training"},
	} {
		f := describeModels(c.models, "qwen3-14b", windowSizes{})
		if f.Status != c.status || f.Detail != c.says+"; can generate with models up to Qwen3-14B" {
			t.Errorf("%+v", f)
		}
	}
}

// Elsewhere than on a Mac, nothing is missing: there is no message history of one's own, but exports.
func TestExamineSource_LeadsToExports(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	want := "optional"
	if runtime.GOOS == "darwin" {
		want = "missing"
	}
	if f := examineSource(); f.Status != want || !strings.Contains(f.Hint, "vqctl collect --source FILE") {
		t.Errorf("%+v", f)
	}
}
