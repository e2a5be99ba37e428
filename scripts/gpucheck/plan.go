package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

// A target is what the stages measure: the GPU of this machine, or the simulator.
type target struct {
	root, build, library  string
	goldens               string // the compiled golden tests
	machine               machine
	simulated             bool
	shape, second         string // of the model; of a smaller one
	weights               string // the format in which `shape` fits
	tokens, sizes         string
	gemmTokens, steps, ms string
	decode, tune          string
}

func gpuTarget(root string, m machine) target {
	build := filepath.Join(root, "build", "gpu")
	t := target{root: root, build: build, library: filepath.Join(build, "libvqcuda.so"), machine: m, goldens: goldenTests(root),
		shape: "8b", second: "0.6b", weights: "plain", tokens: "4096", sizes: "4096", gemmTokens: "128", steps: "8", ms: "20", decode: "128", tune: "1"}
	switch {
	case m.MemoryMiB < 10000:
		t.shape = "0.6b"
	case m.MemoryMiB < 38000:
		t.weights = "nf4"
	}
	return t
}

func simulatedTarget(root string) target {
	build := filepath.Join(root, "build", "engine")
	return target{root: root, build: build, library: filepath.Join(build, "libvqcuda_sim.so"), simulated: true, goldens: goldenTests(root),
		shape: "tiny", second: "tiny", weights: "plain", tokens: "64", sizes: "64", gemmTokens: "16", steps: "1", ms: "0", decode: "2", tune: "0"}
}

func goldenTests(root string) string {
	return filepath.Join(root, "build", "gpu-check", "goldens.test")
}

// stages lists what is run, the most valuable first.
func (t target) stages() []stage {
	return []stage{
		t.buildStage(),
		t.openingStage(),
		t.goldenStage(),
		t.sizesStage(),
		t.trainingStage(),
		t.kernelStage(),
		t.testStage(),
		t.formatStage(),
		t.peerStage(),
		t.counterStage(),
		t.sanitizerStage(),
	}
}

// Names of stages that other code refers to.
const (
	building      = "build"
	goldenStage   = "goldens of transformers"
	sizesStage    = "ops at real sizes"
	trainingStage = "training"
	kernelStage   = "kernels"
	testStage     = "tests"
)

// buildStage compiles for this GPU only: compiling for all takes longer than everything else. Kernels that were built from the
// same sources before, perhaps on another machine, are used as they are.
func (t target) buildStage() stage {
	programs := []string{"vq_bench_training", "vq_bench_kernels", "vq_check_sizes"}
	s := stage{name: building, limit: 4 * time.Minute, chain: true}
	if t.simulated {
		s.commands = []command{t.compile(append(programs, "vqcuda_sim"))}
		return s
	}
	capability := strconv.Itoa(t.machine.Capability)
	if capability == "90" { // wgmma
		capability = "90a"
	}
	stamp, sum := filepath.Join(t.build, "built-from"), sourceSum(t.root, capability)
	if text, err := os.ReadFile(stamp); err == nil && string(text) == sum && allExist(t.build, append(programs, "libvqcuda.so")) {
		return s
	}
	if t.machine.nvcc == "" {
		s.commands = []command{{name: "there is no CUDA 12.4 or newer here: install the toolkit, or run scripts/cuda-toolkit where there is a network",
			args: []string{"false"}}}
		return s
	}
	s.commands = []command{
		{name: "cmake", args: []string{"cmake", "-S", t.root, "-B", t.build, "-DCMAKE_BUILD_TYPE=Release", "-DVQ_NVCC=" + t.machine.nvcc,
			"-DVQ_CUDA_TESTS=ON", "-DVQ_CUDA_ARCHITECTURES=" + capability}},
		t.compile(append(programs, "vqcuda")),
		{name: "kernel-table", args: []string{filepath.Join(t.root, "scripts", "kernel-table"), "--strict", filepath.Join(t.build, "cuda")},
			optional: true, line: parseNotes("kernels", "kernel-table:", 5)},
		{name: "stamp", args: []string{"sh", "-c", `printf %s "$1" >"$2"`, "sh", sum, stamp}},
	}
	return s
}

func (t target) compile(targets []string) command {
	return command{name: "compiling", args: append([]string{"cmake", "--build", t.build, "-j", strconv.Itoa(max(1, t.machine.CPUs)), "--target"}, targets...),
		line: parseNotes("build", "error", 5)}
}

// compileTests does nothing where they are built, and cmake is not needed there.
func (t target) compileTests() command {
	tests := []string{"vq_test_backend", "vq_test_cuda"}
	if allExist(t.build, tests) {
		return command{name: "tests are built", args: []string{"true"}}
	}
	return t.compile(tests)
}

func (t target) program(name string, args ...string) command {
	return command{name: name, args: append([]string{filepath.Join(t.build, name)}, args...), env: gpuOrder}
}

func (t target) openingStage() stage {
	c := t.program("vq_check_sizes", t.library, "shape", "tiny", "only", "opening")
	c.line = parseSizes
	return stage{name: "opening", limit: 30 * time.Second, needs: building, commands: []command{c}}
}

// goldenStage runs the cases of transformers and PEFT: losses, gradients, updates, generated tokens.
func (t target) goldenStage() stage {
	s := stage{name: goldenStage, limit: 100 * time.Second, needs: building}
	if _, err := os.Stat(t.goldens); err != nil {
		s.skip = "build/gpu-check/goldens.test is missing: scripts/gpu-check --prepare builds it where Go is"
		return s
	}
	pattern := "Goldens/.*/.*/cuda$"
	if t.simulated {
		pattern = "EvaluateGoldens/tied-multiquery/.*/cuda$"
	}
	s.commands = []command{{name: "goldens.test", args: []string{t.goldens, "-test.v", "-test.run", pattern}, dir: filepath.Join(t.root, "engine"),
		env: append([]string{"VQ_TEST_BACKEND=" + t.library}, gpuOrder...), line: parseGoTests("goldens")}}
	return s
}

func (t target) sizesStage() stage {
	c := t.program("vq_check_sizes", t.library, "shape", t.shape, "tokens", t.sizes, "gemm_tokens", t.gemmTokens)
	c.line = parseSizes
	return stage{name: sizesStage, limit: 60 * time.Second, needs: building, commands: []command{c}}
}

func (t target) train(variant, shape, weights string, more ...string) command {
	c := t.program("vq_bench_training", append([]string{t.library, "shape", shape, "weights", weights, "tokens", t.tokens, "steps", t.steps}, more...)...)
	c.name, c.line = "vq_bench_training, "+variant, parseTraining(variant)
	return c
}

func (t target) hasWgmma() bool { return t.machine.Capability == 90 }
func (t target) hasFP8() bool   { return t.machine.Capability >= 89 || t.simulated }

func without(wgmma command) command {
	wgmma.env = append([]string{"VQ_WGMMA=0"}, wgmma.env...)
	return wgmma
}

func (t target) trainingStage() stage {
	s := stage{name: trainingStage, limit: 170 * time.Second, least: 15 * time.Second, needs: building, commands: []command{
		t.train(untunedRun, t.shape, t.weights),
		t.train(plainRun, t.shape, t.weights, "tune", "1", "repeat", "2"),
	}}
	if t.hasWgmma() {
		s.commands = append(s.commands, without(t.train(oldRun, t.shape, t.weights)))
	}
	if t.hasFP8() {
		s.commands = append(s.commands, t.train(fp8Run, t.shape, "fp8-products", "tune", t.tune))
	}
	return s
}

func (t target) kernelStage() stage {
	kernels := func(variant string, more ...string) command {
		c := t.program("vq_bench_kernels", append([]string{t.library, "shape", t.shape, "tokens", t.tokens, "milliseconds", t.ms}, more...)...)
		c.line = parseKernels(variant)
		return c
	}
	s := stage{name: kernelStage, limit: 70 * time.Second, least: 10 * time.Second, needs: building, commands: []command{kernels("")}}
	if t.hasWgmma() {
		s.commands = append(s.commands, without(kernels("no wgmma", "only", "attention")))
	}
	if t.hasFP8() && !t.simulated {
		s.commands = append(s.commands, kernels("fp8-products", "only", "base", "weights", "fp8-products"))
	}
	return s
}

// testStage runs the tests of all ops and of what is special to CUDA on the GPU.
func (t target) testStage() stage {
	s := stage{name: testStage, limit: 150 * time.Second, least: 20 * time.Second, needs: building}
	if t.simulated {
		s.skip = "make test runs them in the simulator"
		return s
	}
	ops, native := t.program("vq_test_backend"), t.program("vq_test_cuda")
	ops.env, ops.line = append([]string{"VQ_TEST_BACKEND=" + t.library}, gpuOrder...), parseGoogleTests("ops")
	native.line = parseGoogleTests("cuda")
	s.commands = []command{t.compileTests(), ops, native}
	return s
}

func (t target) formatStage() stage {
	s := stage{name: "other formats and sizes", limit: 100 * time.Second, least: 15 * time.Second, needs: building}
	if t.machine.MemoryMiB > 10000 {
		s.commands = append(s.commands, t.train("nf4", t.shape, "nf4", "decode", t.decode))
	}
	if t.machine.MemoryMiB > 22000 {
		s.commands = append(s.commands, t.train("int8", t.shape, "int8", "decode", t.decode))
	}
	s.commands = append(s.commands, t.train(t.second, t.second, "plain", "decode", t.decode))
	return s
}

func (t target) peerStage() stage {
	s := stage{name: "peers", limit: 180 * time.Second, least: 40 * time.Second}
	if _, err := exec.LookPath("python3"); err != nil || t.simulated {
		s.skip = "needs a GPU and Python with transformers"
		return s
	}
	for _, peer := range []string{"hf", "unsloth"} {
		s.commands = append(s.commands, command{name: peer, optional: true, env: gpuOrder, line: parsePeer,
			args: []string{"python3", filepath.Join(t.root, "scripts", "gpu_peers.py"), peer, t.shape, t.tokens}})
	}
	return s
}

func (t target) counterStage() stage {
	s := stage{name: "counters", limit: 40 * time.Second, least: 30 * time.Second, needs: building}
	ncu := t.tool("ncu")
	if ncu == "" {
		s.skip = "Nsight Compute (ncu) is not installed"
		return s
	}
	c := t.train("under ncu", t.second, "plain")
	c.args = append([]string{ncu, "--set", "basic", "--launch-skip", "200", "--launch-count", "20"}, c.args...)
	// Reading counters may need a privilege that a container lacks.
	c.name, c.optional, c.line = "ncu", true, parseNotes("ncu", "Throughput", 40)
	s.commands = []command{c}
	return s
}

// sanitizerStage runs only the ops and the attention of large heads: the tools slow programs down a hundredfold.
func (t target) sanitizerStage() stage {
	s := stage{name: "sanitizers", limit: 5 * time.Minute, least: 30 * time.Second, needs: building}
	tool := t.tool("compute-sanitizer")
	if tool == "" {
		s.skip = "compute-sanitizer is not installed"
		return s
	}
	s.commands = []command{t.compileTests()}
	check := func(kind string, c command, more ...string) {
		c.args = append(append([]string{tool, "--tool", kind, "--error-exitcode", "9"}, c.args...), more...)
		c.name, c.line = kind+" of "+c.name, parseGoogleTests(kind+" of "+c.name)
		s.commands = append(s.commands, c)
	}
	ops := t.program("vq_test_backend")
	ops.env = append([]string{"VQ_TEST_BACKEND=" + t.library}, gpuOrder...)
	for _, kind := range []string{"memcheck", "racecheck"} {
		check(kind, t.program("vq_test_cuda"), "--gtest_filter=CudaAttention.WarpgroupsGoRoundEveryRing")
		check(kind, ops)
	}
	check("synccheck", ops)
	return s
}

// tool finds a program of the CUDA toolkit; "" if there is none, or no GPU.
func (t target) tool(name string) string {
	if t.simulated {
		return ""
	}
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	beside := filepath.Join(filepath.Dir(t.machine.nvcc), name)
	if t.machine.nvcc != "" && allExist(filepath.Dir(t.machine.nvcc), []string{name}) {
		return beside
	}
	return ""
}

func allExist(folder string, names []string) bool {
	for _, name := range names {
		if _, err := os.Stat(filepath.Join(folder, name)); err != nil {
			return false
		}
	}
	return true
}

// describe is what the report says of the target.
func (t target) describe() string {
	if t.simulated {
		return "the simulator, on the CPU: times say nothing"
	}
	m := t.machine
	return fmt.Sprintf("%s (%d.%d), %d MiB, driver %s, nvcc %s, ptxas %s", m.GPU, m.Capability/10, m.Capability%10, m.MemoryMiB, m.Driver, m.Toolkit, m.Ptxas)
}
