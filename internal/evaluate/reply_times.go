package evaluate

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"ventriloquist/internal/evaluate/interval"
	"ventriloquist/internal/terminal"
	"ventriloquist/internal/windows"
)

// ReplyTimes compares how fast people reply with delays that are drawn from the model's probabilities. A reply is a message, not a
// reaction, that follows one of somebody else. Distances are numbers of classes of "delta" (Wasserstein's): 1 is as if all replies came
// a class later.
type ReplyTimes struct {
	ReplyDistance
	Classes    []ReplyClass             `json:"classes"`
	PerContact map[string]ReplyDistance `json:"per_contact"` // people with enough replies; the figures above are their mean
	TooFew     []string                 `json:"too_few"`     // people with fewer than FewestReplies

	drawn map[string][]float64 // distances by person
}

// ReplyClass has the shares of the replies with a delay.
type ReplyClass struct {
	Delta string  `json:"delta"`
	Real  float64 `json:"real"`
	Model float64 `json:"model"` // the mean of the model's probabilities
}

// ReplyDistance is how far drawn delays are from real ones.
type ReplyDistance struct {
	Replies  int                `json:"replies"`
	Distance float64            `json:"distance"`
	Interval *interval.Interval `json:"interval"`
	Floor    float64            `json:"floor"`   // between two halves of the person's replies
	Ceiling  float64            `json:"ceiling"` // to replies of the people that the person writes with
}

// FewestReplies is how many replies of a person, and of the people they write with, are compared.
const FewestReplies = 12

// replyDraws is how often samples are drawn.
const replyDraws = 200

// reply is a real reply, and what the model gives each delay.
type reply struct {
	author       string
	conversation int
	members      []string
	class        int // of the real delay, in windows.Deltas
	shares       []float64
}

// isReply reports whether a message answers one of somebody else.
func isReply(before, m *windows.Message) bool {
	return before != nil && before.Name != m.Name && m.ContentType != "reaction" && slices.Contains(windows.Deltas, m.Delta)
}

// newReplyTimes compares replies; nil if there are none.
func newReplyTimes(all []reply) *ReplyTimes {
	if len(all) == 0 {
		return nil
	}
	r := &ReplyTimes{PerContact: map[string]ReplyDistance{}, TooFew: []string{}, drawn: map[string][]float64{}, Classes: make([]ReplyClass, len(windows.Deltas))}
	own, others := map[string][]*reply{}, map[string][]*reply{}
	for i := range all {
		one := &all[i]
		own[one.author] = append(own[one.author], one)
		for _, name := range one.members {
			if name != one.author {
				others[name] = append(others[name], one)
			}
		}
		for class := range r.Classes {
			c := &r.Classes[class]
			c.Delta = windows.Deltas[class]
			c.Model += one.shares[class] / float64(len(all))
			if class == one.class {
				c.Real += 1 / float64(len(all))
			}
		}
	}
	mean := make([]float64, replyDraws)
	for _, name := range slices.Sorted(maps.Keys(own)) {
		if min(len(own[name]), len(others[name])) < FewestReplies {
			r.TooFew = append(r.TooFew, name)
			continue
		}
		d, drawn := distanceOf(own[name], others[name])
		r.PerContact[name], r.drawn[name] = d, drawn
		r.Replies += d.Replies
		for k, x := range drawn {
			mean[k] += x
		}
	}
	count := float64(len(r.PerContact))
	if count == 0 {
		r.Replies = len(all)
		return r
	}
	for _, d := range r.PerContact {
		r.Distance, r.Floor, r.Ceiling = r.Distance+d.Distance/count, r.Floor+d.Floor/count, r.Ceiling+d.Ceiling/count
	}
	for k := range mean {
		mean[k] /= count
	}
	r.Interval = interval.Percentiles(mean)
	return r
}

// distanceOf returns the distances of one person, and each of those that were drawn. All samples have the same size.
func distanceOf(own, others []*reply) (d ReplyDistance, drawn []float64) {
	own, others = slices.Clone(own), slices.Clone(others)
	size := min(len(own), len(others)) / 2
	d.Replies = len(own)
	// Every model is compared with the same halves of the same replies.
	halves, draw := rand.New(rand.NewPCG(7, uint64(len(own)))), rand.New(rand.NewPCG(8, uint64(len(own))))
	shuffle := func(list []*reply) {
		halves.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	}
	real := func(list []*reply) (counts []float64) {
		counts = make([]float64, len(windows.Deltas))
		for _, one := range list {
			counts[one.class]++
		}
		return counts
	}
	for range replyDraws {
		shuffle(own)
		shuffle(others)
		half := real(own[:size])
		written := make([]float64, len(windows.Deltas))
		for range size {
			written[drawClass(draw, own[draw.IntN(len(own))].shares)]++
		}
		x := transportClasses(half, written)
		drawn = append(drawn, x)
		d.Distance += x / replyDraws
		d.Floor += transportClasses(half, real(own[size:2*size])) / replyDraws
		d.Ceiling += transportClasses(half, real(others[:size])) / replyDraws
	}
	d.Interval = interval.Percentiles(slices.Clone(drawn))
	return d, drawn
}

// drawClass draws a class by its share.
func drawClass(random *rand.Rand, shares []float64) int {
	x := random.Float64()
	for class, share := range shares {
		if x -= share; x < 0 {
			return class
		}
	}
	return len(shares) - 1
}

// transportClasses returns Wasserstein's distance of two distributions over classes, in classes. Both have as many.
func transportClasses(a, b []float64) (sum float64) {
	total, ahead := 0.0, 0.0
	for i := range a {
		total += a[i]
		ahead += a[i] - b[i]
		sum += math.Abs(ahead)
	}
	return sum / total
}

// difference returns by how much the delays of one model are nearer than those of another: below 0 if r's are; nil without people to
// compare.
func (r *ReplyTimes) difference(other *ReplyTimes) *FigureDifference {
	values, people := make([]float64, replyDraws), 0
	for name, drawn := range r.drawn {
		if other.drawn[name] == nil {
			continue
		}
		people++
		for k := range values {
			values[k] += drawn[k] - other.drawn[name][k]
		}
	}
	if people == 0 {
		return nil
	}
	f := &FigureDifference{Resampling: Resampling{"replies", 0}}
	for k := range values {
		values[k] /= float64(people)
		f.Difference += values[k] / replyDraws
	}
	for name := range r.drawn {
		f.Units += r.PerContact[name].Replies
	}
	f.Interval = interval.Percentiles(values)
	return f
}

// String returns sentences for people.
func (r *ReplyTimes) String() string {
	if len(r.PerContact) == 0 {
		return fmt.Sprintf("reply times: too few replies: it takes a person with %d of their own, and as many of the people they write with\n", FewestReplies)
	}
	classes := make([]string, len(r.Classes))
	for i, c := range r.Classes {
		classes[i] = fmt.Sprintf("%s %.0f%% (%.0f%%)", c.Delta, 100*c.Model, 100*c.Real)
	}
	return fmt.Sprintf("reply times: %.3f classes between drawn and real delays, mean of %s (95%% interval %s; floor %.3f, ceiling %.3f)\nreply times by the model (real): %s\n",
		r.Distance, terminal.Quantity(len(r.PerContact), "person"), between("%.3f", r.Interval), r.Floor, r.Ceiling, strings.Join(classes, ", "))
}
