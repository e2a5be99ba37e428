package main

import (
	"fmt"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// newProgress shows a progress bar on stderr if that is a terminal. report takes the amount done and the total, 0 if unknown;
// finish removes the bar.
func newProgress(title, unit string) (report func(done, total int64), finish func()) {
	if !term.IsTerminal(int(os.Stderr.Fd())) {
		return func(int64, int64) {}, func() {}
	}
	bar := newBar(title, unit)
	return func(done, total int64) { setBar(bar, done, total) }, func() { _ = bar.Clear() }
}

// newCostProgress is newProgress for describe, with the cost so far. report is nil without a terminal.
func newCostProgress() (report func(done, total int64, cost float64), finish func()) {
	if !term.IsTerminal(int(os.Stderr.Fd())) {
		return nil, func() {}
	}
	bar := newBar("describe", "files")
	report = func(done, total int64, cost float64) {
		if cost > 0 {
			bar.Describe(fmt.Sprintf("describe ($%.4f so far)", cost))
		}
		setBar(bar, done, total)
	}
	return report, func() { _ = bar.Clear() }
}

func newBar(title, unit string) *progressbar.ProgressBar {
	return progressbar.NewOptions64(-1, progressbar.OptionSetWriter(os.Stderr), progressbar.OptionSetDescription(title),
		progressbar.OptionSetItsString(unit), progressbar.OptionShowIts(), progressbar.OptionShowCount(),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(), progressbar.OptionFullWidth())
}

func setBar(bar *progressbar.ProgressBar, done, total int64) {
	if total > 0 && total != bar.GetMax64() {
		bar.ChangeMax64(total)
	}
	_ = bar.Set64(done) // not worth stopping for
}
