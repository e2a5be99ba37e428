package tune

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"testing"
)

// landscape is a trainer whose loss is lowest at a learning rate of 2e-3, rank 32 and three epochs, and falls with the share.
type landscape struct {
	trained []Trial
	kept    []byte // the last state
	dies    int    // after so many trials; 0: never
	fails   float64
	slow    float64 // factor of the seconds after the probe
}

var errKilled = errors.New("killed")

func (l *landscape) Work(t Trial) float64 { return t.Share * t.Settings.Epochs }

func (l *landscape) Train(_ context.Context, t Trial) (Result, error) {
	if l.dies > 0 && len(l.trained) == l.dies {
		return Result{}, errKilled
	}
	l.trained = append(l.trained, t)
	s := t.Settings
	r := Result{Trial: t.Number, Rung: t.Rung, Settings: s, Steps: int(100 * t.Share), Seconds: 60 * l.Work(t)}
	if l.slow > 0 && len(l.trained) > 1 {
		r.Seconds *= l.slow
	}
	if s.LearningRate == l.fails {
		r.Failed = "the loss is not finite"
		return r, nil
	}
	r.Loss = 1 + math.Abs(math.Log(s.LearningRate/2e-3))/10 + math.Abs(float64(s.Rank-32))/1000 + math.Abs(s.Epochs-3)/100 + s.Dropout/100 - t.Share/10
	return r, nil
}

func (l *landscape) Keep(s *State) (err error) {
	l.kept, err = json.Marshal(s)
	return err
}

func space() Space {
	return Space{Base: Settings{2.5e-4, 128, 2, 0.05}, LearningRates: []float64{2.5e-4, 5e-4, 1e-3, 2e-3, 4e-3}, Ranks: []int{8, 32, 128},
		Epochs: []float64{1, 2, 3}, Dropouts: []float64{0, 0.05}}
}

func TestSearch_FindsAGoodPlace(t *testing.T) {
	t.Parallel()
	l := &landscape{fails: 4e-3}
	s := &State{Seed: 1, Space: space(), Minutes: 40}
	if err := s.Run(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	best := s.Best()
	if !s.Done || s.TimeUp || best == nil || best.Settings.LearningRate != 2e-3 || best.Rung != len(s.Rungs)-1 {
		t.Errorf("the best is %+v of %+v", best, s.Rungs)
	}
	if s.Seconds() > 60*40 {
		t.Errorf("%.0f seconds", s.Seconds())
	}
	if e := s.Effects(); len(e) != 4 || e[0].Name != "learning rate" || e[0].Values[0].Value != 2e-3 || e[0].Spread() <= 0 {
		t.Errorf("effects: %+v", e)
	}
	last := s.ranked(len(s.Rungs) - 1)
	base := false
	for _, r := range last {
		base = base || r.Trial == 0
		if r.Failed != "" {
			t.Errorf("a failed trial went on: %+v", r)
		}
	}
	if !base {
		t.Error("the settings that were there before are not compared to the end")
	}
}

// A search that is killed after any trial and continued ends as one that was not.
func TestSearch_KilledEndsTheSame(t *testing.T) {
	t.Parallel()
	begin := func() *State { return &State{Seed: 3, Space: space(), Minutes: 15} }
	whole := &landscape{}
	if err := begin().Run(t.Context(), whole); err != nil {
		t.Fatal(err)
	}
	for dies := 1; dies < len(whole.trained); dies++ {
		killed := &landscape{dies: dies}
		if err := begin().Run(t.Context(), killed); !errors.Is(err, errKilled) {
			t.Fatal(err)
		}
		var state State
		if err := json.Unmarshal(killed.kept, &state); err != nil {
			t.Fatal(err)
		}
		again := &landscape{}
		if err := state.Run(t.Context(), again); err != nil {
			t.Fatal(err)
		}
		if string(again.kept) != string(whole.kept) {
			t.Errorf("killed after %d trials:\n%s\n%s", dies, again.kept, whole.kept)
		}
		if !reflect.DeepEqual(append(killed.trained, again.trained...), whole.trained) {
			t.Errorf("killed after %d trials, other trials ran", dies)
		}
	}
}

func TestSearch_KeepsToItsBudget(t *testing.T) {
	t.Parallel()
	for _, minutes := range []float64{0.1, 1, 5, 20, 100, 1e6} {
		l := &landscape{}
		s := &State{Seed: 1, Space: space(), Minutes: minutes}
		if err := s.Run(t.Context(), l); err != nil {
			t.Fatal(err)
		}
		if s.Best() == nil || minutes >= 1 && s.Seconds() > 1.2*60*minutes {
			t.Errorf("%g minutes: %.0f seconds, %+v", minutes, s.Seconds(), s.Rungs)
		}
	}
	// The machine becomes slower: the search ends in time, with what it has.
	l := &landscape{slow: 4}
	s := &State{Seed: 1, Space: space(), Minutes: 20}
	if err := s.Run(t.Context(), l); err != nil || !s.TimeUp || !s.Done || s.Best() == nil {
		t.Errorf("%v: %+v", err, s)
	}
}

func TestRungs_EndWithFinalists(t *testing.T) {
	t.Parallel()
	for n, want := range map[int][]int{1: {1}, 3: {3}, 4: {4, 3}, 9: {9, 3}, 12: {12, 4, 3}, 27: {27, 9, 3}} {
		var got []int
		list := rungs(n, 1)
		for _, r := range list {
			got = append(got, r.Trials)
		}
		if !reflect.DeepEqual(got, want) || list[len(list)-1].Share != 1 {
			t.Errorf("%d: %+v", n, list)
		}
	}
}
