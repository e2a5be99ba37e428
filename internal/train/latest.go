package train

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"

	"ventriloquist/internal/jsonfields"
	"ventriloquist/internal/model/adapter"
	"ventriloquist/internal/model/safetensors"
	"ventriloquist/internal/regularfile"
	"ventriloquist/internal/scratch"
	"ventriloquist/internal/usererr"
)

var checkpointName = regexp.MustCompile(`^checkpoint-([0-9]+)$`)

// Found is the checkpoint from which a run resumes.
type Found struct {
	Dir     string // "" if the run was stopped before its first checkpoint: it starts again
	State   State
	Damaged []error // newer checkpoints that cannot be used, the newest first
}

// candidate is a folder that may be a checkpoint.
type candidate struct {
	dir   string
	step  int // by its state, else by its name
	state State
	err   error
}

// Latest returns the checkpoint in dir with the most steps, final or a checkpoint-N, among those of the last run that are whole.
// It first removes what killed runs left.
func Latest(dir string) (Found, error) {
	scratch.Sweep(dir)
	list, err := candidates(dir)
	if err != nil {
		return Found{}, err
	}
	record, err := recordOf(dir)
	if err != nil {
		return Found{}, usererr.With(err, "the file cannot be used: remove it to resume from the newest checkpoint in %s, whichever run wrote it", dir)
	}
	var found Found
	var foreign []error
	for _, c := range list {
		if record != nil && c.err == nil && !c.state.sameRun(*record) {
			continue // of an earlier run
		}
		var other *foreignError
		switch err := cmp.Or(c.err, c.state.checkWhole(c.dir)); {
		case err == nil:
			found.Dir, found.State = c.dir, c.state
			return found, nil
		case errors.As(err, &other):
			foreign = append(foreign, err)
		case errors.Is(err, errVersion):
			return Found{}, err
		default:
			found.Damaged = append(found.Damaged, err)
		}
	}
	if record != nil && len(found.Damaged) == 0 {
		found.State = *record
		return found, nil
	}
	nothing := fmt.Errorf("nothing to resume in %s", dir)
	switch {
	case len(found.Damaged) > 0:
		return Found{}, usererr.With(fmt.Errorf("%w: %w", nothing, found.Damaged[0]), "no checkpoint is whole: train without %v", resumeOption)
	case len(foreign) > 0:
		return Found{}, usererr.With(fmt.Errorf("%w: %w", nothing, foreign[0]), "%s", usererr.Of(foreign[0]))
	}
	return Found{}, usererr.With(nothing, "train without %v, or name the folder of the run with %v", resumeOption, outputDir)
}

// candidates lists the folders that may be checkpoints, the one with the most steps first.
func candidates(dir string) (list []candidate, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, e := range entries {
		match := checkpointName.FindStringSubmatch(e.Name())
		if e.Name() != finalName && match == nil {
			continue
		}
		c := candidate{dir: filepath.Join(dir, e.Name()), step: math.MaxInt}
		if c.state, c.err = ReadState(c.dir); c.err == nil {
			c.step = c.state.Step
		} else if match != nil {
			c.step, _ = strconv.Atoi(match[1]) // the largest int if it is larger, which is last in any case
		}
		if errors.Is(c.err, fs.ErrNotExist) {
			if _, err := os.Stat(filepath.Join(c.dir, optimizerFile)); err != nil {
				continue // an adapter from another program
			}
		}
		list = append(list, c)
	}
	slices.SortStableFunc(list, func(a, b candidate) int { return cmp.Compare(b.step, a.step) })
	return list, nil
}

// checkWhole returns an error if a checkpoint's files are missing, cut short or otherwise damaged.
func (s *State) checkWhole(checkpoint string) error {
	if _, err := adapter.ReadConfig(checkpoint); err != nil {
		return err
	}
	for _, name := range []string{adapter.WeightsFile, optimizerFile} {
		file, err := safetensors.Open(filepath.Join(checkpoint, name))
		if err != nil {
			return err
		}
		if err := file.Close(); err != nil {
			return err
		}
	}
	return s.requireSums(checkpoint)
}

// errVersion marks a checkpoint of another version of the program.
var errVersion = errors.New("unknown version")

// ReadState reads a checkpoint's trainer_state.json. The checkpoints of other trainers are named for what they are.
func ReadState(checkpoint string) (State, error) {
	if other := foreignTrainer(checkpoint); other != "" {
		return State{}, usererr.With(&foreignError{checkpoint, other}, "its optimizer's state cannot be used: start a new run from its adapter with %v %s", continueFrom, checkpoint)
	}
	path := filepath.Join(checkpoint, stateFile)
	content, err := regularfile.Read(path, jsonfields.MaxDocument)
	if err != nil {
		return State{}, err
	}
	var s State
	if err := json.Unmarshal(content, &s); err != nil {
		return s, fmt.Errorf("%s: %w", path, jsonfields.Describe(content, err))
	}
	if s.Version != stateVersion || s.Step < 0 {
		return s, usererr.With(fmt.Errorf("%s: %w %d", path, errVersion, s.Version), "resume with the version of vqctl that wrote it, or start a new run from it with %v %s", continueFrom, checkpoint)
	}
	return s, nil
}
