package generate

import (
	"slices"

	"ventriloquist/engine"
)

// sampleEach draws the next token of each draft from its row of logits in the cache. Where few tokens can be drawn and none is
// penalized, the device selects the candidates; otherwise all logits of the row are copied from it.
func (g *Generator) sampleEach(drafts []*draft, o Options, s Stream) error {
	all := make([]allowedTokens, len(drafts))
	onDevice := make([]bool, len(drafts))
	for i, d := range drafts {
		all[i] = g.allowedAfter(d, o)
		few := o.Temperature == 0 || all[i].ids != nil && len(all[i].ids) <= engine.MaxCandidates
		onDevice[i] = few && !(o.penalizes() && len(d.repeated) > 0)
	}
	candidates, err := g.selectCandidates(all, onDevice, o)
	if err != nil {
		return err
	}
	for i, d := range drafts {
		var id int32
		if onDevice[i] {
			id, err = d.sampler.pickSelected(candidates[i])
		} else {
			id, err = g.sampleFromLogits(d, i, all[i].ids)
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

// allowedAfter returns the tokens that may come next in a draft.
func (g *Generator) allowedAfter(d *draft, o Options) allowedTokens {
	if d.line != nil {
		return d.line.allowed()
	}
	if len(d.IDs)+1 < o.MinNewTokens {
		return allowedTokens{ids: g.tokensThatContinue()}
	}
	return allowedTokens{}
}

// selectCandidates has the device select the candidates of the rows marked in onDevice; the other rows get none.
func (g *Generator) selectCandidates(all []allowedTokens, onDevice []bool, o Options) ([]engine.Candidates, error) {
	if !slices.Contains(onDevice, true) {
		return nil, nil
	}
	words := engine.MaskWords(g.model.VocabSize())
	g.masks = slices.Grow(g.masks[:0], len(all)*words)[:len(all)*words]
	g.below = g.below[:0]
	for i, m := range all {
		g.below = append(g.below, negligible*o.Temperature)
		mask := g.masks[i*words : (i+1)*words]
		if onDevice[i] && m.ids == nil {
			for j := range mask {
				mask[j] = ^uint32(0)
			}
			continue
		}
		clear(mask)
		if onDevice[i] {
			for _, id := range m.ids {
				mask[id/32] |= 1 << (id % 32)
			}
		}
	}
	return g.cache.Candidates(len(all), g.masks, g.below)
}

// sampleFromLogits draws the next token of a draft from all logits of a row.
func (g *Generator) sampleFromLogits(d *draft, row int, ids []int32) (int32, error) {
	vocab := g.model.VocabSize()
	g.logits = slices.Grow(g.logits[:0], vocab)[:vocab]
	if err := g.cache.Logits(row, g.logits); err != nil {
		return 0, err
	}
	d.sampler.penalize(g.logits, d.repeated)
	index, err := d.sampler.pick(g.logits, ids)
	if err != nil || ids == nil {
		return int32(index), err
	}
	return ids[index], nil
}
