package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// mpiexec returns the MPI launcher that the tests start several processes with: VQ_MPIEXEC, or the one in PATH. Without one, the tests
// that need it are skipped.
func mpiexec(t *testing.T) string {
	t.Helper()
	if named := os.Getenv("VQ_MPIEXEC"); named != "" {
		return named
	}
	path, err := exec.LookPath("mpiexec")
	if err != nil {
		t.Skip("no MPI is installed: processes that train together are not tested (Debian: mpich; or VQ_MPIEXEC names an mpiexec)")
	}
	return path
}

// team starts vqctl in several processes, with the same flags or, if there are several lists, each process with its own.
type team struct {
	*killer
	mpiexec string
}

func newTeam(t *testing.T) team {
	program := mpiexec(t)
	// Open MPI refuses root, and more processes than cores, unless it is told not to.
	k := newKiller(t, t.TempDir(), "OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1", "OMPI_MCA_rmaps_base_oversubscribe=1",
		"PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe", "OMPI_MCA_hwloc_base_binding_policy=none", "OMPI_MCA_btl_vader_single_copy_mechanism=none")
	writeWindows(t, k.path("windows.jsonl"), 12)
	return team{k, program}
}

// start starts processes, whose ids are then in files of the team's folder.
func (m team) start(out *bytes.Buffer, lists ...[]string) *exec.Cmd {
	m.t.Helper()
	var args []string
	for rank, list := range lists {
		if rank > 0 {
			args = append(args, ":")
		}
		args = append(args, "-n", "1", "/bin/sh", "-c", fmt.Sprintf(`echo $$ >pid%d; exec "$@"`, rank), "sh", "vqctl")
		args = append(args, list...)
	}
	c := exec.Command(m.mpiexec, args...)
	c.Dir, c.Env, c.Stdout, c.Stderr = m.dir, append(os.Environ(), m.environment...), out, out
	if err := c.Start(); err != nil {
		m.t.Fatal(err)
	}
	return c
}

// run runs n processes with the same flags to their end.
func (m team) run(n int, args ...string) (string, error) {
	m.t.Helper()
	lists := make([][]string, n)
	for i := range lists {
		lists[i] = args
	}
	var out bytes.Buffer
	err := m.start(&out, lists...).Wait()
	return out.String(), err
}

// signal sends a signal to a process when the run in a folder has taken a step.
func (m team) signal(rank int, s syscall.Signal, folder string, step int) {
	m.t.Helper()
	reached := func() bool {
		log, _ := os.ReadFile(m.path(folder, "metrics.jsonl"))
		return bytes.Contains(log, fmt.Appendf(nil, `"event":"step","step":%d,`, step))
	}
	for end := time.Now().Add(2 * time.Minute); !reached(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			m.t.Fatal("the run takes no steps")
		}
	}
	id, err := strconv.Atoi(strings.TrimSpace(string(m.read(fmt.Sprintf("pid%d", rank)))))
	if err != nil {
		m.t.Fatal(err)
	}
	if err := syscall.Kill(id, s); err != nil {
		m.t.Fatal(err)
	}
}

func trainFlagsOf(output string, steps int) []string {
	return []string{"train", "--base-model", "tiny", "--data-path", "windows.jsonl", "--output-dir", output, "--cpu", "--lora-r", "64", "--lora-alpha", "90",
		"--batch-size", "1", "--gradient-accumulation-steps", "3", "--max-steps", fmt.Sprint(steps), "--save-steps", "2", "--eval-steps", "4", "--logging-steps", "1",
		"--samples", "0", "--threads", "1"}
}

// sameAdapters checks that two runs wrote the same bytes.
func (m team) sameAdapters(a, b string) {
	m.t.Helper()
	for _, file := range []string{"adapter_model.safetensors", "adapter_config.json", "optimizer.safetensors", "trainer_state.json"} {
		if !bytes.Equal(m.read(a, "final", file), m.read(b, "final", file)) {
			m.t.Errorf("%s differs", file)
		}
	}
}

// Two processes train, one is asked to stop, three go on, and the adapter, the optimizer's state and all figures are those of a process
// alone.
func TestProcesses_ComputeTheSameBytes(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	const steps = 12
	m.must(trainFlagsOf("alone", steps)...)
	var out bytes.Buffer
	two := m.start(&out, trainFlagsOf("shared", steps), trainFlagsOf("shared", steps))
	m.signal(1, syscall.SIGTERM, "shared", 3)
	if err := two.Wait(); err == nil {
		t.Logf("the run had ended before it was stopped")
	} else if text := out.String(); !strings.Contains(text, "saved as shared/checkpoint-") || strings.Contains(text, "rank 1") {
		t.Fatalf("two processes: %v\n%s", err, text)
	}
	if text, err := m.run(3, "train", "--resume", "--output-dir", "shared"); err != nil {
		t.Fatalf("three processes: %v\n%s", err, text)
	} else if strings.Count(text, "the adapter is in") != 1 {
		t.Errorf("not one process reports:\n%s", text)
	}
	m.sameAdapters("shared", "alone")
	evaluations := func(folder string) (list []string) {
		for _, e := range m.events(folder) {
			if strings.Contains(e, "evaluation") {
				list = append(list, e)
			}
		}
		return list
	}
	if got, want := evaluations("shared"), evaluations("alone"); !slices.Equal(got, want) || len(want) != 1+steps/4 {
		t.Errorf("evaluations are %q, want %q", got, want)
	}
}

// What differs between the processes, or keeps one from starting, is said once, before the first step.
func TestProcesses_RefuseDifferentRuns(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	lists := [][]string{append(trainFlagsOf("refused", 2), "--learning-rate", "1e-3"), append(trainFlagsOf("refused", 2), "--learning-rate", "2e-3")}
	var out bytes.Buffer
	err := m.start(&out, lists...).Wait()
	if text := out.String(); err == nil || strings.Count(text, "rank 1 differs from rank 0: options ") != 1 {
		t.Errorf("%v\n%s", err, text)
	}
	out.Reset()
	missing := append([]string{}, trainFlagsOf("refused", 2)...)
	missing[4] = "nothing.jsonl"
	err = m.start(&out, trainFlagsOf("refused", 2), missing).Wait()
	if text := out.String(); err == nil || strings.Count(text, "vqctl: ") != 1 || !strings.Contains(text, "vqctl: rank 1: cannot open the window file") {
		t.Errorf("%v\n%s", err, text)
	}
	if _, err := os.Stat(filepath.Join(m.dir, "refused", "run.json")); err == nil {
		t.Error("a run began")
	}
}

// A process that hangs is named, together with the last checkpoint, and the others stop.
func TestProcesses_NoticeOneThatHangs(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	m.environment = append(m.environment, patienceVariable+"=2")
	var out bytes.Buffer
	two := m.start(&out, trainFlagsOf("hung", 500), trainFlagsOf("hung", 500))
	m.signal(1, syscall.SIGSTOP, "hung", 3)
	err := two.Wait()
	if text := out.String(); err == nil || !strings.Contains(text, "rank 1 has not answered for") || !strings.Contains(text, "the last checkpoint is hung/checkpoint-") {
		t.Errorf("%v\n%s", err, text)
	}
}

// A run that loses processes at any moment goes on with any number of them, and ends as if nothing had happened.
func TestProcesses_KilledGoOn(t *testing.T) {
	if os.Getenv("VQ_SOAK") == "" {
		t.Skip("kills many runs: make soak")
	}
	m := newTeam(t)
	const steps = 40
	whole := m.must(trainFlagsOf("whole", steps)...)
	for range rounds(10) {
		args := trainFlagsOf("killed", steps)
		if _, err := os.Stat(m.path("killed", "run.json")); err == nil {
			args = []string{"train", "--resume", "--output-dir", "killed"}
		}
		n := 2 + m.random.IntN(3)
		lists := make([][]string, n)
		for i := range lists {
			lists[i] = args
		}
		var out bytes.Buffer
		c := m.start(&out, lists...)
		time.Sleep(time.Duration(m.random.Int64N(int64(whole) + int64(3*time.Second))))
		if id, err := strconv.Atoi(strings.TrimSpace(string(m.read(fmt.Sprintf("pid%d", m.random.IntN(n)))))); err == nil {
			_ = syscall.Kill(id, syscall.SIGKILL)
		}
		begin := time.Now()
		_ = c.Wait()
		if took := time.Since(begin); took > time.Minute {
			t.Errorf("the others went on for %v", took)
		}
	}
	args := []string{"train", "--resume", "--output-dir", "killed"}
	if _, err := os.Stat(m.path("killed", "run.json")); err != nil {
		args = trainFlagsOf("killed", steps)
	}
	if text, err := m.run(2, args...); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	m.sameAdapters("killed", "whole")
}

// Of several processes that a launcher starts with another command than train, one works and the others end at once.
func TestProcesses_OtherCommandsRunOnce(t *testing.T) {
	t.Parallel()
	k := newKiller(t, t.TempDir())
	for rank, want := range map[string]string{"0": "vqctl", "1": ""} {
		c := command(k.dir, append(k.environment, "PMI_RANK="+rank, "PMI_SIZE=2"), "--version")
		var said bytes.Buffer
		c.Stderr = &said
		out, err := c.Output()
		if err != nil || !strings.HasPrefix(string(out), want) || want == "" && len(out)+said.Len() > 0 {
			t.Errorf("rank %s: %v, %q, %q", rank, err, out, said.String())
		}
		if notes := strings.Contains(said.String(), "the first one does everything"); notes != (rank == "0") {
			t.Errorf("rank %s says %q", rank, said.String())
		}
	}
}
