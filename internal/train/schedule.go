package train

import (
	"fmt"
	"math"
	"strings"
)

// Schedule gives the learning rate of each optimizer step. The kinds and their arithmetic are those of transformers'
// get_scheduler: linear warm-up from 0 over WarmupSteps, then the kind's own way down over the steps that are left.
// Source: huggingface/transformers, src/transformers/optimization.py.
type Schedule struct {
	Kind        string // one of ScheduleKinds
	Peak        float64
	WarmupSteps int
	TotalSteps  int
}

// ScheduleKinds are the names that the option lr_scheduler takes.
var ScheduleKinds = []string{"cosine", "linear", "constant", "constant_with_warmup"}

// NewSchedule plans total steps of which ceil(ratio * total) warm up.
func NewSchedule(kind string, peak, warmupRatio float64, total int) (Schedule, error) {
	s := Schedule{Kind: kind, Peak: peak, TotalSteps: total, WarmupSteps: int(math.Ceil(warmupRatio * float64(total)))}
	switch kind {
	case "cosine", "linear", "constant_with_warmup":
		return s, nil
	case "constant":
		s.WarmupSteps = 0
		return s, nil
	}
	return s, fmt.Errorf("unknown learning-rate schedule %q: it is one of %s", kind, strings.Join(ScheduleKinds, ", "))
}

// Rate is the learning rate that step (from 1) uses.
func (s Schedule) Rate(step int) float64 {
	done := step - 1 // steps taken before this one, as the schedule counts
	if done < s.WarmupSteps {
		return s.Peak * float64(done) / float64(max(1, s.WarmupSteps))
	}
	progress := float64(done-s.WarmupSteps) / float64(max(1, s.TotalSteps-s.WarmupSteps))
	switch s.Kind {
	case "cosine":
		return s.Peak * max(0, 0.5*(1+math.Cos(math.Pi*progress)))
	case "linear":
		return s.Peak * max(0, 1-progress)
	}
	return s.Peak
}
