package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// fakeGPU puts an nvidia-smi of an H200 on the path, and a compute-sanitizer that finds nothing.
func fakeGPU(t *testing.T) {
	t.Helper()
	folder := t.TempDir()
	writeFile(t, filepath.Join(folder, "nvidia-smi"), `#!/bin/sh
case "$*" in
*-lms*) echo "1980, 612.30, 64, 91000, 0x0000000000000004"; exec sleep 600;;
*compute_cap*) echo "NVIDIA H200, 9.0, 143771, 580.159.03";;
*) echo "0x0";;
esac
`, 0o700)
	writeFile(t, filepath.Join(folder, "compute-sanitizer"), "#!/bin/sh\necho '========= ERROR SUMMARY: 0 errors'\n", 0o700)
	t.Setenv("PATH", folder+":"+os.Getenv("PATH"))
	t.Setenv("CUDA_VISIBLE_DEVICES", "")
}

func runOn(t *testing.T, root string) report {
	t.Helper()
	path := filepath.Join(t.TempDir(), "report.json")
	ok, err := run(root, []string{path}, false, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	r := read(t, path)
	if ok != !strings.HasPrefix(r.Verdict, "wrong") {
		t.Errorf("it ended with %v, but the verdict is %q", ok, r.Verdict)
	}
	return r
}

func TestRun_OnAGPU(t *testing.T) {
	fakeGPU(t)
	root := t.TempDir()
	prebuilt(t, root)
	r := runOn(t, root)
	if !strings.HasPrefix(r.Verdict, "wrong: tests failed; not run: goldens of transformers") { // vq_test_backend of prebuilt fails
		t.Errorf("verdict %q", r.Verdict)
	}
	if r.Machine.GPU != "NVIDIA H200" || r.Machine.Capability != 90 || r.Machine.Instructions != "sm_90, wgmma" {
		t.Errorf("machine %+v", r.Machine)
	}
	if got := r.Stages[4].GPU; got != "SM 1980-1980 MHz, up to 612 W, 64 °C, 88.9 GiB used; held back by power limit in 1 of 1 samples" {
		t.Errorf("the GPU in training: %q", got)
	}
	if ops := r.Tests["ops"]; ops == nil || ops.Passed != 1 || len(ops.Failed) != 1 || ops.Failed[0] != "Loss.Matches" {
		t.Errorf("ops %+v", ops)
	}
	if len(r.Training) != 7 || len(r.Kernels) != 3 || len(r.Ceilings) != 1 || len(r.Sizes) != 1 {
		t.Errorf("%d training runs, %d kernels, %d ceilings, %d sizes", len(r.Training), len(r.Kernels), len(r.Ceilings), len(r.Sizes))
	}
	if !strings.Contains(strings.Join(r.Other, "\n"), "memcheck of vq_test_cuda: ERROR SUMMARY: 0 errors") {
		t.Errorf("sanitizers: %q", r.Other)
	}
	var names []string
	for _, c := range r.Comparisons {
		names = append(names, c.Name)
	}
	for _, want := range []string{"opening", "ops at real sizes", "the same steps twice, bf16, tuned", "memory, bf16", "step with and without wgmma", "step in fp8 and in bf16"} {
		if !strings.Contains(strings.Join(names, "\n"), want) {
			t.Errorf("%q is not compared: %q", want, names)
		}
	}
}

// Each thing that can be wrong with the engine is wrong in the verdict.
func TestRun_VerdictNamesWhatIsWrong(t *testing.T) {
	fakeGPU(t)
	for _, c := range []struct{ name, program, from, to, want string }{
		{"wgmma", "vq_check_sizes", "sm_90, wgmma", "sm_90, wgmma wrong in dq 128", "opening"},
		{"a kernel", "vq_check_sizes", `"error": 0.002, "limit": 0.02, "ok": true`, `"error": 0.4, "limit": 0.02, "ok": false`, "ops at real sizes"},
		{"repetition", "vq_bench_training", `"same_bytes": true`, `"same_bytes": false`, "the same steps twice, bf16, tuned"},
		{"memory", "vq_bench_training", `"used_gib": 59.000`, `"used_gib": 62.000`, "memory, bf16"},
		{"alignment", "vq_bench_training", `"unaligned_gemms": 0`, `"unaligned_gemms": 7`, "alignment, bf16"},
		{"another loss without wgmma", "vq_bench_training", "echo '{", `[ -z "$VQ_WGMMA" ] || { echo '{"shape": "8b", "first_loss": 13.5, "first_grad_norm": 1.5, "plan_gib": 60}'; exit; }; echo '{`,
			"step with and without wgmma"},
		{"no kernels", "vq_bench_kernels", "echo '{\"kernel\"", "exit; echo '{\"kernel\"", "kernels"},
		{"no tests", "vq_test_cuda", "echo", ": echo", "tests of CUDA"},
		{"an error", "vq_bench_training", "echo '{", `echo '{"error": "out of memory"}'; exit 1; echo '{`, "training, bf16"},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := t.TempDir()
			prebuilt(t, root)
			path := filepath.Join(root, "build", "gpu", c.program)
			text, err := os.ReadFile(path)
			if err != nil || !strings.Contains(string(text), c.from) {
				t.Fatalf("%v: %q is not in %s", err, c.from, text)
			}
			writeFile(t, path, strings.Replace(string(text), c.from, c.to, 1), 0o700)
			writeFile(t, filepath.Join(root, "build", "gpu", "vq_test_backend"), "#!/bin/sh\necho '[       OK ] Norm.Matches (3 ms)'\n", 0o700)
			if r := runOn(t, root); !strings.Contains(r.Verdict, c.want) {
				t.Errorf("verdict %q does not say %q", r.Verdict, c.want)
			}
		})
	}
}

func TestRun_WithoutTimeIsNoSuccess(t *testing.T) {
	fakeGPU(t)
	root := t.TempDir()
	prebuilt(t, root)
	path := filepath.Join(t.TempDir(), "report.json")
	if ok, err := run(root, []string{path}, false, 0); ok || err != nil {
		t.Errorf("%v, %v", ok, err)
	}
	if r := read(t, path); !strings.HasPrefix(r.Verdict, "wrong: no stage ran") {
		t.Errorf("verdict %q", r.Verdict)
	}
}

// A report that has no place is refused at once.
func TestRun_RefusesAFolderThatDoesNotExist(t *testing.T) {
	fakeGPU(t)
	root := t.TempDir()
	prebuilt(t, root)
	if _, err := run(root, []string{filepath.Join(root, "missing", "report.json")}, false, time.Minute); err == nil {
		t.Error("it was accepted")
	}
}

func TestRun_RefusesBadArguments(t *testing.T) {
	t.Setenv("PATH", "/nonexistent")
	for want, args := range map[string][]string{
		"nvidia-smi shows no GPU": nil,
		"must end with .json":     {"report.txt"},
		"2 arguments":             {"a.json", "b.json"},
	} {
		if _, err := run(t.TempDir(), args, false, time.Minute); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", args, err, want)
		}
	}
}

// The lines of older drivers, of GPUs that do not report all, and of errors.
func TestParseSample_IgnoresWhatIsNoSample(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]bool{
		"1980, 612.30, 64, 91000, 0x0000000000000004": true,
		"1980, [N/A], 64, 91000, Not Active":          true,
		"[N/A], 612.30, 64, 91000, 0x0":               false,
		"Field \"clocks\" is not a valid field":       false,
		"":                                            false,
	} {
		if _, ok := parseSample(line); ok != want {
			t.Errorf("%q: %v", line, ok)
		}
	}
}

func TestParseGoTests_CountsCasesOnTheDevice(t *testing.T) {
	t.Parallel()
	r := &report{}
	parse := parseGoTests("goldens")
	for _, line := range []string{"--- FAIL: TestTrainer_UpdateGoldens (1.00s)", "    --- FAIL: TestTrainer_UpdateGoldens/a/f32/cuda (0.50s)",
		"    --- SKIP: TestTrainer_UpdateGoldens/a/bf16/cuda (0.00s)", "    --- PASS: TestTrainer_UpdateGoldens/b/f32/cuda (0.50s)", "FAIL"} {
		parse(r, line)
	}
	if g := r.Tests["goldens"]; g.Passed != 1 || g.Skipped != 1 || len(g.Failed) != 1 {
		t.Errorf("%+v", g)
	}
}
