package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Outcomes of a stage.
const (
	running     = "running"
	passed      = "passed"
	failed      = "failed"      // a command reported a failure
	crashed     = "crashed"     // a command was ended by a signal that this program did not send
	timedOut    = "timed out"   // the stage reached its limit
	outOfTime   = "cut off"     // the deadline of all stages came first
	interrupted = "interrupted" // this program was asked to end
	skipped     = "skipped"
)

// A stage is a group of commands with one limit. Later stages run whatever the outcome, except those that need it.
type stage struct {
	name     string
	limit    time.Duration // the most that its commands may take together
	least    time.Duration // not begun if less is left until the deadline
	needs    string        // a stage that must have passed
	skip     string        // why it does not apply to this machine
	commands []command
	chain    bool // a failed command ends the stage
}

// A command is a program of a stage. line gets each line that it prints.
type command struct {
	name string // in the report, if the command fails; "" for its program
	args []string
	env  []string
	dir  string
	line func(r *report, line string)
	// optional: a failure does not fail the stage.
	optional bool
}

// runner runs stages and keeps the report on disk up to date.
type runner struct {
	report   *report
	save     func(*report) error
	deadline time.Time
	log      func(format string, args ...any)
	output   func(line string)    // everything that commands print
	watch    func() func() string // starts to watch the GPU; the result stops and says what was seen
	saved    time.Time
}

// The report is also saved during a stage, for a run that is killed.
const saveEvery = 2 * time.Second

// run runs the stages in order. It returns when all have run, or when ctx is canceled. The report is saved before and after each stage.
func (r *runner) run(ctx context.Context, stages []stage) {
	for _, s := range stages {
		r.report.Stages = append(r.report.Stages, stageReport{Name: s.name})
		at := &r.report.Stages[len(r.report.Stages)-1]
		if at.Note = r.reasonToSkip(ctx, s); at.Note != "" {
			at.Outcome = skipped
		} else {
			at.Outcome = running
			r.write()
			r.log("%s", s.name)
			stop := r.watch()
			start := time.Now()
			at.Outcome, at.Note = r.runCommands(ctx, s)
			at.Seconds = seconds(time.Since(start))
			at.GPU = stop()
		}
		if at.Outcome != passed && at.Outcome != skipped {
			r.log("%s: %s: %s", s.name, at.Outcome, at.Note)
		}
		r.write()
	}
}

// write saves the report. A disk that is full must not end the run: the report is also printed at its end.
func (r *runner) write() {
	r.saved = time.Now()
	if err := r.save(r.report); err != nil {
		r.log("the report cannot be written: %v", err)
	}
}

func (r *runner) reasonToSkip(ctx context.Context, s stage) string {
	switch left := time.Until(r.deadline); {
	case s.skip != "":
		return s.skip
	case ctx.Err() != nil:
		return "the run was interrupted"
	case left < max(s.least, time.Second):
		return "no time was left"
	case s.needs != "" && r.report.outcome(s.needs) != passed:
		return fmt.Sprintf("needs the stage %q", s.needs)
	}
	return ""
}

// runCommands runs the commands of a stage and returns the worst outcome with what was wrong.
func (r *runner) runCommands(ctx context.Context, s stage) (outcome, note string) {
	end, late := time.Now().Add(s.limit), timedOut
	if r.deadline.Before(end) {
		end, late = r.deadline, outOfTime
	}
	limited, cancel := context.WithDeadline(ctx, end)
	defer cancel()
	outcome = passed
	for _, c := range s.commands {
		err := execute(limited, c, func(line string) {
			r.output(line)
			if c.line != nil {
				c.line(r.report, line)
			}
			if time.Since(r.saved) > saveEvery {
				r.write()
			}
		})
		switch {
		case err == nil:
			continue
		case ctx.Err() != nil:
			return interrupted, joined(note, c.title()+" was still running")
		case limited.Err() != nil:
			return late, joined(note, c.title()+" was still running")
		case c.optional:
			note = joined(note, fmt.Sprintf("%s: %v", c.title(), err))
			continue
		}
		note = joined(note, fmt.Sprintf("%s: %v", c.title(), err))
		if outcome != crashed {
			outcome = kindOf(err)
		}
		if s.chain {
			break
		}
	}
	return outcome, note
}

func kindOf(err error) string {
	var signaled *signalError
	if errors.As(err, &signaled) {
		return crashed
	}
	return failed
}

func (c command) title() string {
	if c.name != "" {
		return c.name
	}
	return c.args[0]
}

func joined(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "; " + b
}

func seconds(d time.Duration) float64 { return float64(d.Milliseconds()) / 1000 }
