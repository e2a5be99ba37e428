package main

import (
	"io/fs"
	"path/filepath"
	"slices"

	"ventriloquist/internal/train"
)

// adapterExposure reports whether an adapter was trained on a person's messages.
type adapterExposure struct {
	Path string `json:"path"`
	Seen string `json:"seen"` // "yes", or "unknown" where the adapter does not say whose messages it was trained on
}

func (s *adapterExposure) words() string {
	if s.Seen == "yes" {
		return "was trained on these messages"
	}
	return "does not say whose messages it was trained on"
}

// exposedAdapters returns the adapters in a folder that were trained on a person's messages, or may have been.
func exposedAdapters(outputDir, name string) ([]adapterExposure, error) {
	list := []adapterExposure{}
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
		if seen := exposure(dir, name); seen != "no" {
			list = append(list, adapterExposure{dir, seen})
		}
		return nil
	})
	return list, err
}

func exposure(dir, name string) string {
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
