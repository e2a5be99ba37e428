package main

import (
	"path/filepath"
	"slices"
	"strings"

	"ventriloquist/internal/privacy"
	"ventriloquist/internal/runlog"
	"ventriloquist/internal/train"
)

// isLog reports whether a file is the log of a training run, which has samples with texts and names.
func isLog(path string) bool { return filepath.Base(path) == runlog.Name }

// beingWritten reports whether a run trains in the folder of a log: it would lose what is written while the log is replaced.
func beingWritten(path string) bool { return train.Running(filepath.Dir(path)) != 0 }

// forgetInLogs erases a person from the logs among the files, and returns how many samples it removed. The log of a run that trains
// now stays as it is: tracesOf names it.
func forgetInLogs(files []string, name string) (samples int, err error) {
	for _, path := range files {
		if !isLog(path) || beingWritten(path) {
			continue
		}
		n, err := runlog.Forget(path, name)
		if err != nil {
			return samples, err
		}
		samples += n
	}
	return samples, nil
}

// redactLogs redacts the samples in the logs of training runs. It returns how many changed, and the files that may still hold the old
// texts.
func (w *written) redactLogs(policy *privacy.Policy) (samples int, stale []string, err error) {
	redactor := policy.Redactor()
	stale = []string{}
	if err := removeStages(slices.Concat(w.files, w.trained)); err != nil {
		return 0, stale, err
	}
	if err := rewriteCopies(slices.Concat(w.files, w.trained), redactor.Text); err != nil {
		return 0, stale, err
	}
	for _, path := range slices.Concat(w.files, w.trained) {
		switch {
		case isLog(path) && !beingWritten(path):
			n, err := runlog.Redact(path, redactor.Text)
			if err != nil {
				return samples, stale, err
			}
			samples += n
		case isLog(path), holdsSamples(path), slices.Contains(w.files, path):
			stale = append(stale, path)
		}
	}
	return samples, stale, nil
}

// holdsSamples reports whether a file in the folder of a run holds texts besides its log: a report, and metrics in other formats with
// --report-text.
func holdsSamples(path string) bool {
	switch {
	case filepath.Ext(path) == ".html":
		return true
	case filepath.Ext(path) == ".wandb", strings.Contains(filepath.Base(path), ".tfevents."):
		holds, err := fileContains(path, [][]byte{[]byte("samples")})
		return holds || err != nil
	}
	return false
}
