package evaluate

import (
	"context"
	"fmt"

	"ventriloquist/internal/canary"
	"ventriloquist/internal/windows"
)

// AlternativeSentences is how many random sentences each planted one is compared with.
const AlternativeSentences = 255

// Canaries ranks planted sentences among random ones, by how likely the model finds each in the place where they were planted. The
// session has CanarySequences sequences and room for CanaryTokens tokens.
func (s *Set) Canaries(ctx context.Context, session Sequence, f *canary.File, p windows.Progress) (*canary.Report, error) {
	alternatives := canary.Alternatives(AlternativeSentences, f.Seed)
	var ranks []canary.Rank
	for i, c := range f.Canaries {
		rank, err := s.rankOf(ctx, session, &c, alternatives)
		if err != nil {
			return nil, fmt.Errorf("canary %d: %w", i+1, err)
		}
		ranks = append(ranks, canary.Rank{Times: c.Times, Rank: rank})
		p.Report(int64(i+1), int64(len(f.Canaries)))
	}
	return canary.NewReport(ranks, AlternativeSentences), nil
}

// CanarySequences is how many sequences of a session Canaries uses.
const CanarySequences = 1 + atOnce

// CanaryTokens is the room that ranking a planted sentence takes, where a name is not extraordinarily long.
func (s *Set) CanaryTokens() int { return max(4096, s.SequenceTokens()) }

// rankOf returns 1 plus the number of alternatives that the model finds at least as likely.
func (s *Set) rankOf(ctx context.Context, session Sequence, c *canary.Canary, alternatives []string) (int, error) {
	if err := session.Truncate(0, 0); err != nil {
		return 0, err
	}
	header := windows.AppendHeader(nil, windows.NewHeader(c.Type, c.Members, c.Start))
	ids := s.encoder.AppendEncodeOrdinary(nil, string(header))
	if err := prefill(ctx, session, ids); err != nil {
		return 0, err
	}
	lines := make([]candidate, 0, 1+len(alternatives))
	for _, text := range append([]string{c.Text}, alternatives...) {
		m := c.Message()
		m.Text = text
		lines = append(lines, s.candidate(m))
	}
	texts, _, err := scoreLines(session, len(ids), lines, -1)
	if err != nil {
		return 0, err
	}
	rank := 1
	for _, other := range texts[1:] {
		if other >= texts[0] {
			rank++
		}
	}
	return rank, ctx.Err()
}
