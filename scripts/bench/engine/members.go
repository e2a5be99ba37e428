package main

import (
	"fmt"
	"time"

	"ventriloquist/engine"
)

// memberCounts are the sizes of the conversations.
var memberCounts = []int{1, 2, 4, 8}

// members measures what it costs to ask who of several people said a message: the context of -tokens tokens is read once, and then the
// line of -targets tokens under each name, all at once. It reports the messages per second, and the cost against one member.
func members(o options, m *engine.Model, a *engine.Adapter, result map[string]any) error {
	most := memberCounts[len(memberCounts)-1]
	s, err := m.NewSession(a, o.tokens+(most+1)*(o.targets+64), most)
	if err != nil {
		return err
	}
	defer s.Close()
	vocab := m.Config().Vocab
	context, line := make([]int32, o.tokens), make([]int32, o.targets)
	for i := range context {
		context[i] = int32((i*37 + 11) % vocab)
	}
	for i := range line {
		line[i] = int32((i*53 + 7) % vocab)
	}
	best := map[int]time.Duration{}
	for range o.repeat {
		for _, count := range memberCounts {
			took, err := askMembers(s, context, line, count)
			if err != nil {
				return err
			}
			if best[count] == 0 || took < best[count] {
				best[count] = took
			}
		}
	}
	for _, count := range memberCounts {
		result[fmt.Sprintf("messages_per_second_%d", count)] = 1 / best[count].Seconds()
		result[fmt.Sprintf("cost_%d", count)] = best[count].Seconds() / best[1].Seconds()
	}
	return nil
}

// askMembers returns how long it takes to read a context and score a line count times.
func askMembers(s *engine.Session, context, line []int32, count int) (time.Duration, error) {
	if err := s.Truncate(0, 0); err != nil {
		return 0, err
	}
	var sequences []int
	var lines, argmax [][]int32
	var logProb [][]float32
	begun := time.Now()
	if err := s.Prefill(0, context, nil); err != nil {
		return 0, err
	}
	for i := range count {
		if i > 0 { // the last goes on with the text itself
			if err := s.Fork(0, i); err != nil {
				return 0, err
			}
		}
		sequences, lines = append(sequences, i), append(lines, line)
		logProb, argmax = append(logProb, make([]float32, len(line)-1)), append(argmax, make([]int32, len(line)-1))
	}
	if err := s.ScoreEach(sequences, lines, logProb, argmax); err != nil {
		return 0, err
	}
	took := time.Since(begun)
	for i := 1; i < count; i++ {
		if err := s.Truncate(i, 0); err != nil {
			return 0, err
		}
	}
	return took, nil
}
