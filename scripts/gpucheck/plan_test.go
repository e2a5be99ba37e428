package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var h200 = machine{GPU: "NVIDIA H200", Capability: 90, MemoryMiB: 143771, Driver: "580.1", nvcc: "/cuda/bin/nvcc", CPUs: 16}

func stageNamed(t *testing.T, stages []stage, name string) stage {
	t.Helper()
	for _, s := range stages {
		if s.name == name {
			return s
		}
	}
	t.Fatalf("there is no stage %q", name)
	return stage{}
}

// lines is what a stage runs, one command per line, with the variables that are set.
func lines(s stage) string {
	var all []string
	for _, c := range s.commands {
		all = append(all, strings.Join(append(slices.Clone(c.env), c.args...), " "))
	}
	return strings.Join(all, "\n")
}

func TestTarget_StagesAreOrderedByWorth(t *testing.T) {
	t.Parallel()
	var names []string
	for _, s := range gpuTarget(t.TempDir(), h200).stages() {
		names = append(names, s.name)
	}
	want := []string{"build", "opening", "goldens of transformers", "ops at real sizes", "training", "kernels", "tests",
		"other formats and sizes", "peers", "counters", "sanitizers"}
	if !slices.Equal(names, want) {
		t.Errorf("%q", names)
	}
}

func TestTarget_MeasuresWhatTheGPUHas(t *testing.T) {
	t.Parallel()
	ampere := machine{GPU: "NVIDIA GeForce RTX 3090", Capability: 86, MemoryMiB: 24576, nvcc: "/cuda/bin/nvcc"}
	small := machine{GPU: "NVIDIA GeForce RTX 4060", Capability: 89, MemoryMiB: 8188, nvcc: "/cuda/bin/nvcc"}
	for _, c := range []struct {
		name, stage string
		machine     machine
		has, lacks  []string
	}{
		{"wgmma", "build", h200, []string{"-DVQ_CUDA_ARCHITECTURES=90a"}, nil},
		{"no wgmma", "build", ampere, []string{"-DVQ_CUDA_ARCHITECTURES=86"}, nil},
		{"each choice", "training", h200, []string{"VQ_WGMMA=0", "fp8-products", "tune 1 repeat 2", "shape 8b weights plain tokens 4096"}, nil},
		{"4 bits on 24 GB", "training", ampere, []string{"shape 8b weights nf4"}, []string{"VQ_WGMMA", "fp8-products"}},
		{"small model on 8 GB", "training", small, []string{"shape 0.6b weights plain", "fp8-products"}, []string{"shape 8b", "VQ_WGMMA"}},
		{"attention without wgmma", "kernels", h200, []string{"VQ_WGMMA=0", "only attention", "only base weights fp8-products"}, nil},
		{"tests of the library", "tests", h200, []string{"VQ_TEST_BACKEND=", "vq_test_cuda"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := lines(stageNamed(t, gpuTarget(t.TempDir(), c.machine).stages(), c.stage))
			for _, want := range c.has {
				if !strings.Contains(text, want) {
					t.Errorf("%q is not in\n%s", want, text)
				}
			}
			for _, other := range c.lacks {
				if strings.Contains(text, other) {
					t.Errorf("%q is in\n%s", other, text)
				}
			}
		})
	}
}

// Programs that were built from these sources are not built again; from others they are.
func TestTarget_UsesPrebuiltPrograms(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	prebuilt(t, root)
	if s := gpuTarget(root, h200).buildStage(); len(s.commands) != 0 {
		t.Errorf("it builds again:\n%s", lines(s))
	}
	writeFile(t, filepath.Join(root, "csrc", "kernel.cu"), "changed", 0o600)
	if s := gpuTarget(root, h200).buildStage(); len(s.commands) == 0 {
		t.Error("it does not build changed sources")
	}
}

func TestTarget_WithoutACompilerTheBuildFails(t *testing.T) {
	t.Parallel()
	without := h200
	without.nvcc = ""
	r := runStages(t, time.Minute, gpuTarget(t.TempDir(), without).buildStage())
	if r.Stages[0].Outcome != failed || !strings.Contains(r.Stages[0].Note, "install the toolkit") {
		t.Errorf("%+v", r.Stages[0])
	}
}

func writeFile(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// prebuilt fills root as if the programs were built for an H200. Each prints what the real one would.
func prebuilt(t *testing.T, root string) {
	t.Helper()
	build := filepath.Join(root, "build", "gpu")
	writeFile(t, filepath.Join(root, "csrc", "kernel.cu"), "kernel", 0o600)
	writeFile(t, filepath.Join(build, "built-from"), sourceSum(root, "90a"), 0o600)
	for name, script := range map[string]string{
		"libvqcuda.so": "",
		"vq_check_sizes": `echo '{"opened": "NVIDIA H200", "instructions": "sm_90, wgmma"}'
case "$*" in *opening*) exit;; esac
echo '{"check": "dq of attention", "error": 0.002, "limit": 0.02, "ok": true}'`,
		"vq_bench_kernels": `echo '{"ceiling": "bf16 GEMM", "tflops": 700.0}'
echo '{"kernel": "qkv forward", "group": "base GEMMs", "count": 1, "us": 300.0, "tflops": 690.00, "gb_per_s": 400.0, "share": 0.986}'`,
		"vq_bench_training": `repeat=; case "$*" in *"repeat 2"*) repeat=', "same_bytes": true';; esac
echo '{"gpu": "NVIDIA H200", "instructions": "sm_90, wgmma", "shape": "8b", "weights": "plain", "tokens": 4096, "train_tokens_per_second": 15000.0, "train_tflops": 500.0, "first_loss": 12.5, "first_grad_norm": 1.5, "recompute_layers": 0, "plan_gib": 60.000, "used_gib": 59.000, "unaligned_gemms": 0'$repeat'}'`,
		"vq_test_backend": `echo '[       OK ] Norm.Matches (3 ms)'; echo '[  FAILED  ] Loss.Matches (3 ms)'; exit 1`,
		"vq_test_cuda":    `echo '[       OK ] CudaGraph.Replays (3 ms)'`,
	} {
		writeFile(t, filepath.Join(build, name), "#!/bin/sh\n"+script+"\n", 0o700)
	}
}
