package evaluate

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"ventriloquist/internal/evaluate/interval"
	"ventriloquist/internal/windows"
)

// Whether a message is a reaction, and which: a model that gives the real outcome half of the probability.
func TestSet_NextMessageReactions(t *testing.T) {
	t.Parallel()
	set, model := newOracle(t, 0.5, []string{"Ann", "Ben"}, fourMessages...)
	got, err := set.NextMessage(context.Background(), model, nil)
	if err != nil {
		t.Fatal(err)
	}
	// The eight other kinds share the rest: a plain message is none with 15 / 16.
	want := -(math.Log(1./2) + 3*math.Log(15./16)) / 4
	rare := -(3*math.Log(3./4) + math.Log(1./4)) / 4
	if r := got.Reaction; r.Messages != 4 || !close1(r.LogLoss, want) || !close1(r.FrequencyLogLoss, rare) || !close1(r.Majority, 0.75) || !close1(r.Accuracy, 0.75) {
		t.Errorf("reaction %+v", r)
	}
	if k := got.ReactionKind; k == nil || k.Messages != 1 || !close1(k.LogLoss, math.Ln2) || k.Accuracy != 1 {
		t.Errorf("reaction kind %+v", k)
	}
	// Ann's first message follows Ben's, and Ben's third Ben's; the reaction is no reply.
	if r := got.ReplyTimes; r == nil || r.Replies != 2 || len(r.PerContact) != 0 {
		t.Errorf("reply times %+v", r)
	}
}

// repliesOf returns replies of a person with real delays drawn by one distribution, to which the model gives another.
func repliesOf(random *rand.Rand, author, other string, n int, real, model []float64) (list []reply) {
	for range n {
		list = append(list, reply{author: author, members: []string{author, other}, class: drawClass(random, real), shares: model})
	}
	return list
}

// A model that draws delays as people do is at the floor; one that is always late is as many classes off as it is late; other people
// are the ceiling.
func TestNewReplyTimes_KnownCases(t *testing.T) {
	t.Parallel()
	first, last := []float64{1, 0, 0, 0, 0, 0}, []float64{0, 0, 0, 0, 0, 1}
	random := rand.New(rand.NewPCG(1, 1))
	late := newReplyTimes(append(repliesOf(random, "Ann", "Ben", 20, first, last), repliesOf(random, "Ben", "Ann", 20, []float64{0, 0, 1, 0, 0, 0}, last)...))
	if d := late.PerContact["Ann"]; !close1(d.Distance, 5) || d.Floor != 0 || !close1(d.Ceiling, 2) || d.Replies != 20 {
		t.Errorf("always late: %+v", d)
	}
	if !close1(late.Distance, 4) || late.Replies != 40 || !close1(late.Classes[5].Model, 1) || !close1(late.Classes[0].Real, 0.5) {
		t.Errorf("both: %+v", late)
	}
	mixed := []float64{0.4, 0.3, 0.2, 0.1, 0, 0}
	same := newReplyTimes(append(repliesOf(random, "Ann", "Ben", 400, mixed, mixed), repliesOf(random, "Ben", "Ann", 400, mixed, mixed)...))
	if d := same.PerContact["Ann"]; math.Abs(d.Distance-d.Floor) > 0.05 || math.Abs(d.Ceiling-d.Floor) > 0.1 {
		t.Errorf("as people do: %+v", d)
	}
	if d := late.difference(late); d == nil || d.Difference != 0 || *d.Interval != (interval.Interval{0, 0}) {
		t.Errorf("a model and itself: %+v", d)
	}
	if few := newReplyTimes(repliesOf(random, "Ann", "Ben", 3, mixed, mixed)); len(few.TooFew) != 1 || few.Interval != nil {
		t.Errorf("three replies: %+v", few)
	}
}

// Of the intervals of many samples, at least 90 in 100 hold the distance that such samples have on average.
func TestNewReplyTimes_Coverage(t *testing.T) {
	t.Parallel()
	const samples = 100
	random := rand.New(rand.NewPCG(2, 2))
	real, model := []float64{0.5, 0.2, 0.2, 0.1, 0, 0}, []float64{0.2, 0.2, 0.2, 0.2, 0.2, 0}
	var all []ReplyDistance
	mean := 0.0
	for range samples {
		own, others := repliesOf(random, "Ann", "Ben", 40, real, model), repliesOf(random, "Ben", "Ann", 40, real, model)
		d, _ := distanceOf(pointers(own), pointers(others))
		all = append(all, d)
		mean += d.Distance / samples
	}
	inside := 0
	for _, d := range all {
		if d.Interval.Contains(mean) {
			inside++
		}
	}
	if inside < 90 {
		t.Errorf("%d of %d intervals hold %.3f", inside, samples, mean)
	}
}

func pointers(list []reply) (all []*reply) {
	for i := range list {
		all = append(all, &list[i])
	}
	return all
}

// The message before a target is what it replies to, also for the first target of a window.
func TestIsReply(t *testing.T) {
	t.Parallel()
	ann, ben := message("Ann", "a"), message("Ben", "b")
	loved := windows.Message{Name: "Ben", Delta: "<1m", ContentType: "reaction", Text: "Loved"}
	if !isReply(&ann, &ben) || isReply(&ann, &ann) || isReply(nil, &ann) || isReply(&ann, &loved) {
		t.Error("not as it should be")
	}
}
