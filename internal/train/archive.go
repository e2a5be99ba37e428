package train

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"

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

// archive moves a file or folder of an earlier run into a folder previous-N, or previous-N-NAME if the run has a name. If other parts
// of the same run are in such a folder already, it moves there.
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
	dir := newArchive(r.settings.OutputDir, runNameOf(path))
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", err
	}
	r.archiveDir = dir
	return dir, nil
}

// runNameOf returns the name of the run that wrote a checkpoint, or a file that is next to the run's record.
func runNameOf(path string) string {
	if s, err := ReadState(path); err == nil {
		return s.RunName
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return ""
	}
	record, err := readRecord(filepath.Dir(path))
	if err != nil {
		return ""
	}
	return record.RunName
}

// archiveOf returns the folder of earlier runs that has the record of a run, but not yet its folder of this name; "" if there is none.
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

// newArchive returns the path of a folder that does not exist, for an earlier run: previous-N, with the run's name if it has one. N is
// higher than that of every folder there, so that the numbers tell the order.
func newArchive(outputDir, runName string) string {
	highest := 0
	for _, dir := range archives(outputDir) {
		highest = max(highest, archiveNumber(filepath.Base(dir)))
	}
	name := archivePrefix + strconv.Itoa(highest+1)
	if part := fileNamePart(runName); part != "" {
		name += "-" + part
	}
	return filepath.Join(outputDir, name)
}

const archivePrefix = "previous-"

// archives lists the folders of earlier runs in an output folder.
func archives(outputDir string) (dirs []string) {
	for _, path := range regularfile.Glob(outputDir, archivePrefix+"*") {
		if archiveNumber(filepath.Base(path)) > 0 {
			dirs = append(dirs, path)
		}
	}
	return dirs
}

// archiveNumber returns the N of previous-N and of previous-N-NAME, 0 for any other name.
func archiveNumber(name string) int {
	number, _, _ := strings.Cut(strings.TrimPrefix(name, archivePrefix), "-")
	n, err := strconv.Atoi(number)
	if err != nil {
		return 0
	}
	return n
}

// fileNamePart turns a name into a part of a file name that every system allows: letters and digits stay, all else becomes hyphens.
func fileNamePart(name string) string {
	const longest = 40 // characters, of at most 4 bytes each
	words := strings.FieldsFunc(name, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r) && r != '_' && r != '.'
	})
	characters := []rune(strings.Join(words, "-"))
	return strings.TrimRight(string(characters[:min(longest, len(characters))]), "-.")
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
	e.MovesTo = newArchive(outputDir, e.State.RunName)
	return e
}
