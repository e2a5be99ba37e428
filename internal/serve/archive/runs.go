package archive

import (
	"context"
	"slices"

	"ventriloquist/internal/monitor"
	"ventriloquist/internal/runlog"
)

// RunFolder is a training run on the disk.
type RunFolder struct {
	Folder   string
	Name     string      // "" if it has none
	Training func() bool // reports whether it trains now
}

// Run is what is shown of a training run.
type Run struct {
	Title       string       `json:"title"`
	State       string       `json:"state"`
	Step        int          `json:"step"`
	TotalSteps  int          `json:"total_steps"`
	Losses      [][2]float64 `json:"losses"` // step and training loss; means of consecutive steps if there are many
	Evaluations []Evaluation `json:"evaluations"`
	People      []Person     `json:"people"`
	Samples     []Sample     `json:"samples"`
}

// Evaluation is the held-out loss after a step; step 0 is the base model.
type Evaluation struct {
	Step int     `json:"step"`
	Loss float64 `json:"loss"`
}

// Person is the held-out loss on the messages of a person; nil where it is not known.
type Person struct {
	Name   string   `json:"name"`
	Base   *float64 `json:"base"`
	Latest *float64 `json:"latest"`
}

// Sample is a held-out message with what the model wrote in its place.
type Sample struct {
	Number  int           `json:"number"`
	Context []runlog.Line `json:"context"`
	Real    runlog.Line   `json:"real"`
	Written []Written     `json:"written"`
}

// Written is what the model wrote after a step.
type Written struct {
	Step int    `json:"step"`
	Text string `json:"text"`
}

// Runs returns the training runs.
func (a *Archive) Runs(context.Context) (any, error) {
	runs := []Run{}
	for _, at := range a.FindRuns() {
		log, err := runlog.Read(runlog.Path(at.Folder))
		if err != nil {
			return nil, err
		}
		shown := monitor.NewRun(at.Folder, at.Name, at.Training)
		shown.Update()
		runs = append(runs, Run{Title: shown.Title(), State: shown.State(), Step: log.Step(), TotalSteps: log.TotalSteps(),
			Losses: losses(log.Steps), Evaluations: evaluations(log), People: people(log), Samples: samples(log)})
	}
	return map[string]any{"runs": runs}, nil
}

// mostLosses is how many points the curve has.
const mostLosses = 400

// losses returns the training losses, averaged where there are more than the page draws.
func losses(steps []runlog.Metrics) [][2]float64 {
	points := [][2]float64{}
	steps = slices.DeleteFunc(slices.Clone(steps), func(m runlog.Metrics) bool { return !runlog.Finite(m.Loss) })
	for part := range slices.Chunk(steps, max(1, (len(steps)+mostLosses-1)/mostLosses)) {
		sum := 0.0
		for _, m := range part {
			sum += m.Loss
		}
		points = append(points, [2]float64{float64(part[len(part)-1].Step), sum / float64(len(part))})
	}
	return points
}

func evaluations(log *runlog.Log) []Evaluation {
	list := []Evaluation{}
	for _, e := range log.Evaluations {
		if runlog.Finite(e.Loss) {
			list = append(list, Evaluation{e.Step, e.Loss})
		}
	}
	return list
}

func people(log *runlog.Log) []Person {
	list := []Person{}
	for _, name := range log.People() {
		list = append(list, Person{name, lossOf(log.Base(), name), lossOf(log.Last(), name)})
	}
	return list
}

func lossOf(e *runlog.Evaluation, name string) *float64 {
	if e == nil {
		return nil
	}
	figures, found := e.PerContact[name]
	if !found || !runlog.Finite(figures.Loss) {
		return nil
	}
	return &figures.Loss
}

// samples returns the samples by their number.
func samples(log *runlog.Log) []Sample {
	list := []Sample{}
	for _, s := range log.Samples {
		at := slices.IndexFunc(list, func(other Sample) bool { return other.Number == s.Number })
		if at < 0 {
			at = len(list)
			list = append(list, Sample{Number: s.Number, Context: s.Context, Real: s.Real, Written: []Written{}})
		}
		list[at].Written = append(list[at].Written, Written{s.Step, s.Text})
	}
	slices.SortStableFunc(list, func(a, b Sample) int { return a.Number - b.Number })
	return list
}
