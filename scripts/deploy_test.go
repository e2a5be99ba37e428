package scripts

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// sbatch runs deploy/slurm.sbatch as a batch script's shell would, with an srun that prints its arguments, one per line.
func sbatch(t *testing.T, env []string, args ...string) []string {
	t.Helper()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("needs bash")
	}
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "srun"), []byte("#!"+bash+"\nprintf '%s\\n' \"$@\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bash, append([]string{"../deploy/slurm.sbatch"}, args...)...)
	cmd.Env = append(env, "PATH="+bin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
}

func TestDeploy_SlurmPassesFlags(t *testing.T) {
	t.Parallel()
	got := sbatch(t, []string{"SLURM_CPUS_PER_TASK=8"}, "--base-model", "tiny", "--output-dir", "a b")
	want := []string{"--mpi=pmi2", "--cpus-per-task=8", "--kill-on-bad-exit=1", "vqctl", "train", "--base-model", "tiny", "--output-dir", "a b"}
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("srun %q, want %q", got, want)
	}
}

func TestDeploy_SlurmResumesWhenRequeued(t *testing.T) {
	t.Parallel()
	got := sbatch(t, []string{"SLURM_RESTART_COUNT=1", "VQCTL_SRUN_MPI=pmix", "VQCTL=/opt/vqctl"})
	want := []string{"--mpi=pmix", "--cpus-per-task=1", "--kill-on-bad-exit=1", "/opt/vqctl", "train", "--resume"}
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("srun %q, want %q", got, want)
	}
}

// The run section of deploy/skypilot.yaml starts all processes from the first machine, and nothing on the others.
func TestDeploy_SkyPilotStartsOnTheFirstNode(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../deploy/skypilot.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, script, found := strings.Cut(string(data), "\nrun: |\n")
	if !found {
		t.Fatal("there is no run section")
	}
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "mpirun"), []byte("#!/bin/sh\necho mpirun \"$@\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for rank, want := range map[string]string{"0": "mpirun --host 10.0.0.4:2,10.0.0.5:2 -np 4 --wdir / bin/vqctl train\n", "1": ""} {
		cmd := exec.Command("sh", "-c", script)
		cmd.Dir = "/"
		cmd.Env = []string{"PATH=" + bin + ":/usr/bin:/bin", "PWD=/", "SKYPILOT_NUM_NODES=2", "SKYPILOT_NODE_IPS=10.0.0.4\n10.0.0.5", "SKYPILOT_NODE_RANK=" + rank}
		out, err := cmd.CombinedOutput()
		if err != nil || string(out) != want {
			t.Errorf("rank %s: %v, %q; want %q", rank, err, out, want)
		}
	}
}
