package generate

import (
	"math"
	"slices"

	"ventriloquist/engine"
)

// sampleEach draws the next token of drafts[i] from row rows[i] of the logits in the cache; the rows ascend. Where few tokens can
// be drawn and none is penalized, the device selects the candidates; otherwise all logits of the row are copied from it.
func (g *Generator) sampleEach(drafts []*draft, rows []int) error {
	all := make([]allowedTokens, len(drafts))
	onDevice := make(map[int]allowedTokens) // by row
	below := make([]float64, rows[len(rows)-1]+1)
	for i, d := range drafts {
		all[i] = g.allowedAfter(d)
		few := d.options.Temperature == 0 || all[i].ids != nil && len(all[i].ids) <= engine.MaxCandidates
		if few && !d.sampler.changesLogits() {
			onDevice[rows[i]] = all[i]
			below[rows[i]] = negligible * d.options.Temperature
		}
	}
	candidates, err := g.selectCandidates(below, onDevice)
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
		token := Token{ID: id}
		if d.options.LogProbs {
			if err := g.addLogProbs(&token, rows[i], d.options.TopLogProbs); err != nil {
				return err
			}
		}
		g.addToken(d, token)
	}
	return nil
}

// allowedAfter returns the tokens that may come next in a draft.
func (g *Generator) allowedAfter(d *draft) allowedTokens {
	if d.line != nil {
		return d.line.allowed()
	}
	if len(d.IDs)+1 < d.options.MinNewTokens {
		return allowedTokens{ids: g.tokensThatContinue()}
	}
	return allowedTokens{}
}

// selectCandidates has the device select the candidates of some of the first rows, by the tokens allowed there; the other rows get
// none.
func (g *Generator) selectCandidates(below []float64, allowed map[int]allowedTokens) ([]engine.Candidates, error) {
	if len(allowed) == 0 {
		return nil, nil
	}
	words := engine.MaskWords(g.model.VocabSize())
	rows := len(below)
	g.masks = slices.Grow(g.masks[:0], rows*words)[:rows*words]
	for row := range rows {
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
	return g.cache.Candidates(rows, g.masks, below)
}

// sampleFromLogits draws the next token of a draft from all logits of a row.
func (g *Generator) sampleFromLogits(d *draft, row int, ids []int32) (int32, error) {
	if err := g.readLogits(row); err != nil {
		return 0, err
	}
	d.sampler.penalize(g.logits)
	index, err := d.sampler.pick(g.logits, ids)
	if err != nil || ids == nil {
		return int32(index), err
	}
	return ids[index], nil
}

// readLogits copies a row of the logits in the cache.
func (g *Generator) readLogits(row int) error {
	vocab := g.model.VocabSize()
	g.logits = slices.Grow(g.logits[:0], vocab)[:vocab]
	return g.cache.Logits(row, g.logits)
}

// addLogProbs sets the log probabilities of a token that was drawn from a row.
func (g *Generator) addLogProbs(t *Token, row, top int) error {
	if err := g.readLogits(row); err != nil {
		return err
	}
	highest := float64(slices.Max(g.logits))
	var sum float64
	for _, l := range g.logits {
		sum += math.Exp(float64(l) - highest)
	}
	norm := highest + math.Log(sum)
	t.LogProb = float64(g.logits[t.ID]) - norm
	for range top {
		best := -1
		for id, l := range g.logits {
			if (best < 0 || l > g.logits[best]) && !slices.ContainsFunc(t.Top, func(p TokenProb) bool { return int(p.ID) == id }) {
				best = id
			}
		}
		t.Top = append(t.Top, TokenProb{ID: int32(best), LogProb: float64(g.logits[best]) - norm})
	}
	return nil
}
