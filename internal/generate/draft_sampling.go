package generate

import (
	"slices"

	"ventriloquist/engine"
)

// sampleEach draws the next token of drafts[i] from row rows[i] of the logits in the cache; the rows ascend. Where few tokens can
// be drawn and none is penalized, the device selects the candidates; otherwise all logits of the row are copied from it.
func (g *Generator) sampleEach(drafts []*draft, rows []int, o Options, s Stream) error {
	all := make([]allowedTokens, len(drafts))
	onDevice := make(map[int]allowedTokens) // by row
	for i, d := range drafts {
		all[i] = g.allowedAfter(d, o)
		few := o.Temperature == 0 || all[i].ids != nil && len(all[i].ids) <= engine.MaxCandidates
		if few && !(o.penalizes() && len(d.repeated) > 0) {
			onDevice[rows[i]] = all[i]
		}
	}
	candidates, err := g.selectCandidates(rows[len(rows)-1]+1, onDevice, o)
	if err != nil {
		return err
	}
	for i, d := range drafts {
		var id int32
		if _, selected := onDevice[rows[i]]; selected {
			id, err = d.sampler.pickSelected(candidates[rows[i]])
		} else {
			id, err = g.sampleFromLogits(d, rows[i], all[i].ids)
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

// selectCandidates has the device select the candidates of some of the first rows, by the tokens allowed there; the other rows get
// none.
func (g *Generator) selectCandidates(rows int, allowed map[int]allowedTokens, o Options) ([]engine.Candidates, error) {
	if len(allowed) == 0 {
		return nil, nil
	}
	words := engine.MaskWords(g.model.VocabSize())
	g.masks = slices.Grow(g.masks[:0], rows*words)[:rows*words]
	g.below = g.below[:0]
	for row := range rows {
		g.below = append(g.below, negligible*o.Temperature)
		mask := g.masks[row*words : (row+1)*words]
		clear(mask)
		tokens, wanted := allowed[row]
		if wanted && tokens.ids == nil {
			for j := range mask {
				mask[j] = ^uint32(0)
			}
		}
		for _, id := range tokens.ids {
			mask[id/32] |= 1 << (id % 32)
		}
	}
	return g.cache.Candidates(rows, g.masks, g.below)
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
