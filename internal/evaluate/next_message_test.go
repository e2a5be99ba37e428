package evaluate

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"ventriloquist/internal/windows"
)

// oracle gives a text that begins the next line of the conversation the share sure, and the others the rest.
type oracle struct {
	t      *testing.T
	window string // the whole text
	sure   float64
	asked  [][]string
}

func (o *oracle) Choose(_ context.Context, prompt []int32, texts []string) ([]float64, error) {
	var read []byte
	for _, id := range prompt {
		read = append(read, byte(id))
	}
	rest, found := strings.CutPrefix(o.window, string(read))
	if !found {
		o.t.Errorf("the prompt is not the window's beginning:\n%s", read)
	}
	o.asked = append(o.asked, texts)
	share := make([]float64, len(texts))
	for i, text := range texts {
		if share[i] = (1 - o.sure) / float64(len(texts)-1); strings.HasPrefix(rest, text) {
			share[i] = o.sure
		}
	}
	if !slices.Contains(share, o.sure) {
		o.t.Errorf("none of %q begins %q", texts, rest)
	}
	return share, nil
}

// newOracle returns a model of a window's text, and the set of that window.
func newOracle(t *testing.T, sure float64, members []string, targets ...windows.Message) (*Set, *oracle) {
	t.Helper()
	source := openConversations(t, members, targets...)
	w, err := source.Window(0)
	if err != nil {
		t.Fatal(err)
	}
	text := slices.Clone(w.Header)
	for i := range w.Lines {
		text = append(text, w.Lines[i].Text...)
	}
	return newSet(t, source, 1<<20), &oracle{t: t, window: string(text), sure: sure}
}

func quoting(m windows.Message, quote, delta, contentType string) windows.Message {
	m.ReplyTo, m.Delta, m.ContentType = &quote, delta, contentType
	return m
}

var fourMessages = []windows.Message{message("Ann", "a"), quoting(message("Ben", "b"), `, "text": "x", "reply_to": `, "1d+", "reaction"),
	message("Ben", "c"), message("Ann", "d")}

// A model that gives the real outcome half of the probability has a log-loss of ln 2; frequencies of two people who write as much, too.
func TestSet_NextMessageKnownCase(t *testing.T) {
	t.Parallel()
	set, model := newOracle(t, 0.5, []string{"Ann", "Ben"}, fourMessages...)
	got, err := set.NextMessage(context.Background(), model, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []Foresight{got.Speaker, got.Delay, got.ContentType} {
		if f.Messages != 4 || !close1(f.LogLoss, math.Ln2) {
			t.Errorf("%+v", f)
		}
	}
	if s := got.Speaker; !close1(s.FrequencyLogLoss, math.Ln2) || !close1(s.Majority, 0.5) {
		t.Errorf("speaker %+v", s)
	}
	// Three of four are plain texts, without delay.
	rare := -(3*math.Log(3./4) + math.Log(1./4)) / 4
	if d := got.Delay; !close1(d.FrequencyLogLoss, rare) || !close1(d.Majority, 0.75) || d.Accuracy != 1 {
		t.Errorf("delay %+v", d)
	}
	if k := got.ContentType; !close1(k.FrequencyLogLoss, rare) || k.Accuracy != 1 {
		t.Errorf("content type %+v", k)
	}
	want := []string{`{"name": "Ann", "`, `{"name": "Ben", "`}
	if !slices.Equal(model.asked[0], want) {
		t.Errorf("asked about %q", model.asked[0])
	}
	quoted := `{"name": "Ben", "delta": "1d+", "reply_to": ", \"text\": \"x\", \"reply_to\": ", "content_type": "reaction", "`
	if !slices.Contains(model.asked[5], quoted) {
		t.Errorf("asked about %q, want %q among them", model.asked[5], quoted)
	}
}

// A model that knows all has no loss; one that is sure of something else is wrong, but its loss is a number.
func TestSet_NextMessageSureModels(t *testing.T) {
	t.Parallel()
	for _, sure := range []float64{1, 0} {
		set, model := newOracle(t, sure, []string{"Ann", "Ben"}, fourMessages...)
		got, err := set.NextMessage(context.Background(), model, nil)
		if err != nil {
			t.Fatal(err)
		}
		if s := got.Speaker; s.Accuracy != sure || (s.LogLoss == 0) != (sure == 1) || math.IsInf(s.LogLoss, 0) {
			t.Errorf("sure %g: %+v", sure, s)
		}
	}
}

// A uniform model loses the log of the number of outcomes.
func TestSet_NextMessageUniformModel(t *testing.T) {
	t.Parallel()
	set, model := newOracle(t, 1./3, []string{"Ann", "Ben", "Cy"}, fourMessages...)
	got, err := set.NextMessage(context.Background(), model, nil)
	if err != nil || !close1(got.Speaker.LogLoss, math.Log(3)) {
		t.Errorf("%+v, %v", got, err)
	}
}
