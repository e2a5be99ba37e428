package main

import (
	"io/fs"
	"path/filepath"
	"slices"

	"ventriloquist/internal/train"
)

// seenByOutput tells of an adapter whether it was trained on somebody's messages.
type seenByOutput struct {
	Path string `json:"path"`
	Seen string `json:"seen"` // "yes", or "unknown" where the adapter does not say whose messages it was trained on
}

func (s *seenByOutput) words() string {
	if s.Seen == "yes" {
		return "was trained on these messages"
	}
	return "does not say whose messages it was trained on"
}

// adaptersThatSaw are the adapters under a folder that were trained on somebody's messages, or may have been.
func adaptersThatSaw(outputDir, name string) ([]seenByOutput, error) {
	list := []seenByOutput{}
	err := filepath.WalkDir(outputDir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			if path == outputDir {
				return fs.SkipAll // nothing was trained yet
			}
			return err
		}
		if entry.IsDir() || entry.Name() != "adapter_config.json" {
			return nil
		}
		dir := filepath.Dir(path)
		if seen := sawPerson(dir, name); seen != "no" {
			list = append(list, seenByOutput{dir, seen})
		}
		return nil
	})
	return list, err
}

func sawPerson(dir, name string) string {
	state, err := train.ReadState(dir)
	switch {
	case err != nil || state.People == nil:
		return "unknown"
	case slices.Contains(state.People.Names, name):
		return "yes"
	case state.People.Others:
		return "unknown"
	}
	return "no"
}
