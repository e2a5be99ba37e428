package main

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// sameInterrupt is how long after an interrupt another one counts as the same: a terminal sends Ctrl-C to all processes of
// its foreground group, and the demo passes it on to the command that it runs.
const sameInterrupt = 500 * time.Millisecond

// answerAfter is how long after an interrupt a command that still runs says that it is stopping.
const answerAfter = 100 * time.Millisecond

// stopping is what a command says when it is interrupted.
type stopping struct {
	first func() string // what happens now
	lost  string        // what a second interrupt loses
}

var (
	stoppingMutex sync.Mutex
	stoppingNow   = defaultStopping
)

var defaultStopping = stopping{func() string { return "stopping" }, "what this command had not saved yet is lost"}

// onInterrupt sets what is said about an interrupt, until reset is called.
func onInterrupt(s stopping) (reset func()) {
	stoppingMutex.Lock()
	defer stoppingMutex.Unlock()
	stoppingNow = s
	return func() { onInterrupt(defaultStopping) }
}

func currentStopping() stopping {
	stoppingMutex.Lock()
	defer stoppingMutex.Unlock()
	return stoppingNow
}

// watchers counts the watches of interrupts that were begun inside one another. Only the innermost one answers: an interrupted step of
// the menu leads back to the menu.
var watchers atomic.Int32

// terminated is set by SIGTERM and SIGHUP, which end the menu too.
var terminated atomic.Bool

// watchInterrupts cancels a context on Ctrl-C, SIGTERM and, unless nohup ignores it, SIGHUP, and says so. A second one ends the
// process at once, which leaves no partly written file: files are renamed into place when they are complete.
func watchInterrupts(parent context.Context) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancel(parent)
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(signals, syscall.SIGHUP)
	}
	done := make(chan struct{})
	level := watchers.Add(1)
	go func() {
		var first time.Time
		for {
			select {
			case <-done:
				return
			case s := <-signals:
				if watchers.Load() != level {
					continue
				}
				if s != os.Interrupt {
					terminated.Store(true)
				}
				if s == syscall.SIGHUP {
					signal.Ignore(syscall.SIGPIPE) // who read the output may be gone too
				}
				switch {
				case first.IsZero():
					first = time.Now()
					cancel()
					go answerInterrupt(done)
				case time.Since(first) >= sameInterrupt:
					notice("stopped at once: %s", currentStopping().lost)
					screen.Close()
					os.Exit(exitInterrupted)
				}
			}
		}
	}()
	return ctx, func() {
		watchers.Add(-1)
		signal.Stop(signals)
		close(done)
		cancel()
	}
}

// answerInterrupt says what happens, unless the command ends at once.
func answerInterrupt(done <-chan struct{}) {
	select {
	case <-done:
	case <-time.After(answerAfter):
		notice("%s; Ctrl-C again stops at once: %s", currentStopping().first(), currentStopping().lost)
	}
}

// interruptedError is the error of a command that was interrupted, in words of its own.
type interruptedError string

func (e interruptedError) Error() string        { return string(e) }
func (e interruptedError) Is(target error) bool { return target == context.Canceled }
