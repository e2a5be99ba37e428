// Command gpucheck is what scripts/gpu-check starts: it checks and measures the CUDA engine on a machine with a GPU within a
// deadline of ten minutes.
//
// In: the sources, a GPU with nvcc and cmake, or with -rehearse the CUDA simulator. Out: a report, as JSON and as one page of
// Markdown, which is rewritten after each stage, so that a run that is killed has reported what it saw. Each stage is a group of
// programs: one that hangs, crashes or fails costs its stage only. The program itself needs neither C nor the engine.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

func main() {
	root := flag.String("root", ".", "the repository")
	rehearse := flag.Bool("rehearse", false, "run the same stages in the simulator, on a machine without a GPU")
	deadline := flag.Duration("deadline", 570*time.Second, "end of the last stage, from the start")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: scripts/gpu-check [--rehearse] [--deadline 570s] [REPORT.json]")
		flag.PrintDefaults()
	}
	flag.Parse()
	ok, err := run(*root, flag.Args(), *rehearse, *deadline)
	if err != nil {
		fmt.Fprintln(os.Stderr, "gpu-check:", err)
		os.Exit(2)
	}
	if !ok {
		os.Exit(1)
	}
}

// run runs all stages and reports whether nothing was wrong.
func run(root string, args []string, rehearse bool, deadline time.Duration) (bool, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return false, err
	}
	folder := filepath.Join(root, "build", "gpu-check")
	path := filepath.Join(folder, "report.json")
	if len(args) > 1 {
		return false, fmt.Errorf("%d arguments: the report's file is the only one, and flags come before it", len(args))
	}
	if len(args) == 1 {
		path = args[0]
	}
	if filepath.Ext(path) != ".json" {
		return false, fmt.Errorf("%s: the report's name must end with .json; the Markdown is written next to it", path)
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return false, err
	}
	output, err := os.Create(filepath.Join(folder, "output.txt"))
	if err != nil {
		return false, err
	}
	defer output.Close()

	start := time.Now()
	t, err := chooseTarget(root, rehearse)
	if err != nil {
		return false, err
	}
	r := &report{State: running, Version: version(root), Rehearsal: rehearse, Started: start, Deadline: deadline.Seconds(), Machine: t.machine,
		describe: t.describe()}
	if err := r.write(path); err != nil { // before minutes are spent on it
		return false, err
	}
	ctx, stop := notified()
	defer stop()
	all := &runner{report: r, deadline: start.Add(deadline), watch: t.machine.watch,
		save:   func(r *report) error { return r.write(path) },
		output: func(line string) { fmt.Fprintln(output, line) },
		log: func(format string, args ...any) {
			fmt.Fprintf(os.Stderr, "gpu-check: %s\n", fmt.Sprintf(format, args...))
		}}
	all.run(ctx, t.stages())
	r.State = complete
	if ctx.Err() != nil {
		r.State = interrupted
	}
	all.write()
	fmt.Print(r.markdown())
	fmt.Fprintf(os.Stderr, "gpu-check: the report is in %s, all output in %s\n", path, output.Name())
	return r.ok(), nil
}

// notified is canceled when the program is asked to end.
func notified() (context.Context, context.CancelFunc) {
	return signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
}

func chooseTarget(root string, rehearse bool) (target, error) {
	if rehearse {
		return simulatedTarget(root), nil
	}
	m := findMachine(root)
	if m.GPU == "" {
		return target{}, fmt.Errorf("nvidia-smi shows no GPU here: --rehearse runs the same stages in the simulator")
	}
	return gpuTarget(root, m), nil
}

func version(root string) string {
	if v := output("git", "-C", root, "describe", "--always", "--dirty"); v != "" {
		return v
	}
	return "unknown"
}
