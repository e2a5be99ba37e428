package generate

import (
	"slices"

	"ventriloquist/engine"
)

// sampleEach gives each draft its next token, from its row of what the cache keeps. A row of which few tokens can be drawn
// is narrowed down where it lies; only of the others all logits are brought here.
func (g *Generator) sampleEach(drafts []*draft, o Options, s Stream) error {
	all := make([]allowedTokens, len(drafts))
	narrow := make([]bool, len(drafts))
	for i, d := range drafts {
		all[i] = g.allowedAfter(d, o)
		narrow[i] = o.Temperature == 0 || all[i].ids != nil && len(all[i].ids) <= engine.MaxCandidates
	}
	chosen, err := g.selectCandidates(all, narrow, o)
	if err != nil {
		return err
	}
	for i, d := range drafts {
		var id int32
		if narrow[i] {
			id, err = d.sampler.pickSelected(chosen[i])
		} else {
			id, err = g.pickFromAll(d.sampler, i, all[i].ids)
		}
		if err != nil {
			return err
		}
		if d.line != nil {
			at, _ := slices.BinarySearch(all[i].ids, id)
			d.line.advance(all[i].next[at])
		}
		g.addToken(d, id, o, s)
	}
	return nil
}

func (g *Generator) allowedAfter(d *draft, o Options) allowedTokens {
	if d.line != nil {
		return d.line.allowed()
	}
	if len(d.IDs)+1 < o.MinNewTokens {
		return allowedTokens{ids: g.tokensThatContinue()}
	}
	return allowedTokens{}
}

// selectCandidates narrows down the rows that are narrow; of the others it gives nothing.
func (g *Generator) selectCandidates(all []allowedTokens, narrow []bool, o Options) ([]engine.Candidates, error) {
	if !slices.Contains(narrow, true) {
		return nil, nil
	}
	words := engine.MaskWords(g.model.VocabSize())
	g.masks = slices.Grow(g.masks[:0], len(all)*words)[:len(all)*words]
	g.below = g.below[:0]
	for i, m := range all {
		g.below = append(g.below, negligible*o.Temperature)
		mask := g.masks[i*words : (i+1)*words]
		if narrow[i] && m.ids == nil {
			for j := range mask {
				mask[j] = ^uint32(0)
			}
			continue
		}
		clear(mask)
		if narrow[i] {
			for _, id := range m.ids {
				mask[id/32] |= 1 << (id % 32)
			}
		}
	}
	return g.cache.Candidates(len(all), g.masks, g.below)
}

func (g *Generator) pickFromAll(s *sampler, row int, ids []int32) (int32, error) {
	vocab := g.model.VocabSize()
	g.logits = slices.Grow(g.logits[:0], vocab)[:vocab]
	if err := g.cache.Logits(row, g.logits); err != nil {
		return 0, err
	}
	index, err := s.pick(g.logits, ids)
	if err != nil || ids == nil {
		return int32(index), err
	}
	return ids[index], nil
}
