package batch

import "ventriloquist/engine"

// Size is the room that windows take in a batch.
type Size struct {
	Tokens, Windows, Targets int
}

// Plus returns the size with one more window.
func (s Size) Plus(w *Window) Size {
	return Size{Tokens: s.Tokens + len(w.IDs), Windows: s.Windows + 1, Targets: s.Targets + w.TargetTokens()}
}

// Fits reports whether a batch with these limits has room.
func (s Size) Fits(limits engine.TrainLimits) bool {
	return s.Tokens <= limits.MaxTokens && s.Windows <= limits.MaxWindows && s.Targets <= limits.MaxTargets
}

// Fill lays the windows end to end in b and lists their targets, each with weight 1. The windows must fit.
func Fill(b *engine.Batch, ws []Window) Size {
	var size Size
	for i := range ws {
		w := &ws[i]
		b.WindowBegin[i] = int32(size.Tokens)
		copy(b.IDs[size.Tokens:], w.IDs)
		context := len(w.IDs) - w.TargetTokens() // at least 1: the header is never a target
		for t, id := range w.IDs[context:] {
			b.TargetRow[size.Targets+t] = int32(size.Tokens + context + t - 1) // the row before predicts it
			b.TargetID[size.Targets+t] = id
			b.TargetWeight[size.Targets+t] = 1
		}
		size = size.Plus(w)
	}
	b.WindowBegin[len(ws)] = int32(size.Tokens)
	return size
}
