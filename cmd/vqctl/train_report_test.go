package main

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ventriloquist/internal/train"
)

// Mapped weights are a row of the memory plan; what this program holds does not count them again.
func TestMemoryTaken_WithoutMappedFiles(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux separates mapped files")
	}
	const size = 256 << 20
	path := filepath.Join(t.TempDir(), "weights")
	if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	before := memoryTaken()
	mapping, err := unix.Mmap(int(file.Fd()), 0, size, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(mapping)
	sum := byte(0)
	for i := 0; i < size; i += 4096 {
		sum += mapping[i]
	}
	if after := memoryTaken(); sum != 0 || after > before+size/2 {
		t.Errorf("%d MiB before, %d MiB after 256 MiB were mapped and read", before>>20, after>>20)
	}
}

// Row "long steps": before the first step has ended, its micro-batches are counted, with the time left; so are evaluations.
func TestTrainLine_CountsMicroBatches(t *testing.T) {
	t.Parallel()
	l := newTrainLine(100, 0, 3126)
	start := time.Now()
	l.progress(train.Progress{Doing: train.MeasuringBase, Done: 2, Total: 9})
	if got := l.render(start, 80); got != "step 0/3,126  evaluating the base model 2/9 windows" {
		t.Errorf("%q", got)
	}
	l.progress(train.Progress{Doing: train.Stepping, Step: 1, Done: 1, Total: 16})
	l.running = start
	if got := l.render(start.Add(5*time.Second), 80); got != "step 1/3,126  micro-batch 1/16 for 5s" {
		t.Errorf("%q", got)
	}
	l.progress(train.Progress{Doing: train.Stepping, Step: 1, Done: 4, Total: 16})
	if got := l.render(start.Add(40*time.Second), 80); got != "step 1/3,126  micro-batch 4/16 for 40s  about 5d 18h left" {
		t.Errorf("%q", got)
	}
	if got := l.render(start.Add(40*time.Second), 40); got != "step 1/3,126  micro-batch 4/16 for 40s" {
		t.Errorf("%q", got)
	}
}

// Rows "which checkpoint is best" and "how good is it getting": the summary compares with the base model and names the best checkpoint.
func TestSummaryText_NamesTheBestCheckpoint(t *testing.T) {
	t.Parallel()
	number := func(x float64) *float64 { return &x }
	best, step := "a/checkpoint-80", 80
	s := train.Summary{Adapter: "a/final", EvalLoss: number(1.3027), BaseEvalLoss: number(1.4124), BestCheckpoint: &best, BestEvalLoss: number(1.2994), BestStep: &step}
	if got := summaryText(s); got != "held-out loss 1.3027, 7.8% better than the base model's 1.4124; the best checkpoint is a/checkpoint-80, with 1.2994 after step 80" {
		t.Error(got)
	}
	s.BestCheckpoint, s.BaseEvalLoss = &s.Adapter, number(1.2)
	if got := summaryText(s); got != "held-out loss 1.3027, 8.6% worse than the base model's 1.2000; no earlier checkpoint has a lower one" {
		t.Error(got)
	}
	if got := summaryText(train.Summary{}); got != "" {
		t.Error(got)
	}
}
