package main

import (
	"context"
	"os"
	"os/signal"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// sameInterrupt is how long after an interrupt another one counts as the same, so that a bouncing key does not end a command at once.
const sameInterrupt = 500 * time.Millisecond

// passedOn is the signal with which the demo stops the command that it runs. It counts as a first interrupt only: a terminal sends
// Ctrl-C, and `timeout` SIGTERM, to both of them.
const passedOn = syscall.SIGUSR1

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

// terminated is set by SIGTERM and SIGHUP, which end the menu too.
var terminated atomic.Bool

// interruptWatch is one watchInterrupts that has not stopped.
type interruptWatch struct {
	cancel context.CancelFunc
	done   chan struct{} // closed when it stops
	first  time.Time     // when it was first interrupted
}

// watches are the watches that were begun inside one another. Each signal goes to the innermost one alone: an interrupted step of the menu
// leads back to the menu.
var watches struct {
	sync.Mutex
	stack   []*interruptWatch
	signals chan os.Signal // while the stack is not empty
}

// watchInterrupts cancels a context on Ctrl-C, SIGTERM and, unless nohup ignores it, SIGHUP, and says so. A second one ends the
// process at once, which leaves no partly written file: files are renamed into place when they are complete.
func watchInterrupts(parent context.Context) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancel(parent)
	w := &interruptWatch{cancel: cancel, done: make(chan struct{})}
	watches.Lock()
	defer watches.Unlock()
	if len(watches.stack) == 0 {
		watches.signals = make(chan os.Signal, 4)
		signal.Notify(watches.signals, os.Interrupt, syscall.SIGTERM, passedOn)
		if !signal.Ignored(syscall.SIGHUP) {
			signal.Notify(watches.signals, syscall.SIGHUP)
		}
		go passSignals(watches.signals)
	}
	watches.stack = append(watches.stack, w)
	return ctx, w.stop
}

// passSignals passes signals to the innermost watch, until the channel is closed.
func passSignals(signals <-chan os.Signal) {
	for s := range signals {
		if s != os.Interrupt && s != passedOn {
			terminated.Store(true)
		}
		if s == syscall.SIGHUP {
			signal.Ignore(syscall.SIGPIPE) // who read the output may be gone too
		}
		watches.Lock()
		if n := len(watches.stack); n > 0 && (s != passedOn || watches.stack[n-1].first.IsZero()) {
			watches.stack[n-1].interrupt()
		}
		watches.Unlock()
	}
}

// interrupt cancels the context of the watch, or ends the process the second time; watches is locked.
func (w *interruptWatch) interrupt() {
	switch {
	case w.first.IsZero():
		w.first = time.Now()
		w.cancel()
		go answerInterrupt(w.done)
	case time.Since(w.first) >= sameInterrupt:
		notice("stopped at once: %s", currentStopping().lost)
		screen.Close()
		os.Exit(exitInterrupted)
	}
}

func (w *interruptWatch) stop() {
	watches.Lock()
	defer watches.Unlock()
	watches.stack = slices.DeleteFunc(watches.stack, func(other *interruptWatch) bool { return other == w })
	if len(watches.stack) == 0 {
		signal.Stop(watches.signals)
		close(watches.signals)
	}
	close(w.done)
	w.cancel()
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
