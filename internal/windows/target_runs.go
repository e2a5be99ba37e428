package windows

// targetRun is a run of consecutive messages that are all targets. Each window has stride of them, the last one those that remain.
type targetRun struct{ first, last int64 }

// messages returns the number of targets of a run.
func (r targetRun) messages() int64 { return r.last - r.first + 1 }

// windows returns the number of windows of a run.
func (r targetRun) windows(stride int64) int64 { return (r.messages() + stride - 1) / stride }

// addTarget adds the next message that may be a target.
func (b *builder) addTarget(id int64) {
	if n := len(b.runs); n > 0 && b.runs[n-1].last == id-1 {
		b.runs[n-1].last = id
		return
	}
	b.runs = append(b.runs, targetRun{id, id})
}

// insertRuns inserts the windows of the current conversation: those to train on, then those held out, which have one target.
func (b *builder) insertRuns() error {
	train, heldOut := splitRuns(b.runs, b.options.HeldOut)
	trained, err := b.insertWindows(train, int64(b.options.Stride), false)
	if err != nil {
		return err
	}
	held, err := b.insertWindows(heldOut, 1, true)
	if err != nil {
		return err
	}
	if held > 0 {
		b.summary.HeldOutOf++
	}
	b.summary.HeldOut += held
	b.summary.Windows += trained + held
	b.summary.ExportBytes += b.bytes * min(b.lines, int64(b.options.Window)) / b.lines * (trained + held)
	return nil
}

// insertWindows inserts the windows of these runs, and returns their number.
func (b *builder) insertWindows(runs []targetRun, stride int64, heldOut bool) (count int64, err error) {
	for _, r := range runs {
		if err := b.insertRun.Add(int64(b.summary.Conversations), r.first, r.last, stride, int64(b.options.Window), heldOut, int64(b.options.Memory)); err != nil {
			return 0, err
		}
		count += r.windows(stride)
	}
	return count, nil
}
