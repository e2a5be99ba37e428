package train

import (
	"fmt"
	"math"
	"strings"
)

// Schedule is a learning-rate schedule. The kinds and their arithmetic are those of transformers' get_scheduler: linear
// warm-up from 0 over WarmupSteps, then a decay by kind over the remaining steps.
// Source: huggingface/transformers, src/transformers/optimization.py.
type Schedule struct {
	Kind        string // one of ScheduleKinds
	Peak        float64
	WarmupSteps int
	TotalSteps  int
}

// ScheduleKinds are the names that the option lr_scheduler takes.
var ScheduleKinds = []string{"cosine", "linear", "constant", "constant_with_warmup"}

// NewSchedule returns a schedule of total steps; the first ceil(warmupRatio * total) warm up.
func NewSchedule(kind string, peak, warmupRatio float64, total int) (Schedule, error) {
	s := Schedule{Kind: kind, Peak: peak, TotalSteps: total, WarmupSteps: int(math.Ceil(warmupRatio * float64(total)))}
	switch kind {
	case "cosine", "linear", "constant_with_warmup":
		return s, nil
	case "constant":
		s.WarmupSteps = 0
		return s, nil
	}
	return s, fmt.Errorf("unknown learning-rate schedule %q: must be one of %s", kind, strings.Join(ScheduleKinds, ", "))
}

// Rate returns the learning rate of a step, numbered from 1.
func (s Schedule) Rate(step int) float64 {
	done := step - 1 // steps taken before this one
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
