package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v3"

	"ventriloquist/internal/model"
	"ventriloquist/internal/model/adapter"
	"ventriloquist/internal/recipe"
	"ventriloquist/internal/terminal"
	"ventriloquist/internal/usererr"
	"ventriloquist/internal/windows"
)

// trainSetting is a setting that train.toml can have: the name of its flag, and the field that holds it.
type trainSetting struct {
	name  string
	field func(*trainOptions) any
}

var trainSettings = []trainSetting{
	{"base-model", func(o *trainOptions) any { return &o.model.base }},
	{"learning-rate", func(o *trainOptions) any { return &o.run.LearningRate }},
	{"lr-scheduler", func(o *trainOptions) any { return &o.run.Scheduler }},
	{"warmup-ratio", func(o *trainOptions) any { return &o.run.WarmupRatio }},
	{"weight-decay", func(o *trainOptions) any { return &o.run.WeightDecay }},
	{"max-grad-norm", func(o *trainOptions) any { return &o.run.MaxGradNorm }},
	{"batch-size", func(o *trainOptions) any { return &o.run.BatchSize }},
	{"gradient-accumulation-steps", func(o *trainOptions) any { return &o.run.Accumulation }},
	{"num-epochs", func(o *trainOptions) any { return &o.run.Epochs }},
	{"max-steps", func(o *trainOptions) any { return &o.run.MaxSteps }},
	{"max-seq-length", func(o *trainOptions) any { return &o.run.MaxSeqLength }},
	{"seed", func(o *trainOptions) any { return &o.run.Seed }},
	{"lora-r", func(o *trainOptions) any { return &o.lora.R }},
	{"lora-alpha", func(o *trainOptions) any { return &o.lora.Alpha }},
	{"lora-dropout", func(o *trainOptions) any { return &o.lora.Dropout }},
	{"lora-targets", func(o *trainOptions) any { return &o.lora.Targets }},
	{"eval-steps", func(o *trainOptions) any { return &o.settings.EvalSteps }},
	{"patience", func(o *trainOptions) any { return &o.settings.Patience }},
	{"save-steps", func(o *trainOptions) any { return &o.settings.SaveSteps }},
	{"keep-checkpoints", func(o *trainOptions) any { return &o.settings.KeepCheckpoints }},
}

func trainSettingNames() (names []string) {
	for _, s := range trainSettings {
		names = append(names, s.name)
	}
	return names
}

func trainSettingNamed(name string) trainSetting {
	return trainSettings[slices.IndexFunc(trainSettings, func(s trainSetting) bool { return s.name == name })]
}

// set sets the setting to a value as on the command line.
func (s trainSetting) set(o *trainOptions, text string) (err error) {
	kind := "a number"
	switch to := s.field(o).(type) {
	case *string:
		*to = text
	case *int:
		kind = "a whole number"
		*to, err = strconv.Atoi(text)
	case *uint64:
		kind = "a whole number"
		*to, err = strconv.ParseUint(text, 10, 64)
	case *float64:
		*to, err = strconv.ParseFloat(text, 64)
	case *[]model.Projection:
		*to, err = adapter.ParseTargets(text)
		return err
	}
	if err != nil {
		return fmt.Errorf("%s must be %s, not %q", s.name, kind, text)
	}
	return nil
}

// text returns the setting's value as on the command line.
func (s trainSetting) text(o *trainOptions) string {
	switch from := s.field(o).(type) {
	case *string:
		return *from
	case *int:
		return strconv.Itoa(*from)
	case *uint64:
		return strconv.FormatUint(*from, 10)
	case *float64:
		return strconv.FormatFloat(*from, 'g', -1, 64)
	case *[]model.Projection:
		return shortNames(*from)
	}
	return ""
}

// Where a setting comes from, besides a place in train.toml.
const (
	fromFlag    = "flag"
	fromData    = "chosen"
	fromDefault = "default"
)

func recipeFlags() []cli.Flag {
	return inGroup(runGroup,
		&cli.StringFlag{Name: "recipe", Value: recipe.Auto, Usage: "`RECIPE` for settings that are not given: auto (by the number of targets) or reference (2 x 16 windows per step, 2 epochs; ignores train.toml)"},
		&cli.StringFlag{Name: "settings", HideDefault: true, Usage: "`FILE` with settings that are not given as flags, as tune writes it (default: train.toml in --data-dir, unless --data-path is given; \"\" for none)"})
}

// takeSettings notes which flags were given, and takes other settings from train.toml.
func (o *trainOptions) takeSettings(c *cli.Command) error {
	o.from = make(map[string]string)
	if o.recipe = c.String("recipe"); !slices.Contains(recipe.Names, o.recipe) {
		return usererr.Suggest(usererr.Usage("--recipe %q: must be one of %s", o.recipe, strings.Join(recipe.Names, ", ")), o.recipe, recipe.Names, "--recipe %s", "omit it for auto")
	}
	for _, s := range trainSettings {
		if c.IsSet(s.name) {
			o.from[s.name] = fromFlag
		}
	}
	if o.resume != nil {
		o.recipe = recipe.ReferenceRecipe // all settings are the run's
		return nil
	}
	path, wanted := o.settingsPath(c)
	if path == "" {
		return nil
	}
	if o.recipe == recipe.ReferenceRecipe {
		notice("--recipe reference: the settings in %s are not used", path)
		return nil
	}
	return o.readSettings(path, wanted)
}

// settingsPath returns the file to take settings from, "" for none, and whether it was named.
func (o *trainOptions) settingsPath(c *cli.Command) (path string, named bool) {
	if c.IsSet("settings") {
		path = model.ExpandHome(c.String("settings"))
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) && c.Name == "tune" {
			return "", true // it will be written
		}
		return path, true
	}
	path = filepath.Join(o.dataDir, recipe.FileName)
	if _, err := os.Stat(path); err != nil || o.dataPath != "" {
		return "", false
	}
	return path, false
}

// readSettings takes the settings in a file for which no flag was given.
func (o *trainOptions) readSettings(path string, named bool) error {
	list, err := recipe.ReadFile(path, trainSettingNames())
	if errors.Is(err, fs.ErrNotExist) {
		return usererr.With(fmt.Errorf("there is no file of settings %s", path), "`vqctl tune` writes one; omit --settings for the defaults")
	}
	if err != nil {
		return err
	}
	if base := o.otherBase(list); base != "" && !named {
		notice("%s has settings for %s: they are not used for another base model; --settings %s uses them all the same", path, base, path)
		return nil
	}
	for _, v := range list {
		s := trainSettingNamed(v.Name)
		switch {
		case o.from[v.Name] != "":
			continue // a flag wins
		case o.continueFrom != "" && slices.Contains([]string{"base-model", "lora-r", "lora-alpha", "lora-targets"}, v.Name):
			continue // the adapter's
		}
		err := s.set(o, v.Text)
		if err == nil {
			err = o.validate()
		}
		if err != nil {
			return usererr.With(fmt.Errorf("%s:%d: %s", path, v.Line, err), "correct the line or remove it; --%s on the command line wins over it", v.Name)
		}
		o.from[v.Name] = fmt.Sprintf("%s:%d", path, v.Line)
	}
	return nil
}

// otherBase returns the base model that the settings are for if the run uses another, else "".
func (o *trainOptions) otherBase(list []recipe.Value) string {
	used := o.model.base
	if used == "" && o.continueFrom != "" {
		if config, err := adapter.ReadConfig(o.continueFrom); err == nil {
			used = config.BaseModel
		}
	}
	for _, v := range list {
		if v.Name == "base-model" && used != "" && !sameValue("base-model", v.Text, used) {
			return v.Text
		}
	}
	return ""
}

// recipeData counts what a run trains on.
func (o *trainOptions) recipeData(source windows.List, training, heldOut []int) recipe.Data {
	d := recipe.Data{Windows: len(training), HeldOut: len(heldOut), MaxSeqLength: o.run.MaxSeqLength}
	for _, i := range training {
		d.Targets += source.Targets(i)
	}
	return d
}

// splitWindows returns the windows to train on, at most --limit, and those to evaluate on.
func (o *trainOptions) splitWindows(source windows.List) (training, heldOut []int) {
	training, heldOut = windows.Split(source)
	if o.run.Limit > 0 && o.run.Limit < len(training) {
		training = training[:o.run.Limit]
	}
	return training, heldOut
}

// choose chooses the settings that were not given by the number of targets.
func (o *trainOptions) choose(d recipe.Data) {
	o.targets = d.Targets
	if o.recipe != recipe.Auto {
		return
	}
	has := func(name string) bool { return o.from[name] != "" }
	chosen, list := recipe.Choose(d, recipe.Settings{
		BatchSize: o.run.BatchSize, Accumulation: o.run.Accumulation, Epochs: o.run.Epochs, MaxSteps: o.run.MaxSteps,
		WarmupRatio: o.run.WarmupRatio, EvalSteps: o.settings.EvalSteps,
	}, recipe.Given{BatchSize: has("batch-size"), Accumulation: has("gradient-accumulation-steps"), Epochs: has("num-epochs"),
		WarmupRatio: has("warmup-ratio"), EvalSteps: has("eval-steps")})
	o.run.BatchSize, o.run.Accumulation, o.run.Epochs = chosen.BatchSize, chosen.Accumulation, chosen.Epochs
	o.run.WarmupRatio, o.settings.EvalSteps = chosen.WarmupRatio, chosen.EvalSteps
	o.why = make(map[string]string)
	for _, choice := range list {
		name := strings.TrimPrefix(flagOfOption(choice.Option), "--")
		o.from[name], o.why[name] = fromData, choice.Why
	}
}

// settingValue is a setting of a run and where it comes from.
type settingValue struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	From  string `json:"from"` // "flag", "FILE:LINE", "chosen" or "default"
	Why   string `json:"why,omitempty"`
}

// values returns all settings.
func (o *trainOptions) values() (list []settingValue) {
	for _, s := range trainSettings {
		v := settingValue{Name: s.name, Value: s.text(o), From: o.from[s.name], Why: o.why[s.name]}
		if v.From == "" {
			v.From = fromDefault
		}
		list = append(list, v)
	}
	return list
}

// settingLines says which settings come from train.toml, and which were chosen and why; nothing if all were given.
func (o *trainOptions) settingLines() (lines []string) {
	var chosen []string
	files := map[string][]string{}
	for _, v := range o.values() {
		switch v.From {
		case fromFlag, fromDefault:
		case fromData:
			chosen = append(chosen, fmt.Sprintf("--%s %s (%s)", v.Name, v.Value, v.Why))
		default:
			at := strings.LastIndex(v.From, ":")
			path, line := v.From[:at], v.From[at+1:]
			files[path] = append(files[path], fmt.Sprintf("--%s %s (line %s)", v.Name, v.Value, line))
		}
	}
	for path, list := range files { // there is one at most
		lines = append(lines, fmt.Sprintf("from %s: %s", path, strings.Join(list, ", ")))
	}
	if len(chosen) > 0 {
		lines = append(lines, fmt.Sprintf("chosen for %s: %s; flags override these, and --recipe reference uses fixed settings", terminal.Quantity(o.targets, "target"), strings.Join(chosen, ", ")),
			recipe.Expect(o.targets))
	}
	return lines
}
