package terminal

import (
	"testing"
	"time"
)

// What an earlier run has done does not count as speed, whenever it is found.
func TestMeter_LeavesOutWhatWasThere(t *testing.T) {
	t.Parallel()
	b := &Bar{}
	start := time.Now()
	b.meter.add(start, 0)
	b.meter.add(start.Add(time.Second), 100)
	b.Skip(1e9)
	b.meter.add(start.Add(2*time.Second), 1e9+200)
	if rate := b.meter.rate(start.Add(2 * time.Second)); rate != 100 {
		t.Errorf("%v per second", rate)
	}
}
