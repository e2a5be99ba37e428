package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ventriloquist/internal/batch"
	"ventriloquist/internal/demo"
	"ventriloquist/internal/load"
	"ventriloquist/internal/model"
	"ventriloquist/internal/windows"
)

// sequenceFrom returns n numbers from first on.
func sequenceFrom(first, n int) []int {
	all := sequence(n)
	for i := range all {
		all[i] += first
	}
	return all
}

// Every message is a target once per epoch, whatever the stride and the phase, and no window reaches over its conversation's start.
func TestCell_CutsEachMessageOnce(t *testing.T) {
	t.Parallel()
	conversations := [][]int{sequenceFrom(0, 53), sequenceFrom(60, 7)} // 7 messages in between are held out
	for _, stride := range []int{1, 5, 25, 100} {
		for _, phase := range []string{fixedPhase, randomPhase} {
			for epoch := range 3 {
				c := cell{Stride: stride, Phase: phase, Seed: 7}
				var targets []int
				for _, w := range c.cut(conversations, epoch) {
					if w.targets < 1 || w.targets > stride {
						t.Errorf("stride %d: a window has %d targets", stride, w.targets)
					}
					targets = append(targets, sequenceFrom(w.last-w.targets+1, w.targets)...)
				}
				slices.Sort(targets)
				if !slices.Equal(targets, slices.Concat(conversations...)) {
					t.Errorf("stride %d, %s: the targets are %v", stride, phase, targets)
				}
			}
		}
	}
}

// A random phase cuts differently in each epoch, and the same with the same seed.
func TestCell_RandomPhase(t *testing.T) {
	t.Parallel()
	c := cell{Stride: 25, Phase: randomPhase, Seed: 7}
	conversations := [][]int{sequenceFrom(0, 500)}
	if first, second := c.cut(conversations, 0), c.cut(conversations, 1); slices.Equal(first, second) {
		t.Error("two epochs have the same windows")
	}
	if !slices.Equal(c.cut(conversations, 1), c.cut(conversations, 1)) {
		t.Error("one epoch has different windows")
	}
}

func scoresOf(losses ...float64) (all []score) {
	for i, loss := range losses {
		all = append(all, score{Conversation: i, Tokens: 10, Sum: 10 * loss})
	}
	return all
}

// The difference of two runs that differ by the same in all conversations is certain, however different the conversations are.
func TestDifferenceInterval_IsPaired(t *testing.T) {
	t.Parallel()
	a, b := group{{HeldOut: scoresOf(1, 2, 3, 4)}}, group{{HeldOut: scoresOf(1.5, 2.5, 3.5, 4.5)}}
	d := differenceInterval(b, a)
	for _, x := range []float64{d.mean, d.low, d.high} {
		if math.Abs(x-0.5) > 1e-9 {
			t.Errorf("the interval is %+v, want 0.5 throughout", d)
		}
	}
	l := lossInterval(a)
	if math.Abs(l.mean-2.5) > 1e-9 || !(l.low < 2 && l.high > 3) {
		t.Errorf("the loss is %+v, want 2.5 in a wide interval", l)
	}
}

func TestResult_IsKept(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	r := &result{cell: cell{Chat: "demo", Window: 100, Stride: 25, Rate: 2e-3, Epochs: 1, Phase: fixedPhase, Seed: 3}, Loss: 1.5, HeldOut: scoresOf(1.5)}
	if r.exists(folder) {
		t.Error("a cell exists before it ran")
	}
	if err := r.write(folder); err != nil {
		t.Fatal(err)
	}
	other := r.cell
	other.Seed = 4
	if !r.exists(folder) || other.exists(folder) {
		t.Errorf("%s exists: %v; %s exists: %v", r.name(), r.exists(folder), other.name(), other.exists(folder))
	}
	all, err := readResults(folder)
	if err != nil || len(all) != 1 || all[0].cell != r.cell || all[0].Loss != 1.5 || len(all[0].HeldOut) != 1 {
		t.Errorf("read %+v (%v)", all, err)
	}
}

// A window whose targets alone are too long is left out, as in training, and does not end the study.
func TestReadFitting_LeavesOutWhatIsTooLong(t *testing.T) {
	t.Parallel()
	const header = `{\"type\": \"dm\", \"members\": [\"Ada\", \"Ben\"], \"start\": \"2024-03-15\"}\n`
	line := `{\"name\": \"Ada\", \"delta\": \"<1m\", \"reply_to\": null, \"content_type\": \"text\", \"text\": \"hello there\"}\n`
	path := filepath.Join(t.TempDir(), "windows.jsonl")
	text := fmt.Sprintf(`{"text": "%s", "targets": 9}`+"\n"+`{"text": "%s"}`+"\n", header+strings.Repeat(line, 9), header+strings.Repeat(line, 9))
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	list, err := windows.OpenFile(t.Context(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer list.Close()
	location, err := model.Resolve(demo.Base)
	if err != nil {
		t.Fatal(err)
	}
	base, err := location.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer base.Close()
	encoder, err := load.Tokenizer(base)
	if err != nil {
		t.Fatal(err)
	}
	reader := batch.NewReader(list, encoder, 200)
	for i, want := range []bool{false, true} {
		if _, fits, err := readFitting(reader, i); fits != want || err != nil {
			t.Errorf("window %d fits: %v, %v", i, fits, err)
		}
	}
}
