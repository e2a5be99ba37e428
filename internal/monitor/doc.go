// Package monitor shows training runs in a terminal while they train, and afterwards: loss curves, the held-out loss per person,
// rate, memory, time left, and samples as they are written.
//
// In: the logs of runs (runlog), whether a run trains now, a terminal. Out: a screen, or a plain summary. It only reads: closing it
// leaves the runs alone. It must not know: how a model is trained, where runs are looked for.
package monitor
