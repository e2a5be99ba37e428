package launch

import (
	"fmt"
	"strconv"
	"strings"

	"ventriloquist/internal/usererr"
)

// slurm reads the variables of a job step, which srun starts. In a batch script itself, SLURM_PROCID and SLURM_NTASKS are set as well,
// but no task besides the script runs: a process there is alone.
func (e environment) slurm() (*claim, error) {
	if !e.has("SLURM_STEP_ID") || e.first("SLURM_PROCID", "SLURM_NTASKS", "SLURM_STEP_NUM_TASKS") == "" {
		return nil, nil
	}
	// SLURM_NTASKS is the step's number of tasks for those that srun starts, but the job's in an interactive step.
	world := e.first("SLURM_STEP_NUM_TASKS", "SLURM_NTASKS")
	if world == "" {
		world = "SLURM_NTASKS"
	}
	c, err := e.place(Slurm, "SLURM_PROCID", world)
	if err != nil {
		return nil, err
	}
	nodes := e.first("SLURM_STEP_NODELIST", "SLURM_JOB_NODELIST", "SLURM_NODELIST")
	if nodes != "" {
		if c.Master, err = firstHost(e.text(nodes)); err != nil {
			return nil, fmt.Errorf("%s=%s: %w", nodes, strconv.Quote(e.text(nodes)), err)
		}
	}
	if !e.has("SLURM_LOCALID") {
		return nil, usererr.With(fmt.Errorf("SLURM_PROCID is set, but SLURM_LOCALID is not"), "srun sets both; start the ranks with srun")
	}
	if err := e.local(c, "SLURM_LOCALID", ""); err != nil {
		return nil, err
	}
	if err := e.tasksHere(c); err != nil {
		return nil, err
	}
	return c.check()
}

// tasksHere reads how many of the step's tasks this machine has.
func (e environment) tasksHere(c *claim) error {
	name := e.first("SLURM_STEP_TASKS_PER_NODE", "SLURM_TASKS_PER_NODE")
	if name == "" || !e.has("SLURM_NODEID") {
		return nil
	}
	node, err := e.number("SLURM_NODEID", 0)
	if err != nil {
		return err
	}
	counts, err := tasksPerNode(e.text(name))
	if err != nil {
		return fmt.Errorf("%s=%s: %w", name, strconv.Quote(e.text(name)), err)
	}
	for _, count := range counts {
		if node < count.nodes {
			c.LocalWorld = count.tasks
			return nil
		}
		node -= count.nodes
	}
	return impossible("SLURM_NODEID=%s, but %s=%s has fewer machines", e.text("SLURM_NODEID"), name, e.text(name))
}

// taskCount says that so many machines in a row have so many tasks each.
type taskCount struct{ tasks, nodes int }

// tasksPerNode parses "4(x2),3": two machines with four tasks, one with three.
func tasksPerNode(list string) (counts []taskCount, err error) {
	for item := range strings.SplitSeq(list, ",") {
		tasks, repeat, repeated := strings.Cut(item, "(x")
		count := taskCount{nodes: 1}
		if repeated {
			if count.nodes, err = strconv.Atoi(strings.TrimSuffix(repeat, ")")); err != nil || count.nodes < 1 {
				return nil, fmt.Errorf("%q is not tasks(xmachines)", item)
			}
		}
		if count.tasks, err = strconv.Atoi(tasks); err != nil || count.tasks < 1 {
			return nil, fmt.Errorf("%q is not a number of tasks", item)
		}
		counts = append(counts, count)
	}
	return counts, nil
}

// firstHost returns the first host of Slurm's short form of a list: "gpu[03-05,9],login" is gpu03 first.
func firstHost(list string) (string, error) {
	var host strings.Builder
	for rest := list; rest != ""; {
		plain := strings.IndexAny(rest, "[,")
		if plain < 0 {
			host.WriteString(rest)
			break
		}
		host.WriteString(rest[:plain])
		if rest[plain] == ',' {
			break
		}
		inside, after, closed := strings.Cut(rest[plain+1:], "]")
		if !closed {
			return "", fmt.Errorf("the bracket is not closed")
		}
		number := inside
		if end := strings.IndexAny(inside, ",-"); end >= 0 {
			number = inside[:end]
		}
		if _, err := strconv.ParseUint(number, 10, 64); err != nil {
			return "", fmt.Errorf("[%s] is not a range of numbers", inside)
		}
		host.WriteString(number)
		rest = after
	}
	if host.Len() == 0 {
		return "", fmt.Errorf("it names no host")
	}
	return host.String(), nil
}
