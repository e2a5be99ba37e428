package describe

import (
	"math"
	"testing"
)

func TestUsage_SumsStayInRange(t *testing.T) {
	t.Parallel()
	var u Usage
	for range 3 {
		u.add(Usage{Input: math.MaxInt64, Sound: -5, Output: 7})
	}
	if u.Input < 1<<40 || u.Sound != 0 || u.Output != 21 {
		t.Errorf("the sum is %+v", u)
	}
	u = Usage{Input: math.MaxInt64 - 1<<40}
	if u.add(Usage{Input: 1 << 40}); u.Input <= 0 {
		t.Errorf("the sum is %+v", u)
	}
}
