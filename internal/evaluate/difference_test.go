package evaluate

import (
	"strings"
	"testing"
)

// scoresOf returns scores of windows of ten tokens each, one per conversation, with these losses per token.
func scoresOf(losses ...float64) *Scores {
	s := new(Scores)
	for i, loss := range losses {
		s.Parts = append(s.Parts, Part{Window: i, Conversation: i, Author: []string{"Ann", "Ben"}[i%2], Tokens: 10, Sum: 10 * loss})
	}
	return s
}

// What is hard in a window is hard for both models: the interval is that of the difference, which is the same in every window here.
func TestNewDifference_IsPaired(t *testing.T) {
	t.Parallel()
	d := NewDifference("A", scoresOf(1, 2, 3, 4, 5, 6, 7, 8), "B", scoresOf(1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5), true)
	if !close1(d.Loss, -0.5) || !close1(d.Interval[0], -0.5) || !close1(d.Interval[1], -0.5) || d.Resampled != "windows" || d.Units != 8 {
		t.Errorf("%+v", d)
	}
	if want := "A is better than B: -0.500 ± 0.000 nats"; !strings.HasPrefix(d.String(), want) {
		t.Errorf("%s, want %s", d, want)
	}
	if ann := d.PerContact["Ann"]; !close1(ann.Loss, -0.5) || ann.Interval != nil {
		t.Errorf("Ann %+v: 4 windows are too few for an interval", ann)
	}
}

func TestDifference_SaysWhatIsShown(t *testing.T) {
	t.Parallel()
	base := scoresOf(1, 1, 1, 1, 1, 1)
	for want, a := range map[string]*Scores{
		"A is worse than B: ":                    scoresOf(1.1, 1.2, 1.1, 1.2, 1.1, 1.2),
		"no difference between A and B is shown": scoresOf(1.1, 0.9, 1.1, 0.9, 1.1, 0.9),
		"A against B: ":                          scoresOf(1.1, 0.9),
	} {
		if got := NewDifference("A", a, "B", base, false).String(); !strings.HasPrefix(got, want) {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// Ten conversations are resampled, nine are not enough: then their windows are.
func TestUnits_ConversationsIfEnough(t *testing.T) {
	t.Parallel()
	var list []observation
	for i := range 18 {
		list = append(list, observation{Window: i, Conversation: i / 2, Sum: 1, Weight: 1})
	}
	if of, by := units(list); by.Resampled != "windows" || len(of) != 18 {
		t.Errorf("%+v, %d units", by, len(of))
	}
	list = append(list, observation{Window: 18, Conversation: 9, Sum: 1, Weight: 1})
	if of, by := units(list); by.Resampled != "conversations" || by.Units != 10 || len(of) != 10 || of[0].Weight != 2 {
		t.Errorf("%+v, %+v", by, of)
	}
}

// The figures of two models are compared message by message.
func TestDifference_AddReports(t *testing.T) {
	t.Parallel()
	report := func(right, loss float64) *Report {
		r := &Report{WhoSaidItDetail: new(AuthorDetail), NextMessage: new(NextMessage)}
		for i := range 8 {
			r.WhoSaidItDetail.right = append(r.WhoSaidItDetail.right, observation{i, i, right, 1})
			r.NextMessage.Speaker.losses = append(r.NextMessage.Speaker.losses, observation{i, i, loss + float64(i), 1})
			r.NextMessage.Delay.losses = append(r.NextMessage.Delay.losses, observation{i, i, loss, 1})
		}
		return r
	}
	d := NewDifference("A", scoresOf(1, 1, 1, 1, 1, 1, 1, 1), "B", scoresOf(1, 1, 1, 1, 1, 1, 1, 1), false)
	d.AddReports(report(1, 0.5), report(0, 0.75))
	if w, s := d.WhoSaidIt, d.Speaker; w.Difference != 1 || w.Interval[0] != 1 || !close1(s.Difference, -0.25) || !close1(s.Interval[1], -0.25) {
		t.Errorf("%+v, %+v", w, s)
	}
	want := "who writes next, A minus B: -0.250 nats (95% interval -0.250 to -0.250)"
	if got := d.sentences(); len(got) != 3 || got[1] != want {
		t.Errorf("%q", got)
	}
}
