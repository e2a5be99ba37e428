package evaluate

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"ventriloquist/internal/evaluate/leaks"
	"ventriloquist/internal/evaluate/style"
	"ventriloquist/internal/generate"
	"ventriloquist/internal/windows"
)

// Moment is a target message and what a model writes in its place.
type Moment struct {
	Window  int // in the source
	Header  windows.Header
	Context []windows.Message // what the model reads, oldest first
	Real    windows.Message
	Written []windows.Message // none yet, or as many as were asked for
	memory  []string          // texts of earlier messages that the model reads, too
	prompt  []int32
}

// Moments returns at most n target messages, spread evenly over those of the set that are by members of their conversations.
// Reactions are left out: their words are not the person's.
func (s *Set) Moments(n int) ([]*Moment, error) {
	var all []*Moment
	for _, i := range s.Windows {
		w, err := s.source.Window(i)
		if err != nil {
			return nil, err
		}
		ids, err := s.reader.Tokenize(i, w)
		if err != nil {
			return nil, err
		}
		c := &Comparison{Where: s.source.Where(i)}
		if err := c.read(w, ids.Cut); err != nil {
			return nil, err
		}
		memory, err := memoryTexts(w)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.Where, err)
		}
		lines := append(c.Context, c.Real)
		at := len(ids.IDs) - ids.TargetTokens()
		for t, tokens := range ids.Targets {
			place := len(lines) - len(ids.Targets) + t
			if m := lines[place]; slices.Contains(c.Header.Members, m.Name) && m.ContentType != "reaction" {
				all = append(all, &Moment{Window: i, Header: c.Header, Context: lines[:place:place], Real: m, memory: memory, prompt: ids.IDs[:at:at]})
			}
			at += tokens
		}
	}
	n = min(n, len(all))
	some := make([]*Moment, n)
	for i := range some {
		some[i] = all[(2*i+1)*len(all)/(2*n)]
	}
	return some, nil
}

// memoryTexts returns the texts of the earlier messages of a window's memory.
func memoryTexts(w *windows.Window) (texts []string, err error) {
	for _, line := range w.Memory {
		m, err := windows.ParseMemory(line)
		if err != nil {
			return nil, err
		}
		texts = append(texts, m.Text)
	}
	return texts, nil
}

// WriteMoments has the model write count messages in the place of each moment's, as its author. Moments of one window share what is
// read of it.
func (s *Set) WriteMoments(ctx context.Context, w Generator, moments []*Moment, count int, o generate.Options, p windows.Progress) error {
	for i, m := range moments {
		o.First = i * count
		prompt := s.encoder.AppendEncodeOrdinary(slices.Clone(m.prompt), generate.Prefill(m.Real.Name))
		written, err := w.Continue(ctx, prompt, count, o, nil)
		if err != nil {
			return err
		}
		m.Written = nil
		for _, c := range written {
			// A message that is cut off at the maximum of new tokens is none.
			if message, err := generate.ParseContinuation(m.Real.Name, c.Text); err == nil {
				m.Written = append(m.Written, message)
			}
		}
		p.Report(int64(i+1), int64(len(moments)))
	}
	return nil
}

// StylePeople sorts the texts of moments and of the windows trained on by person.
func (s *Set) StylePeople(ctx context.Context, moments []*Moment) ([]style.Person, error) {
	people := make(map[string]*style.Person)
	of := func(name string) *style.Person {
		if people[name] == nil {
			people[name] = &style.Person{Name: name}
		}
		return people[name]
	}
	for _, m := range moments {
		person := of(m.Real.Name)
		person.Real = append(person.Real, m.Real.Text)
		for _, written := range m.Written {
			if written.ContentType != "reaction" {
				person.Written = append(person.Written, written.Text)
			}
		}
		for _, name := range m.Header.Members {
			if name != m.Real.Name {
				of(name).Others = append(of(name).Others, m.Real.Text)
			}
		}
	}
	err := s.eachTrained(ctx, func(members []string, m *windows.Message) {
		if m.ContentType == "reaction" {
			return
		}
		of(m.Name).Trained = append(of(m.Name).Trained, m.Text)
		for _, name := range members {
			if name != m.Name {
				of(name).OthersTrain = append(of(name).OthersTrain, m.Text)
			}
		}
	})
	var list []style.Person
	for _, name := range slices.Sorted(maps.Keys(people)) {
		if p := people[name]; len(p.Real) > 0 {
			list = append(list, *p)
		}
	}
	return list, err
}

// eachTrained visits the target messages of all windows that are not held out.
func (s *Set) eachTrained(ctx context.Context, visit func(members []string, m *windows.Message)) error {
	train, _ := windows.Split(s.source)
	for _, i := range train {
		if err := ctx.Err(); err != nil {
			return err
		}
		w, err := s.source.Window(i)
		if err != nil {
			return err
		}
		c := &Comparison{}
		if err := c.read(w, len(w.Lines)-w.Targets); err != nil {
			return err
		}
		for _, m := range append(c.Context, c.Real) {
			visit(c.Header.Members, &m)
		}
	}
	return nil
}

// LeakTexts returns the texts that were trained on, and at each moment what was written and what is real.
func (s *Set) LeakTexts(ctx context.Context, moments []*Moment) (trained []string, written, real []leaks.Text, err error) {
	for _, m := range moments {
		before := slices.Clone(m.memory)
		for i := range m.Context {
			before = append(before, m.Context[i].Text)
		}
		text := leaks.Text{Context: strings.Join(before, "\n"), Unit: m.Window}
		text.Text = m.Real.Text
		real = append(real, text)
		for i := range m.Written {
			text.Text = m.Written[i].Text
			written = append(written, text)
		}
	}
	err = s.eachTrained(ctx, func(_ []string, m *windows.Message) { trained = append(trained, m.Text) })
	return trained, written, real, err
}
