package main

import (
	"fmt"

	"ventriloquist/internal/terminal"
)

// newProgress shows a progress bar if stderr is a terminal. report takes the amount done and the total, 0 if unknown; finish removes
// the bar.
func newProgress(title string, unit terminal.Unit) (report func(done, total int64), finish func()) {
	bar := screen.NewBar(title, unit)
	return bar.Set, bar.Finish
}

// newCostProgress is newProgress for describe, with the cost so far. report is nil without a terminal.
func newCostProgress() (report func(done, total int64, cost float64), finish func()) {
	if !screen.Live() {
		return nil, func() {}
	}
	bar := screen.NewBar("describing", "files")
	report = func(done, total int64, cost float64) {
		if cost > 0 {
			bar.SetTitle(fmt.Sprintf("describing ($%.4f so far)", cost))
		}
		bar.Set(done, total)
	}
	return report, bar.Finish
}

// waiting shows what is being waited for, and for how long, until finish is called.
func waiting(title string) (finish func()) { return screen.NewBar(title, "").Finish }
