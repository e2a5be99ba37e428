package main

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v3"

	"ventriloquist/internal/load/memplan"
	"ventriloquist/internal/terminal"
	"ventriloquist/internal/usererr"
)

// mostProcesses is the largest number of machines, and of GPUs per machine, that a plan is made for.
const mostProcesses = 1024

// clusterOf returns the cluster that the flags of a dry run describe, without machines for one process.
func clusterOf(c *cli.Command, gpu memplan.GPU) (memplan.Cluster, error) {
	nodes, perNode := c.Int("nodes"), c.Int("gpus-per-node")
	switch {
	case !c.IsSet("nodes") && !c.IsSet("gpus-per-node") && !c.IsSet("network"):
		return memplan.Cluster{}, nil
	case gpu.Name == "":
		return memplan.Cluster{}, usererr.With(usererr.Usage("--nodes, --gpus-per-node and --network need --gpu-type"), "name the card, such as --gpu-type h100")
	case nodes < 1 || nodes > mostProcesses:
		return memplan.Cluster{}, usererr.Usage("--nodes %d is not between 1 and %d", nodes, mostProcesses)
	case perNode < 1 || perNode > mostProcesses:
		return memplan.Cluster{}, usererr.Usage("--gpus-per-node %d is not between 1 and %d", perNode, mostProcesses)
	case nodes > 1 && !c.IsSet("network"):
		return memplan.Cluster{}, usererr.With(usererr.Usage("--nodes %d needs --network", nodes), "give the rate of the network between the machines, such as --network 100g")
	case nodes == 1 && c.IsSet("network"):
		return memplan.Cluster{}, usererr.With(usererr.Usage("--network needs --nodes"), "one machine uses no network: add --nodes 2, or omit --network")
	}
	cluster := memplan.Cluster{Machines: nodes, PerMachine: perNode}
	cluster.Link, _ = gpu.Link()
	if nodes > 1 {
		rate, err := memplan.ParseNetwork(c.String("network"))
		if err != nil {
			return cluster, usererr.With(usererr.Usage("--network: %v", err), "write it in bits per second, such as 100g, 10GbE or 400Gb/s")
		}
		cluster.Network = rate
	}
	if cluster.Ranks() == 1 {
		return memplan.Cluster{}, nil
	}
	return cluster, nil
}

// times says how many GPUs a plan is for: "2 x 8 x " for two machines with eight each.
func (d *dryRun) times() string {
	switch {
	case d.Nodes == 0:
		return ""
	case d.Nodes == 1:
		return fmt.Sprintf("%d x ", d.PerNode)
	}
	return fmt.Sprintf("%d x %d x ", d.Nodes, d.PerNode)
}

// printCluster shows what communication makes of a step. The memory that was printed is that of each GPU.
func printCluster(out io.Writer, s *memplan.ClusterStep) {
	if s == nil {
		return
	}
	fmt.Fprintf(out, "  %d processes are %.1f times as fast as one, %.0f%% of what they could be; what limits them: %s\n",
		s.Ranks, s.Speedup, 100*s.Efficiency(), s.Limit())
	fmt.Fprintf(out, "  a step: %s s of arithmetic in %s of micro-batches, then %s s of communication (%s on the network, %s on the links of a machine)\n",
		oneDecimal(s.Compute), terminal.Quantity(s.Rounds, "round"), oneDecimal(s.Exchange()), seconds(s.Network), seconds(s.Link))
	if s.Idle > 0 {
		fmt.Fprintf(out, "  %s idle in the last round: use a multiple of %d for --gradient-accumulation-steps\n", terminal.Quantity(s.Idle, "GPU"), s.Ranks)
	}
}

func seconds(s float64) string { return oneDecimal(s) + " s" }
