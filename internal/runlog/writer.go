package runlog

import (
	"encoding/json"
	"os"
)

// Writer appends events to a log. Its methods may be called on nil, which writes nothing: training goes on without a log.
type Writer struct {
	file   *os.File
	failed func(error)
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
	return &Writer{file, failed}, nil
}

// Add appends an event.
func (w *Writer) Add(event any) {
	if w == nil || w.file == nil {
		return
	}
	line := encode(event)
	if line == nil {
		return
	}
	if _, err := w.file.Write(append(line, '\n')); err != nil { // one write, so that readers see whole lines
		w.Close()
		w.failed(err)
	}
}

// Sync makes the events so far durable.
func (w *Writer) Sync() {
	if w != nil && w.file != nil {
		_ = w.file.Sync() // training goes on without
	}
}

// Close closes the file.
func (w *Writer) Close() {
	if w != nil && w.file != nil {
		w.file.Close()
		w.file = nil
	}
}
