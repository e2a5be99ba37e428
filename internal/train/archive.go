package train

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"ventriloquist/internal/regularfile"
)

// archivePreviousRun moves the checkpoints of an earlier run out of the way of this one's before its first checkpoint, and
// the earlier final folder before this run's own: nothing is lost, and resuming never mixes two runs.
func (r *Run) archivePreviousRun(next string) error {
	if !r.hasCheckpoint {
		r.hasCheckpoint = true
		for _, dir := range regularfile.Glob(r.settings.OutputDir, "checkpoint-*") {
			if err := r.archive(dir); err != nil {
				return err
			}
		}
	}
	if next != r.FinalDir() {
		return nil
	}
	if _, err := os.Stat(next); err != nil {
		return nil
	}
	if s, err := ReadState(next); err == nil && r.resumed && s.sameRun(r.state()) {
		return nil // this run's own
	}
	return r.archive(next)
}

// archive moves a file or folder of an earlier run into a folder previous-N: that which has other parts of the same run, if
// there is one.
func (r *Run) archive(path string) error {
	dir, err := r.archiveFor(path)
	if err != nil {
		return fmt.Errorf("cannot set aside %s of the earlier run: %w", path, err)
	}
	return os.Rename(path, filepath.Join(dir, filepath.Base(path)))
}

func (r *Run) archiveFor(path string) (string, error) {
	has := func(dir string) bool {
		_, err := os.Lstat(filepath.Join(dir, filepath.Base(path)))
		return err == nil
	}
	if s, err := ReadState(path); err == nil {
		if dir := archiveOf(r.settings.OutputDir, s, filepath.Base(path)); dir != "" {
			return dir, nil
		}
	}
	if r.archiveDir != "" && !has(r.archiveDir) {
		return r.archiveDir, nil
	}
	for n := len(archives(r.settings.OutputDir)) + 1; ; n++ {
		dir := archiveName(r.settings.OutputDir, n)
		err := os.Mkdir(dir, 0o700)
		if err == nil {
			r.archiveDir = dir
			return dir, nil
		}
		if !errors.Is(err, os.ErrExist) {
			return "", err
		}
	}
}

// archiveOf returns the folder previous-N that has the record of a run, but not yet its folder of this name; "" if there is none.
func archiveOf(outputDir string, s State, name string) string {
	for _, dir := range archives(outputDir) {
		if record, err := readRecord(dir); err == nil && record.sameRun(s) {
			if _, err := os.Lstat(filepath.Join(dir, name)); err != nil {
				return dir
			}
		}
	}
	return ""
}

func archiveName(outputDir string, n int) string {
	return filepath.Join(outputDir, "previous-"+strconv.Itoa(n))
}

// archives lists the folders of earlier runs in an output folder.
func archives(outputDir string) []string {
	return regularfile.Glob(outputDir, "previous-*")
}

// Earlier describes the run whose checkpoints are in an output folder, and the folder that a new run moves them to.
type Earlier struct {
	State    State
	Finished bool
	MovesTo  string
}

// EarlierRun returns the run in an output folder, nil if there is none.
func EarlierRun(outputDir string) *Earlier {
	list, err := candidates(outputDir)
	if err != nil || len(list) == 0 {
		return nil
	}
	e := &Earlier{State: list[0].state}
	e.Finished = filepath.Base(list[0].dir) == finalName
	if e.MovesTo = archiveOf(outputDir, e.State, filepath.Base(list[0].dir)); e.MovesTo != "" {
		return e
	}
	for n := len(archives(outputDir)) + 1; ; n++ {
		e.MovesTo = archiveName(outputDir, n)
		if _, err := os.Lstat(e.MovesTo); err != nil {
			return e
		}
	}
}
