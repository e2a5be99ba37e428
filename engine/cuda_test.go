package engine_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ventriloquist/engine"
)

// The error names the problem, and nothing is opened.
func TestOpenBackend_SaysWhatIsMissing(t *testing.T) {
	notALibrary := filepath.Join(t.TempDir(), "libvqcuda.so")
	ok(t, os.WriteFile(notALibrary, []byte("not a library"), 0o600))
	cases := []struct {
		name, library string
		index         int
		want          string
	}{
		{"no library", filepath.Join(t.TempDir(), "libvqcuda.so"), 0, "could not be loaded"},
		{"not a library", notALibrary, 0, "could not be loaded"},
		{"another library", "libm.so.6", 0, "is not a backend of this engine"},
		{"negative index", cudaSim, -1, "counted from 0"},
		{"no such GPU", cudaSim, 3, "there is no GPU 3"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if c.library == cudaSim {
				if _, err := os.Stat(cudaSim); err != nil {
					t.Skipf("%s is not built: make test builds it", cudaSim)
				}
			}
			if c.name == "another library" {
				if _, err := os.Stat("/proc"); err != nil {
					t.Skip("the library is Linux's")
				}
			}
			device, err := engine.OpenBackend(c.library, c.index)
			if err == nil {
				device.Close()
				t.Fatal("it was opened")
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("%q does not say %q", err, c.want)
			}
		})
	}
}

func TestOpenBackend_DescribesTheGPU(t *testing.T) {
	device, err := openCUDA(t)
	ok(t, err)
	defer device.Close()
	info := device.Info()
	if info.Name == "" || !strings.HasPrefix(info.Instructions, "sm_") || !info.FastBF16 || info.MemoryAvailable == 0 ||
		info.MemoryAvailable > info.MemoryTotal {
		t.Errorf("the GPU is described as %+v", info)
	}
}

// A model that does not fit the GPU is refused with the plan's figures, and the GPU goes on.
func TestOpenBackend_RefusesTooLargeTrainer(t *testing.T) {
	if _, err := os.Stat(cudaSim); err != nil {
		t.Skipf("%s is not built: make test builds it", cudaSim)
	}
	c := openCaseOn(t, openCUDA, someCase, engine.BF16, engine.Plain)
	limits := engine.TrainLimits{MaxTokens: 1 << 22, MaxWindows: 8, MaxTargets: 64}
	_, err := c.model.NewTrainer(c.adapter, limits, true)
	if !errors.Is(err, engine.ErrNoMemory) || !strings.Contains(err.Error(), "GiB more memory is needed") {
		t.Fatalf("the error is %v", err)
	}
	newTrainer(t, c, goldenLimits)
}

// Measuring GEMMs or running a short session does not change what an existing trainer computes.
func TestOpenBackend_LaterWorkDoesNotAffectTrainer(t *testing.T) {
	run := func(between bool) []float32 {
		c := openCaseOn(t, openCUDA, someCase, engine.BF16, engine.Plain)
		tr := newTrainer(t, c, goldenLimits)
		if between {
			_, err := c.device.MeasureGEMM(engine.BF16, 8, 16, 8)
			ok(t, err)
			s, err := c.model.NewSession(c.adapter, 8, 1)
			ok(t, err)
			s.Close()
		}
		accumulate(t, tr, c.Steps[0].MicroBatches, 1)
		_, err := tr.Update(update(1e-2, 1))
		ok(t, err)
		return parameters(t, c)
	}
	if !slices.Equal(run(false), run(true)) {
		t.Error("the step ends elsewhere")
	}
}
