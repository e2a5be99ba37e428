package evaluate

import (
	"fmt"
	"math"

	"ventriloquist/internal/evaluate/interval"
	"ventriloquist/internal/terminal"
)

// Difference compares the losses of two models on the same windows.
type Difference struct {
	A    string  `json:"a"`
	B    string  `json:"b"`
	Loss float64 `json:"loss"` // mean of A's minus B's over the target tokens, in nats: below 0 if A is better
	// Interval is that of the difference, not the difference of two intervals: what is hard in a window is hard for both models.
	Interval *interval.Interval `json:"interval"`
	Resampling
	PerContact map[string]PersonDifference `json:"per_contact,omitempty"`
	// Absent if they were not asked for.
	WhoSaidIt *FigureDifference `json:"who_said_it_accuracy,omitempty"`
	Speaker   *FigureDifference `json:"next_speaker_log_loss,omitempty"`
	Delay     *FigureDifference `json:"next_delay_log_loss,omitempty"`
	Reply     *FigureDifference `json:"reply_time_distance,omitempty"`
}

// FigureDifference is A's figure minus B's.
type FigureDifference struct {
	Difference float64            `json:"difference"`
	Interval   *interval.Interval `json:"interval"`
	Resampling
}

// PersonDifference is the difference for the messages of one person.
type PersonDifference struct {
	Loss     float64            `json:"loss"`
	Interval *interval.Interval `json:"interval"`
}

// NewDifference compares the scores of two models, which must be of the same set.
func NewDifference(nameA string, a *Scores, nameB string, b *Scores, perContact bool) *Difference {
	all := make([]observation, len(a.Parts))
	people := make(map[string][]observation)
	for i := range all {
		p := &a.Parts[i]
		all[i] = observation{p.Window, p.Conversation, p.Sum - b.Parts[i].Sum, float64(p.Tokens)}
		people[p.Author] = append(people[p.Author], all[i])
	}
	d := &Difference{A: nameA, B: nameB}
	d.Loss, d.Interval, d.Resampling = meanOf(all)
	if !perContact {
		return d
	}
	d.PerContact = make(map[string]PersonDifference)
	for name, list := range people {
		loss, of, _ := meanOf(list)
		d.PerContact[name] = PersonDifference{loss, of}
	}
	return d
}

// AddReports adds the differences of what the reports of both models have.
func (d *Difference) AddReports(a, b *Report) {
	if a.WhoSaidItDetail != nil && b.WhoSaidItDetail != nil {
		d.WhoSaidIt = figureDifference(a.WhoSaidItDetail.right, b.WhoSaidItDetail.right)
	}
	if a.NextMessage != nil && b.NextMessage != nil {
		d.Speaker = figureDifference(a.NextMessage.Speaker.losses, b.NextMessage.Speaker.losses)
		d.Delay = figureDifference(a.NextMessage.Delay.losses, b.NextMessage.Delay.losses)
		if x, y := a.NextMessage.ReplyTimes, b.NextMessage.ReplyTimes; x != nil && y != nil {
			d.Reply = x.difference(y)
		}
	}
}

func figureDifference(a, b []observation) *FigureDifference {
	list := make([]observation, len(a))
	for i, o := range a {
		list[i] = observation{o.Window, o.Conversation, o.Sum - b[i].Sum, 1}
	}
	f := new(FigureDifference)
	f.Difference, f.Interval, f.Resampling = meanOf(list)
	return f
}

// sentences returns the differences in figures, one a line.
func (d *Difference) sentences() (list []string) {
	add := func(name, unit string, scale float64, f *FigureDifference) {
		if f == nil {
			return
		}
		off := "too few for an interval"
		if f.Interval != nil {
			off = fmt.Sprintf("95%% interval %+.3f to %+.3f", scale*f.Interval[0], scale*f.Interval[1])
		}
		list = append(list, fmt.Sprintf("%s, %s minus %s: %+.3f %s (%s)", name, d.A, d.B, scale*f.Difference, unit, off))
	}
	add("who said it", "percentage points", 100, d.WhoSaidIt)
	add("who writes next", "nats", 1, d.Speaker)
	add("how soon", "nats", 1, d.Delay)
	add("reply times", "classes", 1, d.Reply)
	return list
}

// meanOf returns the mean of observations and its interval.
func meanOf(list []observation) (mean float64, i *interval.Interval, by Resampling) {
	var sum, weight float64
	for _, o := range list {
		sum, weight = sum+o.Sum, weight+o.Weight
	}
	of, by := units(list)
	return sum / weight, interval.Mean(of), by
}

// String returns a sentence: "A is better than B: -0.031 ± 0.008 nats".
func (d *Difference) String() string {
	if d.Interval == nil {
		return fmt.Sprintf("%s against %s: %+.3f nats; %s are too few for an interval", d.A, d.B, d.Loss, terminal.Quantity(d.Units, d.unit()))
	}
	// The ends need not be equally far from the difference: the larger distance is shown.
	off := max(d.Loss-d.Interval[0], d.Interval[1]-d.Loss)
	figures := fmt.Sprintf("%+.3f ± %.3f nats per token (95%% interval; %s resampled)", d.Loss, off, terminal.Quantity(d.Units, d.unit()))
	switch {
	case math.Abs(d.Loss) <= off || d.Interval.Contains(0):
		return fmt.Sprintf("no difference between %s and %s is shown: %s", d.A, d.B, figures)
	case d.Loss < 0:
		return fmt.Sprintf("%s is better than %s: %s", d.A, d.B, figures)
	}
	return fmt.Sprintf("%s is worse than %s: %s", d.A, d.B, figures)
}

// unit is the singular of what is resampled.
func (r *Resampling) unit() string { return r.Resampled[:len(r.Resampled)-1] }
