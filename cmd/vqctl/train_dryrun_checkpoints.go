package main

import (
	"fmt"
	"io"

	"ventriloquist/internal/load/memplan"
	"ventriloquist/internal/terminal"
	"ventriloquist/internal/train"
)

// checkpointPlan is what the checkpoints of a run will take on the disk.
type checkpointPlan struct {
	Count int   `json:"count"` // that are kept, the finished adapter included
	Each  int64 `json:"bytes_each"`
	Total int64 `json:"bytes"`
}

// planCheckpoints counts the checkpoints of a run whose number of steps is known.
func (d *dryRun) planCheckpoints(p train.RunSettings, s memplan.Settings) {
	if d.Steps == 0 {
		return
	}
	c := &checkpointPlan{Count: p.Checkpoints(0, d.Steps), Each: train.CheckpointBytes(int64(s.Adapter.Parameters(s.Model)))}
	c.Total = int64(c.Count) * c.Each
	d.Checkpoints = c
}

func (c *checkpointPlan) print(out io.Writer) {
	if c == nil {
		return
	}
	fmt.Fprintf(out, "checkpoints: %s of %s, %s in all", terminal.Count(int64(c.Count)), terminal.Bytes(uint64(c.Each)), terminal.Bytes(uint64(c.Total)))
	if c.Count > 3 {
		fmt.Fprint(out, "; --keep-checkpoints 2 keeps the newest two and the best")
	}
	fmt.Fprintln(out)
}
