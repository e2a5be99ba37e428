// Package launch finds out whether this process is one of several that a launcher started: torchrun, mpirun, srun.
//
// In: environment variables. Out: the process's rank, the number of ranks, both also on this machine, and the host of rank 0.
// It must not know: how ranks exchange data, what they compute, flags.
package launch

import (
	"fmt"
	"strings"

	"ventriloquist/internal/usererr"
)

// Launchers as Process.Launcher names them.
const (
	Torchrun = "torchrun"
	OpenMPI  = "Open MPI"
	Hydra    = "MPICH or Intel MPI"
	Slurm    = "Slurm"
	SkyPilot = "SkyPilot"
	Kubeflow = "Kubeflow"
	ByHand   = "RANK and WORLD_SIZE" // set by a script or by an operator that starts one process per machine
)

// Process is a process's place among those that were started together.
type Process struct {
	Launcher   string // "" if it is alone
	Rank       int    // 0 <= Rank < World
	World      int    // number of ranks
	LocalRank  int    // the same among the ranks of this machine
	LocalWorld int
	Master     string // host of rank 0, "" where the launcher does not say it
}

// Alone is a process that no launcher started, or the only one that it started.
var Alone = Process{World: 1, LocalWorld: 1}

// IsAlone reports whether there are no other ranks.
func (p Process) IsAlone() bool { return p.World == 1 }

// UsesMPI reports whether an MPI launcher started the process, so that MPI_Init finds the other ranks.
func (p Process) UsesMPI() bool {
	return p.Launcher == OpenMPI || p.Launcher == Hydra || p.Launcher == Slurm
}

// String says the rank and the launcher: "rank 3 of 4 (local rank 1 of 2), started by Slurm". Ranks count from 0.
func (p Process) String() string {
	if p.IsAlone() {
		return "the only process"
	}
	return fmt.Sprintf("rank %d of %d (local rank %d of %d), started by %s", p.Rank, p.World, p.LocalRank, p.LocalWorld, p.launcherWords())
}

func (p Process) launcherWords() string {
	switch p.Launcher {
	case OpenMPI, Hydra:
		return "mpirun (" + p.Launcher + ")"
	case ByHand:
		return "a script that sets " + ByHand
	}
	return p.Launcher
}

// claim is what one launcher's variables say.
type claim struct {
	Process
	rankName, localName string // the variables that Rank and LocalRank come from
}

// FromEnvironment returns the place that the environment gives this process. Launchers nest: Slurm may have started mpirun or
// torchrun, which started this process. The innermost one counts. Two that may not nest must agree.
func FromEnvironment(getenv func(string) string) (Process, error) {
	env := environment{getenv}
	c, err := env.innermost()
	if err != nil {
		return Process{}, err
	}
	if c == nil || c.World == 1 {
		return Alone, nil
	}
	if env.has("MASTER_ADDR") {
		c.Master = env.text("MASTER_ADDR")
	}
	return c.Process, nil
}

// innermost returns what the launcher nearest to this process says, or nil without one.
func (e environment) innermost() (*claim, error) {
	slurm, slurmErr := e.slurm()
	mpi, err := e.mpi(slurm)
	if err != nil {
		return nil, err
	}
	torch, err := e.torch(mpi)
	switch {
	case err != nil:
		return nil, err
	case torch != nil:
		return torch, nil
	case mpi != nil:
		if mpi.Master == "" { // mpirun places rank 0 on the first machine of the job
			mpi.Master, _ = firstHost(e.text("SLURM_JOB_NODELIST"))
		}
		return mpi, nil
	case slurmErr != nil || slurm != nil: // of no interest to those that mpirun or torchrun started
		return slurm, slurmErr
	}
	return e.nodes()
}

// check returns c unless its numbers are impossible.
func (c *claim) check() (*claim, error) {
	switch {
	case c.Rank >= c.World:
		return nil, impossible("%s=%d, but there are %d ranks, counted from 0", c.rankName, c.Rank, c.World)
	case c.LocalWorld > c.World:
		return nil, impossible("%s=%d: this machine has %d ranks, but there are %d in all", c.rankName, c.Rank, c.LocalWorld, c.World)
	case c.LocalRank >= c.LocalWorld:
		return nil, impossible("%s=%d, but this machine has %d ranks, counted from 0", c.localName, c.LocalRank, c.LocalWorld)
	}
	return c, nil
}

// agree returns an error if two launchers give the process different places.
func agree(a, b *claim) error {
	if a.Rank != b.Rank || a.World != b.World {
		return impossible("%s says rank %d of %d, but %s says rank %d of %d", a.rankName, a.Rank, a.World, b.rankName, b.Rank, b.World)
	}
	if a.localName != "" && b.localName != "" && a.LocalRank != b.LocalRank {
		return impossible("%s=%d contradicts %s=%d", a.localName, a.LocalRank, b.localName, b.LocalRank)
	}
	return nil
}

func impossible(format string, args ...any) error {
	return usererr.With(fmt.Errorf("the launcher's environment contradicts itself: "+format, args...),
		"start all ranks with one launcher; to train with this process alone, unset these variables")
}

// isLocal reports whether a host's name means the machine itself.
func isLocal(host string) bool {
	return host == "localhost" || host == "::1" || strings.HasPrefix(host, "127.")
}
