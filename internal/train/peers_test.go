package train

import "testing"

// A process that the others wait for is named after a few steps, and then not for a while.
func TestSlowness_NamesOneProcess(t *testing.T) {
	w := slowness{waited: make([]float64, 3)}
	total := make([]float64, 3)
	var named []int
	for step := 1; step <= 250; step++ {
		total[1] += 0.2
		if step > 10 && step != 20 { // a single fast step changes nothing for long
			total[2] += 4
		}
		if rank, seconds, name := w.note(step, 10, append([]float64{}, total...)); name {
			if rank != 2 || seconds < 3.9 {
				t.Errorf("step %d: rank %d, %g s", step, rank, seconds)
			}
			named = append(named, step)
		}
	}
	if len(named) != 3 || named[0] != 13 || named[1] != 113 || named[2] != 213 {
		t.Errorf("named after steps %v", named)
	}
}

// Short waits, and short parts of long steps, are no news.
func TestSlowness_IgnoresShortWaits(t *testing.T) {
	for name, c := range map[string]struct{ took, waits float64 }{"ShortSteps": {1.5, 0.9}, "LongSteps": {60, 10}} {
		w := slowness{waited: make([]float64, 2)}
		for step := 1; step <= 10; step++ {
			if _, _, found := w.note(step, c.took, []float64{0, c.waits * float64(step)}); found {
				t.Errorf("%s: named after step %d", name, step)
			}
		}
	}
}
