package launch

import (
	"os"
	"strings"
	"testing"

	"ventriloquist/internal/usererr"
)

// environments returns the sections of testdata/environments.txt: what launchers set, recorded in a process of the highest rank.
func environments(t *testing.T) map[string]map[string]string {
	t.Helper()
	data, err := os.ReadFile("testdata/environments.txt")
	if err != nil {
		t.Fatal(err)
	}
	sections := map[string]map[string]string{}
	var section map[string]string
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSuffix(line, "\n")
		if title, ok := strings.CutPrefix(line, "-- "); ok {
			section = map[string]string{}
			sections[strings.TrimSuffix(title, " --")] = section
		} else if name, value, ok := strings.Cut(line, "="); ok {
			section[name] = value
		}
	}
	return sections
}

func from(env map[string]string) (Process, error) {
	return FromEnvironment(func(name string) string { return env[name] })
}

// variables parses "A=1 B=2".
func variables(text string) map[string]string {
	env := map[string]string{}
	for _, pair := range strings.Split(text, " ") {
		name, value, _ := strings.Cut(pair, "=")
		env[name] = value
	}
	return env
}

func TestFromEnvironment_RecordedLaunchers(t *testing.T) {
	t.Parallel()
	want := map[string]Process{
		"Open MPI 4.1, mpirun -n 2":                             {OpenMPI, 1, 2, 1, 2, "localhost"},
		"MPICH 5, mpiexec -n 2":                                 {Hydra, 1, 2, 1, 2, "localhost"},
		"MPICH 5, mpiexec.gforker -n 2":                         {Hydra, 1, 2, 1, 2, "localhost"},
		"torchrun --nproc-per-node 2":                           {Torchrun, 1, 2, 1, 2, "localhost"},
		"Slurm 22.05, batch script of 4 tasks":                  Alone,
		"Slurm 22.05, salloc of 4 tasks":                        Alone,
		"Slurm 22.05, srun of 4 tasks on 2 machines":            {Slurm, 3, 4, 1, 2, "node01"},
		"Slurm 22.05, srun --mpi=pmi2 of 4 tasks on 2 machines": {Slurm, 3, 4, 1, 2, "node01"},
		"Slurm 22.05, srun -n1 in a job of 4 tasks":             Alone,
		"mpirun of Open MPI in a batch script, 2 machines":      {OpenMPI, 3, 4, 1, 2, "node01"},
		"mpiexec of MPICH in a batch script, 2 machines":        {Hydra, 3, 4, 1, 2, "node01"},
		"torchrun started by srun, 2 machines":                  {Torchrun, 3, 4, 1, 2, "127.0.0.1"},
	}
	recorded := environments(t)
	if len(recorded) != len(want) {
		t.Errorf("%d environments are recorded, %d are checked", len(recorded), len(want))
	}
	for name, process := range want {
		if got, err := from(recorded[name]); err != nil || got != process {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, process)
		}
	}
}

func TestFromEnvironment_OtherLaunchers(t *testing.T) {
	t.Parallel()
	for env, want := range map[string]Process{
		"HOME=/":              Alone,
		"RANK= WORLD_SIZE=":   Alone,
		"RANK=0 WORLD_SIZE=1": Alone,
		"RANK=1 WORLD_SIZE=4 LOCAL_RANK=1 MASTER_ADDR=a":                                             {ByHand, 1, 4, 1, 2, "a"},
		"RANK=2 WORLD_SIZE=3 MASTER_ADDR=job-master-0":                                               {ByHand, 2, 3, 0, 1, "job-master-0"}, // Kubeflow's PyTorchJob
		"RANK=2 WORLD_SIZE=3 MASTER_ADDR=127.0.0.1":                                                  {ByHand, 2, 3, 2, 3, "127.0.0.1"},
		"PMI_RANK=5 PMI_SIZE=8 MPI_LOCALRANKID=1 MPI_LOCALNRANKS=4":                                  {Hydra, 5, 8, 1, 4, ""},
		"PMI_RANK=5 PMI_SIZE=8 PMI_LOCAL_RANK=1 PMI_LOCAL_SIZE=4 MASTER_ADDR=n1":                     {Hydra, 5, 8, 1, 4, "n1"},
		"SLURM_PROCID=2 SLURM_NTASKS=3 SLURM_LOCALID=0 SLURM_STEP_ID=0 SLURM_JOB_NODELIST=n[07-08]x": {Slurm, 2, 3, 0, 1, "n07x"},
		"SKYPILOT_NODE_RANK=1 SKYPILOT_NUM_NODES=2 SKYPILOT_NODE_IPS=10.0.0.4\n10.0.0.5":             {SkyPilot, 1, 2, 0, 1, "10.0.0.4"},
		"SKYPILOT_NODE_RANK=0 SKYPILOT_NUM_NODES=1 SKYPILOT_NUM_GPUS_PER_NODE=8":                     Alone,
		"PET_NODE_RANK=1 PET_NNODES=2 PET_NPROC_PER_NODE=1 PET_MASTER_ADDR=job-node-0-0.job":         {Kubeflow, 1, 2, 0, 1, "job-node-0-0.job"},
		// mpirun in an interactive step of one task, whose plugin sets PMI variables, too.
		"OMPI_COMM_WORLD_RANK=3 OMPI_COMM_WORLD_SIZE=4 OMPI_COMM_WORLD_LOCAL_RANK=3 OMPI_COMM_WORLD_LOCAL_SIZE=4 PMI_RANK=0 PMI_SIZE=1": {OpenMPI, 3, 4, 3, 4, "localhost"},
		// A script below mpirun that sets PyTorch's variables from Open MPI's.
		"OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=2 OMPI_COMM_WORLD_LOCAL_RANK=0 OMPI_COMM_WORLD_LOCAL_SIZE=1 RANK=1 WORLD_SIZE=2 LOCAL_RANK=0 MASTER_ADDR=n1": {OpenMPI, 1, 2, 0, 1, "n1"},
		// mpirun starts torchrun once per machine.
		"OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=2 OMPI_COMM_WORLD_LOCAL_RANK=0 OMPI_COMM_WORLD_LOCAL_SIZE=1 TORCHELASTIC_RUN_ID=a RANK=5 WORLD_SIZE=8 LOCAL_RANK=1 LOCAL_WORLD_SIZE=4 GROUP_RANK=1 GROUP_WORLD_SIZE=2 MASTER_ADDR=n1": {Torchrun, 5, 8, 1, 4, "n1"},
		// Slurm's variables of the daemons do not matter to those that mpirun started.
		"SLURM_STEP_ID=0 SLURM_PROCID=7 SLURM_NTASKS=2 PMI_RANK=1 PMI_SIZE=2": {Hydra, 1, 2, 1, 2, "localhost"},
	} {
		if got, err := from(variables(env)); err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", env, got, err, want)
		}
	}
}

func TestFromEnvironment_RefusesImpossible(t *testing.T) {
	t.Parallel()
	for env, names := range map[string]string{
		"RANK=4 WORLD_SIZE=4 LOCAL_RANK=0":       "RANK=4 4 ranks",
		"RANK=1":                                 "RANK WORLD_SIZE",
		"WORLD_SIZE=2":                           "RANK WORLD_SIZE",
		"RANK=-1 WORLD_SIZE=2":                   `RANK="-1"`,
		"RANK=0 WORLD_SIZE=0":                    `WORLD_SIZE="0"`,
		"RANK=0 WORLD_SIZE=two":                  `WORLD_SIZE="two"`,
		"RANK=0 WORLD_SIZE=99999999999999999999": "WORLD_SIZE",
		"RANK=0 WORLD_SIZE=4 LOCAL_RANK=2 LOCAL_WORLD_SIZE=2":                                 "LOCAL_RANK=2",
		"RANK=0 WORLD_SIZE=2 LOCAL_RANK=0 LOCAL_WORLD_SIZE=4":                                 "4 ranks",
		"RANK=0 WORLD_SIZE=2 LOCAL_RANK=x":                                                    `LOCAL_RANK="x"`,
		"OMPI_COMM_WORLD_RANK=0 OMPI_COMM_WORLD_SIZE=2":                                       "OMPI_COMM_WORLD_LOCAL_RANK",
		"OMPI_COMM_WORLD_SIZE=2":                                                              "OMPI_COMM_WORLD_RANK",
		"PMI_RANK=2 PMI_SIZE=2":                                                               "PMI_RANK=2",
		"PMIX_RANK=2":                                                                         "PMIX_RANK=2",
		"SLURM_STEP_ID=0 SLURM_PROCID=1":                                                      "SLURM_NTASKS",
		"SLURM_STEP_ID=0 SLURM_PROCID=3 SLURM_NTASKS=2 SLURM_LOCALID=0":                       "SLURM_PROCID=3",
		"SLURM_STEP_ID=0 SLURM_PROCID=1 SLURM_NTASKS=2":                                       "SLURM_LOCALID",
		"SLURM_STEP_ID=0 SLURM_PROCID=1 SLURM_NTASKS=2 SLURM_LOCALID=0 SLURM_JOB_NODELIST=n[": "SLURM_JOB_NODELIST",
		"SLURM_STEP_ID=0 SLURM_PROCID=1 SLURM_NTASKS=2 SLURM_LOCALID=0 SLURM_NODEID=2 SLURM_TASKS_PER_NODE=1(x2)":     "SLURM_NODEID=2",
		"SLURM_STEP_ID=0 SLURM_PROCID=1 SLURM_NTASKS=2 SLURM_LOCALID=0 SLURM_NODEID=0 SLURM_TASKS_PER_NODE=1(y2)":     "SLURM_TASKS_PER_NODE",
		"SKYPILOT_NODE_RANK=0 SKYPILOT_NUM_NODES=2 SKYPILOT_NUM_GPUS_PER_NODE=8":                                      "SkyPilot SKYPILOT_NUM_GPUS_PER_NODE=8",
		"SKYPILOT_NODE_RANK=2 SKYPILOT_NUM_NODES=2":                                                                   "SKYPILOT_NODE_RANK=2",
		"PET_NODE_RANK=0 PET_NNODES=1:4":                                                                              `PET_NNODES="1:4"`,
		"RANK=0 WORLD_SIZE=2 LOCAL_RANK=0 OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=2 OMPI_COMM_WORLD_LOCAL_RANK=1": "RANK OMPI_COMM_WORLD_RANK",
		"RANK=1 WORLD_SIZE=2 LOCAL_RANK=0 OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=2 OMPI_COMM_WORLD_LOCAL_RANK=1": "LOCAL_RANK=0 OMPI_COMM_WORLD_LOCAL_RANK=1",
		"PMI_RANK=0 PMI_SIZE=2 OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=2 OMPI_COMM_WORLD_LOCAL_RANK=1":            "PMI_RANK OMPI_COMM_WORLD_RANK",
	} {
		got, err := from(variables(env))
		if err == nil {
			t.Errorf("%s: accepted as %v", env, got)
			continue
		}
		for _, name := range strings.Split(names, " ") {
			if !strings.Contains(err.Error(), name) {
				t.Errorf("%s: %q does not name %s", env, err, name)
			}
		}
		if usererr.Of(err) == "" && !strings.Contains(env, "NODELIST") && !strings.Contains(env, "(y2)") {
			t.Errorf("%s: %q has no hint", env, err)
		}
	}
}

func TestProcess_StringSaysLauncherAndRank(t *testing.T) {
	t.Parallel()
	for want, p := range map[string]Process{
		"the only process": Alone,
		"rank 3 of 4 (local rank 1 of 2), started by Slurm":                                  {Slurm, 3, 4, 1, 2, "n"},
		"rank 0 of 2 (local rank 0 of 2), started by mpirun (Open MPI)":                      {OpenMPI, 0, 2, 0, 2, ""},
		"rank 0 of 2 (local rank 0 of 1), started by a script that sets RANK and WORLD_SIZE": {ByHand, 0, 2, 0, 1, ""},
	} {
		if p.String() != want {
			t.Errorf("%q, want %q", p, want)
		}
	}
}

func TestFirstHost(t *testing.T) {
	t.Parallel()
	for list, want := range map[string]string{
		"a": "a", "a,b": "a", "gpu[03-05,9],login": "gpu03", "rack[1-2]node[007-9]": "rack1node007", "a-b[12].example.com": "a-b12.example.com", "n[5,2]": "n5",
	} {
		if got, err := firstHost(list); got != want || err != nil {
			t.Errorf("%s: %q, %v; want %q", list, got, err, want)
		}
	}
	for _, list := range []string{"", ",", "n[", "n[]", "n[a-b]"} {
		if got, err := firstHost(list); err == nil {
			t.Errorf("%s: accepted as %q", list, got)
		}
	}
}
