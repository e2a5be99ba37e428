package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"

	"ventriloquist/internal/atomicfile"
	"ventriloquist/internal/jsonfields"
	"ventriloquist/internal/regularfile"
	"ventriloquist/internal/runlog"
)

// recordFile is in the output folder: the state of the running or last run before its first step. With it, a run that was killed
// before its first checkpoint can be started again, and its checkpoints can be told from those of earlier runs.
const recordFile = "run.json"

// begin sets aside what an earlier run recorded, and records this one.
func (r *Run) begin() error {
	dir := r.settings.OutputDir
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if !r.resumed {
		if err := r.setAsideRecord(); err != nil {
			return err
		}
	}
	if err := r.adoptOutput(); err != nil {
		return err
	}
	if err := r.recordPlanted(); err != nil {
		return err
	}
	r.openMetrics()
	s := r.state()
	s.Step, s.People, s.BaseEvalLoss, s.Evaluations, s.Since = 0, nil, nil, nil, tally{}
	if record, err := readRecord(dir); err == nil && reflect.DeepEqual(record, s) {
		return nil
	}
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.WriteBytes(filepath.Join(dir, recordFile), append(text, '\n'))
}

// PlantedFile is in the output folder of a run with planted sentences: their record.
const PlantedFile = "canaries.json"

func (r *Run) recordPlanted() error {
	if r.planted == nil {
		return nil
	}
	return atomicfile.WriteBytes(filepath.Join(r.settings.OutputDir, PlantedFile), r.planted)
}

// OutputFile is in the output folder of a run in the background: what it prints.
const OutputFile = "train.log"

// adoptOutput gives the file with what this process prints its final name, now that the earlier run's is set aside.
func (r *Run) adoptOutput() error {
	if r.printed == "" {
		return nil
	}
	return os.Rename(r.printed, filepath.Join(r.settings.OutputDir, OutputFile))
}

// setAsideRecord moves the record and the metrics of an earlier run to where its checkpoints will be. Those of a run that wrote no
// checkpoint are removed.
func (r *Run) setAsideRecord() error {
	earlier, err := candidates(r.settings.OutputDir)
	if err != nil {
		return err
	}
	record, unreadable := readRecord(r.settings.OutputDir)
	keep := slices.ContainsFunc(earlier, func(c candidate) bool { return c.err != nil || unreadable != nil || c.state.sameRun(record) })
	for _, name := range []string{runlog.Name, recordFile, OutputFile, PlantedFile, "report.html", "tensorboard", "wandb"} {
		path := filepath.Join(r.settings.OutputDir, name)
		if _, err := os.Lstat(path); err != nil {
			continue
		}
		if keep {
			err = r.archive(path)
		} else {
			err = os.RemoveAll(path)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// readRecord reads the record in an output folder.
func readRecord(outputDir string) (s State, err error) {
	path := filepath.Join(outputDir, recordFile)
	content, err := regularfile.Read(path, jsonfields.MaxDocument)
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(content, &s); err != nil {
		return s, fmt.Errorf("%s: %w", path, jsonfields.Describe(content, err))
	}
	if s.Version != stateVersion || s.Settings == nil || s.LoRA == nil {
		return s, fmt.Errorf("%s: %w %d", path, errVersion, s.Version)
	}
	return s, nil
}

// sameRun reports whether two states may be of one run: it would compute the same.
func (s State) sameRun(other State) bool {
	from := func(s State) string {
		if s.Settings == nil {
			return ""
		}
		return s.Settings.ContinueFrom
	}
	return s.Options == other.Options && s.Data == other.Data && s.Windows == other.Windows && s.Base == other.Base && s.Dropout == other.Dropout &&
		s.TotalSteps == other.TotalSteps && (s.LoRA == nil || other.LoRA == nil || *s.LoRA == *other.LoRA) &&
		(s.Settings == nil || other.Settings == nil || from(s) == from(other))
}

// recordOf returns the record in an output folder, nil if there is none that can be used.
func recordOf(outputDir string) (*State, error) {
	s, err := readRecord(outputDir)
	switch {
	case err == nil:
		return &s, nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	}
	return nil, err
}
