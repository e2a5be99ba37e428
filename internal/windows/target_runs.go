package windows

// targetRun is a run of consecutive messages that are all targets. Each window has stride of them, the last one those that remain.
type targetRun struct{ first, last int64 }

// windows returns the number of windows of a run.
func (r targetRun) windows(stride int64) int64 { return (r.last - r.first + stride) / stride }

// addTarget adds the next message that may be a target.
func (b *builder) addTarget(id int64) {
	if n := len(b.runs); n > 0 && b.runs[n-1].last == id-1 {
		b.runs[n-1].last = id
		return
	}
	b.runs = append(b.runs, targetRun{id, id})
}

// insertRuns inserts the windows of the current conversation.
func (b *builder) insertRuns(members string) error {
	stride := int64(b.options.Stride)
	for _, r := range b.runs {
		if err := b.insertRun.Add(int64(b.summary.Conversations), r.first, r.last, stride, int64(b.options.Window)); err != nil {
			return err
		}
		b.windows[members] += r.windows(stride)
	}
	return nil
}

// countWindows counts the windows, and those that are held out: the last of each set of members.
func (b *builder) countWindows() {
	for _, n := range b.windows {
		b.summary.Windows += n
		b.summary.HeldOut += heldOutOf(n)
	}
}
