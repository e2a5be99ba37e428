package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v3"

	"ventriloquist/engine"
	"ventriloquist/internal/load"
	"ventriloquist/internal/model"
	"ventriloquist/internal/train"
	"ventriloquist/internal/usererr"
)

// alternatives are groups of flags of which one stands for all: if one of a group is given, none of it is taken from the run.
var alternatives = [][]string{
	{"data-dir", "data-path"},
	{"cpu", "gpu"},
	{"load-in-8bit", "load-in-4bit", "load-in-fp8"},
}

// commandFlags are the flags that a run keeps for --resume besides those that train knows.
var commandFlags = []string{"data-dir", "data-path", "canaries", "cpu", "gpu", "threads"}

// commandOf returns the flags of commandFlags that make a difference, with absolute paths: the run may be resumed from another folder.
func commandOf(c *cli.Command) map[string]string {
	values := map[string]string{}
	for _, name := range commandFlags {
		switch value := flagText(c, name); {
		case name == "data-dir" && c.String("data-path") != "", name != "data-dir" && !c.IsSet(name):
		default:
			values[name] = value
		}
	}
	return values
}

// flagText returns the value of a flag as a run keeps it.
func flagText(c *cli.Command, name string) string {
	text := fmt.Sprint(c.Value(name))
	if name == "data-dir" || name == "data-path" {
		if absolute, err := filepath.Abs(model.ExpandHome(text)); err == nil && text != "" {
			return absolute
		}
	}
	return text
}

// takeFlagsOfRun finds the run that --resume continues and sets the flags that were not given to those of the run; without
// --resume it returns nil. It says which given flags differ that may.
func takeFlagsOfRun(c *cli.Command) (*train.Found, error) {
	if !c.Bool("resume") {
		return nil, nil
	}
	if c.IsSet("continue-from") {
		return nil, usererr.Usage("--resume resumes a run and --continue-from starts a new one: give only one of them")
	}
	found, err := train.Latest(model.ExpandHome(c.String("output-dir")))
	if err != nil {
		return nil, err
	}
	for _, damaged := range found.Damaged {
		notice("a newer checkpoint is damaged, so training resumes from the one before: %v", damaged)
	}
	of, err := flagsOfRun(&found)
	if err != nil {
		return nil, err
	}
	given := c.IsSet
	set := map[string]bool{}
	for name := range of {
		set[name] = given(name)
	}
	for _, group := range alternatives {
		if slices.ContainsFunc(group, given) {
			for _, name := range group {
				set[name] = true
			}
		}
	}
	if weights := slices.ContainsFunc(alternatives[2], given); weights && of["precision"] == load.FP8 || c.String("precision") == load.FP8 {
		set["precision"], set["load-in-8bit"], set["load-in-4bit"], set["load-in-fp8"] = true, true, true, true
	}
	var changed []string
	for _, name := range slices.Sorted(maps.Keys(of)) {
		was := of[name]
		if !set[name] {
			if err := c.Set(name, was); err != nil {
				return nil, fmt.Errorf("cannot resume: the run was started with --%s %s: %w", name, was, err)
			}
		} else if now := flagText(c, name); given(name) && mayChange[name] && !sameValue(name, was, now) {
			changed = append(changed, fmt.Sprintf("--%s %s (now %s)", name, shownValue(was), shownValue(now)))
		}
	}
	if len(changed) > 0 {
		notice("the run was started with %s", strings.Join(changed, ", "))
	}
	return &found, nil
}

// requireSameRun returns an error if a flag that was given differs from the run to resume and must not.
func (o *trainOptions) requireSameRun() error {
	if o.resume == nil {
		return nil
	}
	s, now := o.resume.State, o.run
	if now.Precision = s.Options.Precision; o.model.precision == engine.F32.String() || o.model.precision == engine.BF16.String() {
		now.Precision = o.model.precision // otherwise that of the device, which is compared when it is known
	}
	if o.model.weights != engine.Plain {
		now.Weights = o.model.weights.String()
	}
	if err := s.RequireOptions(o.resumed(), now); err != nil {
		return err
	}
	differs := ""
	if s.Dropout != o.lora.Dropout {
		differs = fmt.Sprintf("--lora-dropout %g (now %g)", s.Dropout, o.lora.Dropout)
	}
	if l := s.LoRA; o.resume.Dir == "" && l != nil && o.continueFrom == "" { // otherwise the adapter is compared when it is loaded
		if now := (train.LoRA{R: o.lora.R, Alpha: o.lora.Alpha, Targets: shortNames(o.lora.Targets)}); now != *l {
			differs = fmt.Sprintf("--lora-r %d --lora-alpha %g --lora-targets %s (now %d, %g and %s)", l.R, l.Alpha, l.Targets, now.R, now.Alpha, now.Targets)
		}
	}
	if differs == "" {
		return nil
	}
	return usererr.With(fmt.Errorf("cannot resume: %s was trained with %s", o.resumed(), differs), "omit the flag: --resume takes it from the run")
}

// mayChange are the flags that do not change what a run computes; a change of the device may change the last bits.
var mayChange = map[string]bool{
	"logging-steps": true, "save-steps": true, "save-minutes": true, "keep-checkpoints": true, "eval-steps": true, "patience": true, "samples": true, "report-to": true, "report-text": true, "recompute": true, "run-name": true,
	"data-dir": true, "data-path": true, "cpu": true, "gpu": true, "threads": true,
	"base-model": true, // its weights are compared
}

// sameValue reports whether two values of a flag mean the same.
func sameValue(name, was, now string) bool {
	x, notX := strconv.ParseFloat(was, 64)
	y, notY := strconv.ParseFloat(now, 64)
	if was == now || notX == nil && notY == nil && x == y {
		return true
	}
	base, err := model.Resolve(now)
	return name == "base-model" && err == nil && base.Name == was
}

func shownValue(text string) string {
	if text == "" {
		return `""`
	}
	return text
}

// flagsOfRun returns the flags that a run was started with, as far as it records them.
func flagsOfRun(found *train.Found) (map[string]string, error) {
	s := &found.State
	flags := map[string]string{"lora-dropout": fmt.Sprint(s.Dropout), "run-name": s.RunName}
	if err := addFields(flags, s.Options); err != nil {
		return nil, err
	}
	flags["no-shuffle"] = fmt.Sprint(!s.Options.Shuffle)
	delete(flags, "shuffle")
	switch s.Options.Weights {
	case "fp8-products":
		flags["precision"] = load.FP8
	default:
		for _, f := range weightFlags {
			flags[f.name] = fmt.Sprint(f.format.String() == s.Options.Weights)
		}
	}
	delete(flags, "weights")
	delete(flags, "memory-tokens") // the windows say it
	if s.Settings != nil {
		if err := addFields(flags, s.Settings); err != nil {
			return nil, err
		}
		for name, value := range s.Settings.Command {
			if slices.Contains(commandFlags, name) {
				flags[name] = value
			}
		}
	}
	delete(flags, "command")
	if found.Dir != "" { // otherwise there is no adapter yet
		delete(flags, "continue-from")
	} else if s.LoRA != nil && flags["continue-from"] == "" {
		flags["lora-r"], flags["lora-alpha"], flags["lora-targets"] = fmt.Sprint(s.LoRA.R), fmt.Sprint(s.LoRA.Alpha), s.LoRA.Targets
	}
	if s.BaseModel != "" {
		flags["base-model"] = s.BaseModel
	}
	return flags, nil
}

// addFields adds the fields of a struct as flags of the same names, with dashes.
func addFields(flags map[string]string, from any) error {
	text, err := json.Marshal(from)
	if err != nil {
		return err
	}
	var fields map[string]any
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&fields); err != nil {
		return err
	}
	for name, value := range fields {
		flags[strings.TrimPrefix(flagOfOption(name), "--")] = fmt.Sprint(value)
	}
	return nil
}

// resumed names what is resumed, for messages.
func (o *trainOptions) resumed() string {
	if o.resume.Dir != "" {
		return o.resume.Dir
	}
	return "the run in " + o.settings.OutputDir
}
