package tune

import (
	"context"
	"math"
	"slices"
)

// The shape of a search.
const (
	keepOneIn = 3 // trials of a rung go on to the next, and Base
	finalists = 3 // at least, besides Base, train for the whole share
	probed    = 1. / 27
	reserve   = 0.9 // of the budget is planned for: trials differ in speed
	overtime  = 1.2 // of the budget, at most: then the search ends with what it has
)

// Rung is one round: Trials settings train for a Share of their run.
type Rung struct {
	Trials int     `json:"trials"` // without Base
	Share  float64 `json:"share"`
}

// Result is a trial that has ended.
type Result struct {
	Trial    int      `json:"trial"` // 0 is Base
	Rung     int      `json:"rung"`
	Settings Settings `json:"settings"`
	Steps    int      `json:"steps"`
	Loss     float64  `json:"eval_loss"`
	Seconds  float64  `json:"seconds"`
	Failed   string   `json:"failed,omitempty"` // why there is no loss, such as a loss that is not finite
}

// State is a search so far.
type State struct {
	Seed    uint64   `json:"seed"`
	Space   Space    `json:"space"`
	Minutes float64  `json:"minutes"`          // budget; 0 if Trials is given
	Trials  int      `json:"trials,omitempty"` // settings to try; 0: as many as fit the budget
	Probe   *Result  `json:"probe,omitempty"`  // measures the speed, and counts for nothing else
	Rungs   []Rung   `json:"rungs,omitempty"`  // planned by the probe
	Results []Result `json:"results"`
	Done    bool     `json:"done"`
	TimeUp  bool     `json:"time_up,omitempty"` // it ended early
}

// Trial is settings to train with.
type Trial struct {
	Number   int
	Rung     int
	Settings Settings
	Share    float64 // of the steps of their run
}

// Trainer trains.
type Trainer interface {
	// Work returns how much work a trial is, in any unit: training and evaluation.
	Work(Trial) float64
	// Train trains and evaluates. An error ends the search, unless the result says that the settings failed.
	Train(ctx context.Context, t Trial) (Result, error)
	// Keep is called after each trial with the state so far; it makes it durable.
	Keep(s *State) error
}

// Run continues a search to its end. After each step the state is kept.
func (s *State) Run(ctx context.Context, t Trainer) error {
	if err := s.probe(ctx, t); err != nil {
		return err
	}
	survivors := s.candidates()
	for number, rung := range s.Rungs {
		for _, trial := range survivors {
			trial.Rung, trial.Share = number, rung.Share
			if s.has(trial) {
				continue
			}
			if s.overrun(t.Work(trial)*s.perWork(t)) && len(s.Results) > 0 {
				s.TimeUp, s.Done = true, true
				return t.Keep(s)
			}
			result, err := t.Train(ctx, trial)
			if err != nil {
				return err
			}
			s.Results = append(s.Results, result)
			if err := t.Keep(s); err != nil {
				return err
			}
		}
		if number+1 < len(s.Rungs) {
			survivors = s.survivors(number, s.Rungs[number+1].Trials)
		}
	}
	s.Done = true
	return t.Keep(s)
}

// probe measures the speed of training, and plans the rungs.
func (s *State) probe(ctx context.Context, t Trainer) error {
	if len(s.Rungs) > 0 {
		return nil
	}
	if s.Trials > 0 {
		s.Rungs = rungs(min(s.Trials, s.Space.Size()), 1)
		return t.Keep(s)
	}
	trial := Trial{Settings: s.Space.Base, Share: probed}
	result, err := t.Train(ctx, trial)
	if err != nil {
		return err
	}
	s.Probe = &result
	s.Rungs = s.plan(t)
	return t.Keep(s)
}

// perWork returns the seconds per unit of work.
func (s *State) perWork(t Trainer) float64 {
	if s.Probe == nil {
		return 0
	}
	return s.Probe.Seconds / max(t.Work(Trial{Settings: s.Space.Base, Share: probed}), 1e-9)
}

// plan returns the rungs with the most settings that fit the budget. If not even a few fit, trials are shorter than their runs.
func (s *State) plan(t Trainer) []Rung {
	const most = 54
	budget := reserve*60*s.Minutes - s.Probe.Seconds
	for n := min(most, s.Space.Size()); n > finalists; n-- {
		if list := rungs(n, 1); s.seconds(t, list) <= budget {
			return list
		}
	}
	n, scale := min(2*keepOneIn, s.Space.Size()), 1.
	for scale > 1./64 && s.seconds(t, rungs(n, scale)) > budget {
		scale *= 0.9
	}
	return rungs(n, scale)
}

// seconds estimates the time of rungs whose settings are the first that would be drawn.
func (s *State) seconds(t Trainer, list []Rung) (sum float64) {
	drawn := s.Space.draw(list[0].Trials, s.Seed)
	for _, rung := range list {
		work := 0.
		for _, settings := range drawn {
			work += t.Work(Trial{Settings: settings, Share: rung.Share})
		}
		sum += work / float64(len(drawn)) * float64(min(rung.Trials+1, len(drawn))) * s.perWork(t)
	}
	return sum
}

// rungs returns the rounds of a search over n settings, the last of which trains a scale of their runs.
func rungs(n int, scale float64) []Rung {
	var list []Rung
	for k := n; ; k = max(finalists, k/keepOneIn) {
		list = append(list, Rung{Trials: k})
		if k <= finalists {
			break
		}
	}
	for i := range list {
		list[i].Share = scale * math.Pow(keepOneIn, float64(i-len(list)+1))
	}
	return list
}

// candidates returns the settings of the first rung.
func (s *State) candidates() (list []Trial) {
	for i, settings := range s.Space.draw(s.Rungs[0].Trials, s.Seed) {
		list = append(list, Trial{Number: i, Settings: settings})
	}
	return list
}

// survivors returns the n best settings of a rung, and Base.
func (s *State) survivors(rung, n int) (list []Trial) {
	for _, r := range s.ranked(rung) {
		if len(list) < n && r.Failed == "" {
			list = append(list, Trial{Number: r.Trial, Settings: r.Settings})
		}
	}
	if !slices.ContainsFunc(list, func(t Trial) bool { return t.Number == 0 }) {
		list = append(list, Trial{Settings: s.Space.Base})
	}
	return list
}

// ranked returns the results of a rung, the best first, failed ones last.
func (s *State) ranked(rung int) (list []Result) {
	for _, r := range s.Results {
		if r.Rung == rung {
			list = append(list, r)
		}
	}
	slices.SortStableFunc(list, func(a, b Result) int {
		switch {
		case (a.Failed != "") != (b.Failed != ""):
			if a.Failed != "" {
				return 1
			}
			return -1
		case a.Loss < b.Loss:
			return -1
		case a.Loss > b.Loss:
			return 1
		}
		return a.Trial - b.Trial
	})
	return list
}

// Ranked returns the results so far: those of the last rung first, and of each the best first.
func (s *State) Ranked() (list []Result) {
	for rung := len(s.Rungs) - 1; rung >= 0; rung-- {
		list = append(list, s.ranked(rung)...)
	}
	return list
}

// Best returns the best result of the last rung that has any, nil if there is none.
func (s *State) Best() *Result {
	for _, r := range s.Ranked() {
		if r.Failed == "" {
			return &r
		}
	}
	return nil
}

// Effects returns what was learned so far: of the rung with the most trials, how the values of each setting compare.
func (s *State) Effects() []Effect { return effects(s.ranked(0)) }

// Planned returns how many trials the search will have run at its end, without the probe.
func (s *State) Planned() (n int) {
	for i, rung := range s.Rungs {
		n += rung.Trials
		if i > 0 {
			n++ // Base, at most
		}
	}
	return n
}

func (s *State) has(t Trial) bool {
	return slices.ContainsFunc(s.Results, func(r Result) bool { return r.Trial == t.Number && r.Rung == t.Rung })
}

// Seconds returns how long the trials so far took.
func (s *State) Seconds() (sum float64) {
	if s.Probe != nil {
		sum = s.Probe.Seconds
	}
	for _, r := range s.Results {
		sum += r.Seconds
	}
	return sum
}

// overrun reports whether a trial of so many seconds would go too far over the budget.
func (s *State) overrun(seconds float64) bool {
	return s.Trials == 0 && s.Seconds()+seconds > overtime*60*s.Minutes
}
