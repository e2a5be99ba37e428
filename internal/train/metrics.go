package train

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"

	"ventriloquist/internal/atomicfile"
	"ventriloquist/internal/regularfile"
)

// metricsName is the file in the output folder that has every reported step of the run as a line of JSON: a run can be followed
// from another terminal.
const metricsName = "metrics.jsonl"

// mostMetrics limits the size of the file that is continued.
const mostMetrics = 1 << 30

// metricsFile is metrics.jsonl. Training goes on if it cannot be written.
type metricsFile struct {
	file   *os.File
	failed func(error)
}

// open opens the file to append the steps after done. It removes lines of later steps, which the run computes again, and one that
// was cut short.
func (m *metricsFile) open(path string, done int) error {
	content, err := regularfile.Read(path, mostMetrics)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var kept []byte
	for line := range bytes.Lines(content) {
		var step struct {
			Event string `json:"event"`
			Step  int    `json:"step"`
		}
		if json.Unmarshal(line, &step) == nil && bytes.HasSuffix(line, []byte("\n")) && step.Event == stepEvent && step.Step <= done {
			kept = append(kept, line...)
		}
	}
	if !bytes.Equal(kept, content) {
		if err := atomicfile.WriteBytes(path, kept); err != nil {
			return err
		}
	}
	m.file, err = os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	return err
}

// add appends a line.
func (m *metricsFile) add(value any) {
	if m.file == nil {
		return
	}
	line, err := json.Marshal(value)
	if err == nil {
		_, err = m.file.Write(append(line, '\n')) // one write, so that readers see whole lines
	}
	if err != nil {
		m.close()
		m.failed(err)
	}
}

// sync makes the lines so far durable: a checkpoint counts on them.
func (m *metricsFile) sync() {
	if m.file != nil {
		_ = m.file.Sync() // training goes on without
	}
}

func (m *metricsFile) close() {
	if m.file != nil {
		m.file.Close()
		m.file = nil
	}
}
