package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"ventriloquist/internal/model"
	"ventriloquist/internal/runlog"
	"ventriloquist/internal/train"
	"ventriloquist/internal/usererr"
)

// foundRun is a run on the disk with a log, or one that trains now.
type foundRun struct {
	folder string
	name   string
}

func (r foundRun) training() bool { return train.Running(r.folder) != 0 }

// findRuns finds the runs that the arguments name by their folder, by a folder above it, or by their name. Without arguments these are
// the runs that train now, else the latest one.
func findRuns(ctx context.Context, dataDir string, names []string) ([]foundRun, error) {
	if len(names) == 0 {
		return runsOfInterest(ctx, dataDir)
	}
	var list []foundRun
	for _, name := range names {
		found, err := runsNamed(ctx, dataDir, name)
		if err != nil {
			return nil, err
		}
		for _, r := range found {
			if !slices.ContainsFunc(list, func(other foundRun) bool { return sameFile(statOf(r.folder), statOf(other.folder)) }) {
				list = append(list, r)
			}
		}
	}
	return list, nil
}

// runsNamed finds the runs that one argument names.
func runsNamed(ctx context.Context, dataDir, name string) ([]foundRun, error) {
	folder := model.ExpandHome(name)
	if r := (foundRun{folder: folder}); hasLog(folder) || r.training() {
		return []foundRun{r}, nil
	}
	if info := statOf(folder); info != nil && info.IsDir() {
		list, err := runsBelow(folder)
		if err == nil && len(list) == 0 {
			err = usererr.With(fmt.Errorf("there is no log of a training run in %s", folder), "name the folder of --output-dir; `vqctl runs DIR` lists the runs in a folder")
		}
		return list, err
	}
	all, err := knownRuns(ctx, dataDir)
	if err != nil {
		return nil, err
	}
	var list []foundRun
	var known []string
	for _, r := range all {
		known = append(known, r.name, filepath.Base(r.folder))
		if r.name == name || filepath.Base(r.folder) == name {
			list = append(list, r)
		}
	}
	if len(list) == 0 {
		known = slices.DeleteFunc(known, func(s string) bool { return s == "" })
		return nil, usererr.Suggest(usererr.Usage("there is no run %q", name), name, known, "%q", "name the folder of a run; `vqctl runs` lists them")
	}
	return list, nil
}

// runsOfInterest returns the runs that train now, else the one whose log changed last.
func runsOfInterest(ctx context.Context, dataDir string) ([]foundRun, error) {
	all, err := knownRuns(ctx, dataDir)
	if err != nil {
		return nil, err
	}
	if now := slices.DeleteFunc(slices.Clone(all), func(r foundRun) bool { return !r.training() }); len(now) > 0 {
		return now, nil
	}
	var latest []foundRun
	for _, r := range all {
		info := statOf(runlog.Path(r.folder))
		if info != nil && (latest == nil || info.ModTime().After(statOf(runlog.Path(latest[0].folder)).ModTime())) {
			latest = []foundRun{r}
		}
	}
	if latest == nil {
		return nil, usererr.With(fmt.Errorf("there is no training run in %s", filepath.Dir(defaultOutputDir)), "name the folder of --output-dir: vqctl monitor DIR")
	}
	return latest, nil
}

// knownRuns returns the runs below the default folder, and those in other folders that were recorded.
func knownRuns(ctx context.Context, dataDir string) ([]foundRun, error) {
	list, err := runsBelow(filepath.Dir(defaultOutputDir))
	if err != nil {
		return nil, err
	}
	for _, folder := range recordedFolders(ctx, dataDir) {
		more, err := runsBelow(folder)
		if err != nil {
			continue // the folder may be gone
		}
		for _, r := range more {
			if !slices.ContainsFunc(list, func(other foundRun) bool { return sameFile(statOf(r.folder), statOf(other.folder)) }) {
				list = append(list, r)
			}
		}
	}
	return list, nil
}

// recordedFolders returns the folders that were trained in, as far as messages.db knows them.
func recordedFolders(ctx context.Context, dataDir string) (folders []string) {
	if statOf(databasePath(dataDir)) == nil {
		return nil
	}
	db, err := openDatabase(ctx, dataDir)
	if err != nil {
		return nil
	}
	defer db.Close()
	outputs, err := db.Outputs(ctx)
	if err != nil {
		return nil
	}
	for _, path := range outputs {
		if info := statOf(path); info != nil && info.IsDir() {
			folders = append(folders, path)
		}
	}
	return folders
}

// deepestRun is how many folders below the one that is searched a run may be.
const deepestRun = 3

// runsBelow returns the runs in a folder and below it that have a log, or train now. A folder that does not exist has none.
func runsBelow(folder string) (list []foundRun, err error) {
	folder = filepath.Clean(folder)
	err = filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil && path == folder:
			return err
		case err != nil || !e.IsDir():
			return nil
		case path != folder && strings.HasPrefix(e.Name(), "."), strings.Count(strings.TrimPrefix(path, folder), string(filepath.Separator)) > deepestRun:
			return fs.SkipDir
		}
		if r := (foundRun{folder: path}); hasLog(path) || r.training() {
			r.name = runlog.NameIn(runlog.Path(path))
			list = append(list, r)
		}
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return list, err
}

func hasLog(folder string) bool {
	info := statOf(runlog.Path(folder))
	return info != nil && info.Mode().IsRegular()
}
