package chatui

import (
	"context"
	"slices"
	"testing"
)

// asking is a dialogue in which every turn asks a question.
type asking struct {
	turns     []string
	questions int
	news      chan struct{}
	refreshed int
}

func (a *asking) Enter(_ context.Context, turn string) (bool, error) {
	a.turns = append(a.turns, turn)
	a.questions++
	return false, nil
}
func (a *asking) Completer() func(string) (int, []string) { return nil }
func (a *asking) Speaker() string                         { return "" }
func (a *asking) News() <-chan struct{}                   { return a.news }
func (a *asking) Refresh(context.Context)                 { a.refreshed++ }
func (a *asking) Question() int                           { return a.questions }

// A turn that was typed before a question was shown does not answer it.
func TestModel_EarlyTurnsAnswerNoQuestion(t *testing.T) {
	t.Parallel()
	d := &asking{}
	m := &model{ctx: t.Context(), dialogue: d, ready: true, waiting: []string{"/send 1", "yes"}}
	m.next()
	m.working.Done() // the turn is run here instead of by the program
	quit, err := d.Enter(m.ctx, "/send 1")
	m.Update(turnMsg{quit, err})
	if len(m.waiting) > 0 || m.busy || !slices.Equal(d.turns, []string{"/send 1"}) {
		t.Errorf("turns %q, waiting %q", d.turns, m.waiting)
	}
}

// News are printed between turns, before the next one.
func TestModel_PrintsNewsBetweenTurns(t *testing.T) {
	t.Parallel()
	d := &asking{news: make(chan struct{}, 1)}
	m := &model{ctx: t.Context(), dialogue: d, ready: true, busy: true, waiting: []string{"hey"}}
	d.news <- struct{}{}
	if msg := m.listen()(); msg != (newsMsg{}) {
		t.Fatalf("after news comes %T", msg)
	}
	if m.Update(newsMsg{}); !m.news {
		t.Error("news were lost during a turn")
	}
	m.Update(turnMsg{})
	if m.news || !m.busy || len(m.waiting) != 1 {
		t.Errorf("news %v, busy %v, waiting %q", m.news, m.busy, m.waiting)
	}
}
