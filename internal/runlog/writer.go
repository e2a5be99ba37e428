package runlog

import (
	"encoding/json"
	"os"
)

// Sink takes the events that a Writer adds, to write them in another format.
type Sink interface {
	Add(event any)
	Sync()
	Close()
}

// Writer appends events to a log. Its methods may be called on nil, which writes nothing: training goes on without a log.
type Writer struct {
	file   *os.File
	failed func(error)
	sinks  []Sink
}

// Open opens a log to append the events after a number of steps that are done. It first removes what the run computes again: events
// of later steps, how the run ended, and a line that was cut short. If an event cannot be written, failed is called once.
func Open(path string, done int, failed func(error)) (*Writer, error) {
	err := filter(path, func(_ int, line []byte) []byte {
		var h head
		if json.Unmarshal(line, &h) != nil || h.Event == "" || h.Event == DoneEvent || h.Step > done {
			return nil
		}
		return line
	})
	if err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	return &Writer{file: file, failed: failed}, nil
}

// Tee also sends the events from now on to a sink, which Close closes.
func (w *Writer) Tee(s Sink) { w.sinks = append(w.sinks, s) }

// Add appends an event.
func (w *Writer) Add(event any) {
	if w == nil {
		return
	}
	for _, s := range w.sinks {
		s.Add(event)
	}
	line := encode(event)
	if w.file == nil || line == nil {
		return
	}
	if _, err := w.file.Write(append(line, '\n')); err != nil { // one write, so that readers see whole lines
		w.closeFile()
		w.failed(err)
	}
}

// Sync makes the events so far durable.
func (w *Writer) Sync() {
	if w == nil {
		return
	}
	if w.file != nil {
		_ = w.file.Sync() // training goes on without
	}
	for _, s := range w.sinks {
		s.Sync()
	}
}

// Close closes the file and the sinks.
func (w *Writer) Close() {
	if w == nil {
		return
	}
	w.closeFile()
	for _, s := range w.sinks {
		s.Close()
	}
	w.sinks = nil
}

func (w *Writer) closeFile() {
	if w.file != nil {
		w.file.Close()
		w.file = nil
	}
}
