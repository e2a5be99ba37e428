package evaluate

import (
	"context"
	"encoding/json"
	"reflect"
	"testing"
)

// through returns a value as it is after it was kept as JSON.
func through[T any](t *testing.T, value T) (restored T) {
	t.Helper()
	text, err := json.Marshal(value)
	if err == nil {
		err = json.Unmarshal(text, &restored)
	}
	if err != nil {
		t.Fatal(err)
	}
	return restored
}

// Results of stages that were kept give the same report, and the same differences, as those that were measured now.
func TestSaved_RestoresAll(t *testing.T) {
	t.Parallel()
	set, model := newOracle(t, 0.5, []string{"Ann", "Ben"}, fourMessages...)
	next, err := set.NextMessage(context.Background(), model, nil)
	if err != nil {
		t.Fatal(err)
	}
	if restored := through(t, SaveNext(next)).Restore(); !reflect.DeepEqual(restored, next) {
		t.Errorf("next message: %+v, want %+v", restored, next)
	}
	saved, err := SaveAuthors(set.WhoSaidIt(context.Background(), &styles{letters: map[string]string{"Ann": "a"}}, nil))
	if err != nil {
		t.Fatal(err)
	}
	said, detail := through(t, saved).Restore()
	if wantSaid, wantDetail := saved.Restore(); !reflect.DeepEqual(said, wantSaid) || !reflect.DeepEqual(detail, wantDetail) {
		t.Errorf("who said it: %+v %+v", said, detail)
	}
	samples := &Samples{PerContact: map[string]*Validity{}}
	for i := range 3 {
		samples.add(sample{author: "Ann", window: i, conversation: 1}, []byte(`<1m", "text": "x"}`))
	}
	if restored := through(t, SaveSamples(samples)).Restore(); !reflect.DeepEqual(restored, samples) {
		t.Errorf("samples: %+v, want %+v", restored, samples)
	}
	if restored := SaveSamples(samples).Restore(); !reflect.DeepEqual(restored, samples) {
		t.Errorf("samples as they are: %+v, want %+v", restored, samples)
	}
	scores := &Scores{PerContact: map[string]*Tally{"Ann": {1, 3, 0.1 + 0.2}}, All: Tally{1, 3, 0.1 + 0.2}, Parts: []Part{{2, 1, "Ann", 3, 1. / 3}}}
	if restored := through(t, scores); !reflect.DeepEqual(restored, scores) {
		t.Errorf("scores: %+v, want %+v", restored, scores)
	}
}
