package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"go.uber.org/zap"

	"ventriloquist/engine"
	"ventriloquist/internal/launch"
	"ventriloquist/internal/terminal"
	"ventriloquist/internal/usererr"
)

const (
	// mpiVariable names the file of the MPI library, where it is not found by itself.
	mpiVariable = "VQCTL_MPI"
	// patienceVariable has the seconds after which a process without a sign of life counts as dead.
	patienceVariable = "VQCTL_PATIENCE"
	defaultPatience  = 30.0
)

// runProcesses are the processes of a training run; nil for one process alone.
type runProcesses struct {
	place   launch.Process
	comm    *engine.Comm
	local   int // processes on this machine
	threads int // of this process, if that is not given
}

// joinProcesses joins the other processes that a launcher started with this one, if any. All but rank 0 are silent from then on.
func joinProcesses(ctx context.Context) (*runProcesses, context.Context, error) {
	place, err := launch.FromEnvironment(os.Getenv)
	if err != nil || place.IsAlone() {
		return nil, ctx, err
	}
	if place.Rank > 0 {
		ctx = silence(ctx, place.Rank)
	}
	if !place.UsesMPI() {
		return nil, ctx, usererr.With(fmt.Errorf("%s started %d processes, but processors work together by MPI alone", place.Launcher, place.World),
			"start the run with mpirun or srun")
	}
	comm, err := openMPI(place)
	if err != nil {
		return nil, ctx, err
	}
	p := &runProcesses{place: place, comm: comm}
	if comm.World() != place.World || comm.Rank() != place.Rank {
		err := fmt.Errorf("%s started %d processes, but the MPI library (%s) sees %d", place.Launcher, place.World, comm.Library(), comm.World())
		return p, ctx, usererr.With(err, "the launcher and the library must belong together: name the file of the library with %s", mpiVariable)
	}
	if err := p.shareProcessors(); err != nil {
		return p, ctx, err
	}
	notice("%d processes, started by %s, with %s", place.World, place.Launcher, comm.Library())
	return p, ctx, nil
}

// openMPI loads the MPI library that belongs to the launcher.
func openMPI(place launch.Process) (*engine.Comm, error) {
	patience, err := strconv.ParseFloat(os.Getenv(patienceVariable), 64)
	if err != nil || !(patience > 0) {
		patience = defaultPatience
	}
	if named := os.Getenv(mpiVariable); named != "" {
		comm, err := engine.OpenMPI(named, patience)
		if err != nil {
			err = fmt.Errorf("%s: %w", mpiVariable, err)
		}
		return comm, err
	}
	var failed error
	for _, library := range mpiLibraries(place) {
		comm, err := engine.OpenMPI(library, patience)
		if err == nil {
			return comm, nil
		}
		if failed == nil {
			failed = err
		}
	}
	return nil, usererr.With(fmt.Errorf("no MPI library can be loaded: %w", failed), "install the library that belongs to the launcher, or name its file with %s", mpiVariable)
}

// mpiLibraries lists where the MPI library of a launcher may be.
func mpiLibraries(place launch.Process) (list []string) {
	openMPI, mpich, standard := []string{"libmpi.so.40"}, []string{"libmpi.so.12", "libmpich.so.12"}, []string{"libmpi_abi.so.1"}
	if runtime.GOOS == "darwin" {
		openMPI, mpich, standard = []string{"libmpi.40.dylib"}, []string{"libmpi.12.dylib"}, []string{"libmpi_abi.1.dylib"}
	}
	var names []string
	switch place.Launcher {
	case launch.OpenMPI:
		names = slices.Concat(openMPI, standard)
	case launch.Slurm:
		names = slices.Concat(standard, openMPI, mpich)
	default:
		names = slices.Concat(mpich, standard)
	}
	for _, program := range []string{"mpiexec", "mpirun"} {
		list = append(list, besideProgram(program, names)...)
	}
	if place.Launcher == launch.OpenMPI {
		return append(names[:1:1], append(list, names...)...) // another MPI may be first in PATH
	}
	return append(list, names...)
}

// besideProgram returns which of the libraries are in the folder lib next to that of a program.
func besideProgram(program string, libraries []string) (list []string) {
	path, err := exec.LookPath(program)
	if err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	if err != nil {
		return nil
	}
	for _, name := range libraries {
		file := filepath.Join(filepath.Dir(filepath.Dir(path)), "lib", name)
		if _, err := os.Stat(file); err == nil {
			list = append(list, file)
		}
	}
	return list
}

// silenced is set in a process of several that is not rank 0.
var silenced bool

// silence keeps a process that is not rank 0 from printing anything but its own errors.
func silence(ctx context.Context, rank int) context.Context {
	screen = terminal.NewScreen(nil, nil)
	stdout, stderr = terminal.NewWriter(io.Discard), terminal.NewWriter(io.Discard)
	silenced, speaker = true, fmt.Sprintf("rank %d: ", rank)
	return context.WithValue(ctx, logKey{}, zap.NewNop())
}

// leads reports whether this process prints and writes files.
func (p *runProcesses) leads() bool { return p == nil || p.place.Rank == 0 }

func (p *runProcesses) communicator() *engine.Comm {
	if p == nil {
		return nil
	}
	return p.comm
}

func (p *runProcesses) world() int {
	if p == nil {
		return 1
	}
	return p.place.World
}

// leave ends the work with the other processes when everything is printed: if one of them does not leave in order, all are ended.
func (p *runProcesses) leave(err error) error {
	if p == nil || p.comm == nil {
		return err
	}
	exit = func(status int) {
		p.comm.Close()
		engine.Exit(status)
	}
	stopped := errors.Is(err, context.Canceled)
	if err == nil {
		return nil
	}
	if !stopped && !errors.Is(err, errAgreed) {
		p.comm.Fail(err.Error())
	}
	if !p.leads() && (stopped || errors.Is(err, engine.ErrPeer) || errors.Is(err, engine.ErrNotFinite) || errors.Is(err, errAgreed)) {
		speaker = "" // rank 0 says the same
	}
	return err
}

// errAgreed marks an error that all processes have: rank 0 prints it.
var errAgreed = errors.New("all processes have this error")

type agreedError struct{ error }

func (e agreedError) Is(target error) bool { return target == errAgreed }
func (e agreedError) Unwrap() error        { return e.error }

// fact is something that must be the same in all processes.
type fact struct{ Name, Value string }

// opinion is what a process brings to agree.
type opinion struct {
	Error, Advice string
	Facts         []fact
}

// agree returns an error if a process could not prepare the run, or prepared another one than rank 0. All processes get the same error.
func (p *runProcesses) agree(own error, facts []fact) error {
	if p == nil {
		return own
	}
	mine := opinion{Facts: facts}
	if own != nil {
		mine.Error, mine.Advice = own.Error(), usererr.Of(own)
	}
	text, err := json.Marshal(mine)
	if err != nil {
		return err
	}
	all, err := p.comm.AllGather(text)
	if err != nil {
		return err
	}
	opinions := make([]opinion, len(all))
	for rank := range all {
		if err := json.Unmarshal(all[rank], &opinions[rank]); err != nil {
			return fmt.Errorf("rank %d runs another version of vqctl", rank)
		}
	}
	if problem := compareOpinions(opinions); problem != nil {
		if own != nil && p.leads() {
			problem = own // with its kind, for the exit status
		}
		return agreedError{problem}
	}
	return nil
}

// compareOpinions returns the first problem in the opinions, by rank.
func compareOpinions(list []opinion) error {
	for rank, o := range list {
		if o.Error == "" {
			continue
		}
		err := errors.New(o.Error)
		if rank > 0 {
			err = fmt.Errorf("rank %d: %w", rank, err)
		}
		if o.Advice != "" {
			return usererr.With(err, "%s", o.Advice)
		}
		return err
	}
	for rank, o := range list {
		for i, f := range list[0].Facts {
			if i >= len(o.Facts) || o.Facts[i].Name != f.Name {
				return fmt.Errorf("rank %d runs another version of vqctl than rank 0", rank)
			}
			if o.Facts[i].Value != f.Value {
				err := fmt.Errorf("rank %d differs from rank 0: %s %s, and %s on rank 0", rank, f.Name, o.Facts[i].Value, f.Value)
				return usererr.With(err, "all processes must train the same: give them the same files and options")
			}
		}
	}
	return nil
}

// sharing is the number of processes of the run on this machine.
func (p *runProcesses) sharing() int {
	if p == nil {
		return 1
	}
	return p.local
}

// shareProcessors counts the processes on this machine, and gives this one its share of the processors that it may use.
func (p *runProcesses) shareProcessors() error {
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	host = strings.ReplaceAll(host, " ", "-")
	mine := host + " " + processorSet()
	all, err := p.comm.AllGather([]byte(mine))
	if err != nil {
		return err
	}
	sharing := 0
	for _, other := range all {
		if string(other) == mine {
			sharing++
		}
		if strings.HasPrefix(string(other), host+" ") {
			p.local++
		}
	}
	p.threads = max(1, runtime.NumCPU()/sharing)
	return nil
}
