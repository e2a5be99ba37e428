package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"path/filepath"

	"ventriloquist/internal/canary"
	"ventriloquist/internal/evaluate/leaks"
	"ventriloquist/internal/regularfile"
	"ventriloquist/internal/terminal"
	"ventriloquist/internal/train"
	"ventriloquist/internal/windows"
)

// plantCanaries plants the sentences that --canaries asks for among the windows of the run, and says so.
func (s *trainSession) plantCanaries(source windows.List) (windows.List, error) {
	n := s.options.canaries
	if n == 0 {
		return source, nil
	}
	planted, file, err := canary.Plant(source, n, s.options.run.Seed)
	if err != nil || file == nil {
		return source, err
	}
	notice("--canaries plants %s that nobody wrote among the training windows, once to 8 times each, as messages of people in them: the adapter may write them. %s lists them; evaluate --leaks measures how well they are remembered",
		terminal.Quantity(n, "random sentence"), filepath.Join(s.options.settings.OutputDir, train.PlantedFile))
	s.handles.Planted, err = file.JSON()
	return planted, err
}

// plantedIn returns the record of the sentences that were planted when an adapter was trained; nil if there is none.
func plantedIn(adapterDir string) (*canary.File, error) {
	for _, dir := range []string{adapterDir, filepath.Dir(filepath.Clean(adapterDir))} {
		f, err := canary.Read(filepath.Join(dir, train.PlantedFile))
		if !errors.Is(err, fs.ErrNotExist) {
			return f, err
		}
	}
	return nil, nil
}

// forgetCanaries removes the planted sentences of conversations with a person from the records among the files.
func forgetCanaries(files []string, name string) error {
	for _, path := range files {
		if filepath.Base(path) != train.PlantedFile {
			continue
		}
		if _, err := canary.Forget(path, name); err != nil {
			return err
		}
	}
	return nil
}

// memoryVerdicts are what the results of evaluate --leaks say about an adapter's memory.
type memoryVerdicts struct {
	Leaks *struct {
		Verdict leaks.Verdict `json:"verdict"`
	} `json:"leaks"`
	Canaries *canary.Report `json:"canaries"`
}

// warnOfMemory warns of adapters that were found to write from memory what they were trained on.
func warnOfMemory(adapterDirs []string) {
	for _, dir := range adapterDirs {
		path := filepath.Join(dir, resultsFile)
		content, err := regularfile.Read(path, largestResults)
		var found memoryVerdicts
		if err != nil || json.Unmarshal(content, &found) != nil {
			continue // not evaluated, or by another program
		}
		if l := found.Leaks; l != nil && (l.Verdict == leaks.Leaks || l.Verdict == leaks.Repeats) {
			notice("warning: %s: %s (%s)", dir, l.Verdict.Words(), path)
		}
		if c := found.Canaries; c != nil && (c.Verdict == canary.Once || c.Verdict == canary.Repeated) {
			notice("warning: %s: %s (%s)", dir, c.Words(), path)
		}
	}
}
