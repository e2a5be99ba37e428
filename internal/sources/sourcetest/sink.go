// Package sourcetest supports the tests of formats: a Sink that records what it receives.
package sourcetest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/people"
	"ventriloquist/internal/sources"
)

// Sink records the content of a source.
type Sink struct {
	Messages []sources.Message
	Chats    map[*sources.Chat]bool
	Counts   map[sources.Fate]int64
	Names    map[string]string
	Owns     map[string]int
	Sames    map[string]string
	Notes    []string
	Damage   []string
	Left     []sources.Message // messages whose content the export omits
}

// NewSink returns a sink that has received nothing.
func NewSink() *Sink {
	return &Sink{Chats: map[*sources.Chat]bool{}, Counts: map[sources.Fate]int64{}, Names: map[string]string{}, Owns: map[string]int{}, Sames: map[string]string{}}
}

// Message, Seen, Err, Count, Own, Name, Note and Progress implement sources.Sink.
func (s *Sink) Message(m *sources.Message) error {
	copied := *m
	copied.Parts = append([]sources.Part(nil), m.Parts...)
	s.Messages = append(s.Messages, copied)
	s.Chats[m.Chat] = true
	if m.IsReaction() {
		s.Counts[sources.Reactions]++
	} else {
		s.Counts[sources.Messages]++
	}
	return nil
}

func (s *Sink) Seen(m *sources.Message) error {
	s.Left = append(s.Left, *m)
	return nil
}

func (s *Sink) Err() error { return nil }

func (s *Sink) Count(f sources.Fate, n int64) { s.Counts[f] += n }

// Collected, Holds, HoldsTexts and Called know no source.
func (s *Sink) Collected(string) []string { return nil }

func (s *Sink) Called(string, string) ([]string, error) { return nil, nil }

func (s *Sink) Holds(string, []string) ([]bool, error) { return nil, nil }

func (s *Sink) HoldsTexts(string, map[string]bool) (int, error) { return 0, nil }

func (s *Sink) Unreadable(what string, units int64) {
	s.Damage = append(s.Damage, what)
	s.Counts[sources.Unread] += units
}

func (s *Sink) Own(address string) { s.Owns[address]++ }

func (s *Sink) Same(address, other string) { s.Sames[address] = other }

func (s *Sink) Name(address, name string) { s.Names[address] = name }

func (s *Sink) Note(format string, args ...any) {
	s.Notes = append(s.Notes, fmt.Sprintf(format, args...))
}

func (s *Sink) Progress(int64, int64) {}

// Read reads all of a source. The numbers must add up, and no two messages may have the same identifier.
func Read(t testing.TB, r sources.Reader) (*Sink, error) {
	t.Helper()
	s := NewSink()
	dated, finish := sources.Undated(s)
	total, err := r.Read(context.Background(), dated)
	if err == nil {
		err = finish()
	}
	if err != nil {
		return s, err
	}
	var sum int64
	for _, n := range s.Counts {
		sum += n
	}
	if sum != total {
		t.Errorf("the fates of %d of %d %s are told: %v", sum, total, r.Unit(), s.Counts)
	}
	seen := map[string]bool{}
	for i := range s.Messages {
		m := &s.Messages[i]
		if m.GUID == "" || seen[m.GUID] || m.Chat == nil || m.Chat.Source == "" || len(m.Parts) == 0 {
			t.Errorf("message %d is %+v", i, m)
		}
		seen[m.GUID] = true
	}
	return s, nil
}

// Lines formats the messages as "2024-03-15 19:02:03 who kind: words <- target".
func (s *Sink) Lines() []string {
	words := map[string]string{}
	var lines []string
	for i := range s.Messages {
		m := &s.Messages[i]
		if _, known := words[m.GUID]; !known {
			words[m.GUID] = m.Parts[0].Text
		}
	}
	for i := range s.Messages {
		m := &s.Messages[i]
		who := m.Sender
		if who == messages.Owner {
			who = "me"
		}
		for _, p := range m.Parts {
			line := fmt.Sprintf("%s %s %s: %s", m.Time.UTC().Format(time.DateTime), who, p.Kind, strings.ReplaceAll(p.Text, "\n", "|"))
			if p.Transcript != "" {
				line += " (" + p.Transcript + ")"
			}
			if m.ReplyTo != "" {
				line += " <- " + strings.ReplaceAll(words[m.ReplyTo], "\n", "|")
			}
			lines = append(lines, line)
		}
	}
	return lines
}

// Want compares the lines with the expected ones.
func (s *Sink) Want(t testing.TB, want ...string) {
	t.Helper()
	got := s.Lines()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("messages are\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// WantCounts compares the fates, except messages, with the expected ones.
func (s *Sink) WantCounts(t testing.TB, want map[sources.Fate]int64) {
	t.Helper()
	for f, n := range s.Counts {
		if f != sources.Messages && f != sources.Reactions && want[f] != n {
			t.Errorf("%d are %s, want %d", n, f, want[f])
		}
	}
	for f, n := range want {
		if s.Counts[f] != n {
			t.Errorf("%d are %s, want %d", s.Counts[f], f, n)
		}
	}
}

// Reading returns a Reading for an owner with these names, with times in UTC.
func Reading(own ...string) sources.Reading {
	book := people.NewBook(people.Self{Addresses: own})
	return sources.Reading{Zone: time.UTC, Asked: len(own) > 0, Normalize: book.Normalize, Owner: func(name string) bool {
		person, listed := book.Person(name)
		return listed && person == messages.Owner
	}}
}
