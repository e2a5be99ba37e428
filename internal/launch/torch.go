package launch

import "strings"

// torch reads what torchrun, PyTorch's operators and scripts set. mpi is what an MPI launcher says, or nil.
func (e environment) torch(mpi *claim) (*claim, error) {
	if e.first("RANK", "WORLD_SIZE") == "" {
		return nil, nil
	}
	c, err := e.place(ByHand, "RANK", "WORLD_SIZE")
	if err != nil {
		return nil, err
	}
	elastic := e.has("TORCHELASTIC_RUN_ID")
	if elastic {
		c.Launcher = Torchrun
	}
	c.Master = e.text("MASTER_ADDR")
	if err := e.torchLocal(c); err != nil {
		return nil, err
	}
	if c, err = c.check(); err != nil || mpi == nil || mpi.World == 1 {
		return c, err
	}
	if elastic && e.isNested(mpi) {
		return c, nil
	}
	return mpi, agree(c, mpi)
}

// torchLocal reads LOCAL_RANK. Kubeflow's PyTorchJob and scripts that start one process per machine do not set it; if rank 0 is on
// this machine by name, so are all others.
func (e environment) torchLocal(c *claim) error {
	switch {
	case e.has("LOCAL_RANK"):
		return e.local(c, "LOCAL_RANK", "LOCAL_WORLD_SIZE")
	case isLocal(c.Master):
		c.LocalRank, c.LocalWorld = c.Rank, c.World
	default:
		c.LocalWorld = 1
	}
	return nil
}

// isNested reports whether the MPI launcher started torchrun itself, once per machine.
func (e environment) isNested(mpi *claim) bool {
	group, err := e.number("GROUP_RANK", 0)
	if err != nil {
		return false
	}
	groups, err := e.number("GROUP_WORLD_SIZE", 1)
	return err == nil && group == mpi.Rank && groups == mpi.World
}

// nodes reads the variables of platforms that run one command per machine and start no process per GPU: SkyPilot's run section and
// the containers of Kubeflow's torch runtime. Where machines have several GPUs each, that command must be a launcher.
func (e environment) nodes() (*claim, error) {
	switch {
	case e.has("SKYPILOT_NODE_RANK"):
		c, err := e.place(SkyPilot, "SKYPILOT_NODE_RANK", "SKYPILOT_NUM_NODES")
		if err != nil {
			return nil, err
		}
		if ips := strings.Fields(e.text("SKYPILOT_NODE_IPS")); len(ips) > 0 {
			c.Master = ips[0]
		}
		return e.onePerNode(c, "SKYPILOT_NUM_GPUS_PER_NODE")
	case e.has("PET_NODE_RANK"):
		c, err := e.place(Kubeflow, "PET_NODE_RANK", "PET_NNODES")
		if err != nil {
			return nil, err
		}
		c.Master = e.text("PET_MASTER_ADDR")
		return e.onePerNode(c, "PET_NPROC_PER_NODE")
	}
	return nil, nil
}

// onePerNode returns c unless machines have several GPUs, all but one of which would idle.
func (e environment) onePerNode(c *claim, perNode string) (*claim, error) {
	c.LocalWorld = 1
	if c.World > 1 && e.has(perNode) && e.text(perNode) != "1" && e.text(perNode) != "0" {
		return nil, oneOfSeveral(c, perNode, e.text(perNode))
	}
	return c.check()
}
