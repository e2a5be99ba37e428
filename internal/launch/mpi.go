package launch

import (
	"fmt"

	"ventriloquist/internal/usererr"
)

// mpi reads what Open MPI, or Hydra (MPICH, Intel MPI) sets. slurm is the job step, or nil: srun sets PMI_RANK itself, for the
// processes that it starts.
func (e environment) mpi(slurm *claim) (*claim, error) {
	pmi, err := e.pmi()
	if err != nil {
		return nil, err
	}
	if pmi != nil && slurm != nil && pmi.Rank == slurm.Rank && pmi.World == slurm.World {
		pmi = nil
	}
	if e.first("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE") == "" {
		if pmi == nil && slurm == nil && e.has("PMIX_RANK") {
			return nil, e.pmixAlone()
		}
		return pmi, nil
	}
	c, err := e.openMPI()
	if err != nil || pmi == nil || pmi.World == 1 {
		return c, err
	}
	return c, agree(c, pmi)
}

func (e environment) openMPI() (*claim, error) {
	c, err := e.place(OpenMPI, "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE")
	if err != nil {
		return nil, err
	}
	if err := e.local(c, "OMPI_COMM_WORLD_LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_SIZE"); err != nil {
		return nil, err
	}
	c.masterIfHere()
	return c.check()
}

// pmi reads the variables of MPICH's process managers. mpiexec.gforker sets no local rank: it starts all ranks on this machine.
func (e environment) pmi() (*claim, error) {
	if e.first("PMI_RANK", "PMI_SIZE") == "" {
		return nil, nil
	}
	c, err := e.place(Hydra, "PMI_RANK", "PMI_SIZE")
	if err != nil {
		return nil, err
	}
	switch name := e.first("MPI_LOCALRANKID", "PMI_LOCAL_RANK"); name {
	case "":
		c.LocalRank, c.LocalWorld = c.Rank, c.World
	case "MPI_LOCALRANKID":
		err = e.local(c, name, "MPI_LOCALNRANKS")
	default:
		err = e.local(c, name, "PMI_LOCAL_SIZE")
	}
	if err != nil {
		return nil, err
	}
	c.masterIfHere()
	return c.check()
}

// pmixAlone returns the error for a launcher that sets PMIx variables only, which do not say the number of ranks.
func (e environment) pmixAlone() error {
	return usererr.With(fmt.Errorf("PMIX_RANK=%s is set, but nothing says how many ranks there are", e.text("PMIX_RANK")),
		"start the ranks with mpirun of Open MPI or MPICH, or with srun; to train with this process alone, unset PMIX_RANK")
}

// masterIfHere sets the host of rank 0 if all ranks are on this machine: MPI launchers do not say it otherwise.
func (c *claim) masterIfHere() {
	if c.LocalWorld == c.World {
		c.Master = "localhost"
	}
}

// oneOfSeveral returns the error for a platform that started one process on machines with several GPUs.
func oneOfSeveral(c *claim, perNode, gpus string) error {
	return usererr.With(fmt.Errorf("%s started one process on each of %d machines, but %s=%s", c.Launcher, c.World, perNode, gpus),
		"start one process per GPU with torchrun or mpirun; the files in deploy do")
}
