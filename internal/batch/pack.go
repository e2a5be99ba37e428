package batch

// Memory is the memory of one batch, which the engine owns: the lengths of the slices are its limits.
type Memory struct {
	IDs          []int32   // windows end to end
	WindowBegin  []int32   // first row of each window, then the number of rows: one longer than the windows
	TargetRow    []int32   // the row whose output predicts the target: the one of the token before it
	TargetID     []int32   // the target
	TargetWeight []float32 // its share of loss and gradient: always 1
}

// Size is what some windows take.
type Size struct {
	Tokens, Windows, Targets int
}

// Plus is the size with one more window.
func (s Size) Plus(w *Window) Size {
	return Size{Tokens: s.Tokens + len(w.IDs), Windows: s.Windows + 1, Targets: s.Targets + w.Targets}
}

// Fits says whether no part of s is over limit's.
func (s Size) Fits(limit Size) bool {
	return s.Tokens <= limit.Tokens && s.Windows <= limit.Windows && s.Targets <= limit.Targets
}

// Fill lays the windows end to end and lists their targets. They must fit.
func Fill(m Memory, ws []Window) Size {
	var size Size
	for i := range ws {
		w := &ws[i]
		m.WindowBegin[i] = int32(size.Tokens)
		copy(m.IDs[size.Tokens:size.Tokens+len(w.IDs)], w.IDs)
		context := len(w.IDs) - w.Targets // at least 1: the header is never a target
		for t, id := range w.IDs[context:] {
			m.TargetRow[size.Targets+t] = int32(size.Tokens + context + t - 1)
			m.TargetID[size.Targets+t] = id
			m.TargetWeight[size.Targets+t] = 1
		}
		size = size.Plus(w)
	}
	m.WindowBegin[len(ws)] = int32(size.Tokens)
	return size
}
