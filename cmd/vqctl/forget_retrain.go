package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"ventriloquist/internal/atomicfile"
	"ventriloquist/internal/jsonfields"
	"ventriloquist/internal/regularfile"
	"ventriloquist/internal/runlog"
	"ventriloquist/internal/train"
	"ventriloquist/internal/usererr"
)

const (
	// retrainFile is in the output folder while a run is trained again without a person.
	retrainFile = "retrain.json"
	// retrainedName is the folder in the output folder in which it is trained, until it replaces the old run.
	retrainedName = "retrained"
)

// The phases of forgetting with --retrain. A killed command goes on with that in the plan.
const (
	phaseErase      = "erase"      // the person from the data
	phasePreprocess = "preprocess" // cut windows again
	phaseTrain      = "train"
	phaseRemove     = "remove" // the old run
	phaseMove       = "move"   // the new run to where the old one was
)

// retrainPlan is the content of retrainFile.
type retrainPlan struct {
	Version int    `json:"version"`
	Phase   string `json:"phase"`
	Name    string `json:"contact"`
	Data    string `json:"data_fingerprint"` // of the old run

	DataDir    string   `json:"data_dir,omitempty"`  // of the messages that the run was trained on; "" with a window file
	DataPath   string   `json:"data_path,omitempty"` // of the window file
	Preprocess []string `json:"preprocess"`          // flags; nil: the windows are those of a file, without the person's
	Train      []string `json:"train"`               // flags

	// Prefixes has what each checkpoint of the old run has computed, if the steps up to there may be the same without the person.
	Prefixes map[int]string `json:"prefixes,omitempty"`
}

const retrainVersion = 1

// retraining trains the run of an output folder again without a person, and replaces it.
type retraining struct {
	dataDir   string // of the command
	outputDir string
	plan      retrainPlan
	json, yes bool
	out       io.Writer // for people
	told      string    // the cost, in words
}

func (r *retraining) path() string { return filepath.Join(r.outputDir, retrainFile) }
func (r *retraining) folder() string {
	return filepath.Join(r.outputDir, retrainedName)
}

// command returns what goes on with a retraining that was stopped.
func (r *retraining) command() string {
	text := "vqctl forget " + quoteForShell(r.plan.Name) + " --retrain"
	if filepath.Clean(r.outputDir) != filepath.Clean(defaultOutputDir) {
		text += " --output-dir " + quoteForShell(r.outputDir)
	}
	if filepath.Clean(r.dataDir) != defaultDataDir {
		text += " --data-dir " + quoteForShell(r.dataDir)
	}
	return text
}

func newRetraining(o *forgetOptions, out io.Writer) *retraining {
	r := &retraining{dataDir: o.dataDir, outputDir: o.outputDir, json: o.json, yes: o.yes, out: out}
	if r.json {
		r.out = stderr
	}
	return r
}

// openRetraining returns the retraining of the run in the output folder: one that was stopped, or a new one. It returns nil if the run
// has not seen the person. inData: the person is not erased from the data yet.
func openRetraining(ctx context.Context, o *forgetOptions, name string, inData bool, out io.Writer) (*retraining, error) {
	if err := train.RequireFree(o.outputDir); err != nil {
		return nil, err
	}
	r := newRetraining(o, out)
	pending, err := r.readPlan()
	if err != nil {
		return nil, err
	}
	if pending {
		if !strings.EqualFold(r.plan.Name, name) {
			return nil, usererr.With(fmt.Errorf("the run in %s is being trained again without %s", o.outputDir, r.plan.Name), "end this first: %s", r.command())
		}
		return r, train.RequireFree(r.folder())
	}
	run, err := train.ReplayOf(o.outputDir)
	if err == nil && run == nil {
		err = usererr.With(fmt.Errorf("there is no run in %s", o.outputDir), "name the folder of the run with --output-dir, or forget without --retrain")
	}
	if err != nil {
		return nil, err
	}
	if people := run.State.People; people != nil && !people.Others && !slices.Contains(people.Names, name) {
		notice("the run in %s was not trained on messages of %s: it stays as it is", o.outputDir, name)
		return nil, nil
	}
	if _, err := os.Lstat(r.folder()); err == nil {
		return nil, usererr.With(fmt.Errorf("%s is in the way", r.folder()), "move or delete it")
	}
	if err := r.prepare(ctx, run, name, inData); err != nil {
		return nil, fmt.Errorf("cannot train the run in %s again without %s: %w", o.outputDir, name, err)
	}
	return r, nil
}

// readPlan reads the plan of a retraining that was stopped, and reports whether there is one.
func (r *retraining) readPlan() (bool, error) {
	content, err := regularfile.Read(r.path(), jsonfields.MaxDocument)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err == nil {
		err = json.Unmarshal(content, &r.plan)
	}
	if err == nil && r.plan.Version != retrainVersion {
		err = fmt.Errorf("unknown version %d", r.plan.Version)
	}
	if err != nil {
		return false, usererr.With(fmt.Errorf("%s: %w", r.path(), err), "delete it and %s, and run the command again", r.folder())
	}
	return true, nil
}

// enter records a phase, before anything of it is done.
func (r *retraining) enter(phase string) error {
	r.plan.Phase = phase
	text, err := json.MarshalIndent(r.plan, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.WriteBytes(r.path(), append(text, '\n'))
}

// prepare fills the plan from what the run recorded, and finds what the retraining costs. It changes nothing.
func (r *retraining) prepare(ctx context.Context, run *train.Replayed, name string, inData bool) error {
	s := &run.State
	if s.Settings == nil {
		return errors.New("an earlier version of vqctl trained it, which did not record its options")
	}
	r.plan = retrainPlan{Version: retrainVersion, Name: name, Data: s.Data, DataDir: s.Settings.Command["data-dir"], DataPath: s.Settings.Command["data-path"]}
	log, err := runlog.Read(runlog.Path(r.outputDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := r.takeTrainFlags(s, log, name); err != nil {
		return err
	}
	fromDatabase, err := r.fromDatabase()
	if err == nil && fromDatabase && inData {
		err = r.takePreprocessFlags(ctx, name)
	}
	if err != nil {
		return err
	}
	return r.estimate(ctx, run, log)
}

// takeTrainFlags takes the flags of the run, also of one that was resumed.
func (r *retraining) takeTrainFlags(s *train.State, log *runlog.Log, name string) error {
	flags, err := flagsOfRun(&train.Found{State: *s})
	if err != nil {
		return err
	}
	from := flags["continue-from"]
	if from == "" && len(log.Starts) > 0 { // a resumed run does not say what it continued
		from, _ = log.Starts[0].Settings["continue_from"].(string)
	}
	if from != "" {
		if seen := exposure(from, name); seen != "no" {
			return usererr.With(fmt.Errorf("it continues the adapter in %s, which %s", from, (&adapterExposure{Seen: seen}).words()),
				"train that one again first: vqctl forget %s --retrain --output-dir %s", quoteForShell(name), quoteForShell(filepath.Dir(from)))
		}
		flags["continue-from"] = from
		for _, flag := range []string{"lora-r", "lora-alpha", "lora-targets"} {
			delete(flags, flag)
		}
	}
	if r.plan.DataPath == "" {
		if flags["data-dir"], err = filepath.Abs(r.dataDir); err != nil { // the folder of the run, which may have moved
			return err
		}
	}
	for _, flag := range slices.Sorted(maps.Keys(flags)) {
		r.plan.Train = append(r.plan.Train, "--"+flag+"="+flags[flag])
	}
	return nil
}

// fromDatabase reports whether the windows of the run are those of messages.db in the data folder, or the window file that preprocess
// writes there by default.
func (r *retraining) fromDatabase() (bool, error) {
	switch path := r.plan.DataPath; {
	case path == "" && statOf(r.plan.DataDir) != nil && !sameFile(statOf(r.plan.DataDir), statOf(r.dataDir)):
		return false, usererr.With(fmt.Errorf("it was trained on the messages in %s", r.plan.DataDir), "name that folder with --data-dir")
	case path == "":
		return true, nil
	case statOf(path) == nil:
		return false, fmt.Errorf("it was trained on %s, which is not there", path)
	default:
		return sameFile(statOf(path), statOf(filepath.Join(r.dataDir, exportName))) && statOf(databasePath(r.dataDir)) != nil, nil
	}
}

// takePreprocessFlags takes the flags of the last preprocess.
func (r *retraining) takePreprocessFlags(ctx context.Context, name string) error {
	db, err := openDatabase(ctx, r.dataDir)
	if err != nil {
		return err
	}
	defer db.Close()
	runs, err := db.LastRuns(ctx)
	if err != nil {
		return err
	}
	last, found := runs["preprocess"]
	if !found {
		return usererr.With(errors.New("messages.db does not say with which options its windows were cut"),
			"run `vqctl preprocess` again, with the options of the run, and then this command")
	}
	r.plan.Preprocess, err = withoutName(last.Flags, name)
	return err
}

// withoutName removes a person from the filters of preprocess.
func withoutName(flags []string, name string) ([]string, error) {
	kept, only, dropped := []string{}, 0, 0
	for i := 0; i < len(flags); i++ {
		if (flags[i] == "--only" || flags[i] == "--exclude") && i+1 < len(flags) {
			if strings.EqualFold(flags[i+1], name) {
				if flags[i] == "--only" {
					dropped++
				}
				i++
				continue
			}
			if flags[i] == "--only" {
				only++
			}
		}
		kept = append(kept, flags[i])
	}
	if dropped > 0 && only == 0 {
		return nil, errors.New("its windows are only of conversations with this person: nothing would be left")
	}
	return kept, nil
}
