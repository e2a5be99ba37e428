package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/model"
	"ventriloquist/internal/people"
	"ventriloquist/internal/terminal"
)

// menuState is what the menu shows.
type menuState struct {
	pipelineState
	name     string // MY_NAME
	contacts int    // people in the contacts file, -1 without one
	problem  string // of the contacts file
	base     string // the base model that train uses
	hasBase  bool   // it is on this machine
	settings string // what train takes from train.toml and chooses, "" before preprocess
	runs     map[string]messages.LastRun
}

func readMenuState(ctx context.Context) menuState {
	s := menuState{pipelineState: readPipelineState(ctx, defaultDataDir, defaultOutputDir), name: strings.TrimSpace(os.Getenv("MY_NAME")),
		contacts: -1, runs: map[string]messages.LastRun{}}
	if statOf(databasePath(defaultDataDir)) != nil {
		if db, err := openDatabase(ctx, defaultDataDir); err == nil {
			if runs, err := db.LastRuns(ctx); err == nil {
				s.runs = runs
			}
			db.Close()
		}
	}
	path := filepath.Join(defaultDataDir, contactsName)
	if statOf(path) != nil {
		if book, err := people.LoadBook(path, ownerFromSettings()); err == nil {
			s.contacts = len(book.Names())
		} else {
			s.problem = err.Error()
		}
	}
	s.readTraining(ctx)
	_, err := model.Resolve(s.base)
	s.hasBase = err == nil
	return s
}

// readTraining reads what train would use now.
func (s *menuState) readTraining(ctx context.Context) {
	s.base = flagValue(s.runs["train"].Flags, "base-model")
	options, err := trainOptionsFrom(ctx, s.runs["train"].Flags)
	switch {
	case err != nil:
		s.settings = "problem: " + err.Error()
	case s.windows >= 0 && !s.started && !s.training:
		s.settings = plannedSettings(ctx, &options)
	}
	if s.base == "" {
		s.base = options.model.base
	}
	if s.base == "" {
		s.base = model.Default
	}
}

// flagValue returns the value of a flag, recorded or as it is typed, "" if it was not given.
func flagValue(flags []string, name string) string {
	for _, f := range flags {
		if value, found := strings.CutPrefix(f, "--"+name+"="); found {
			return value
		}
	}
	if at := slices.Index(flags, "--"+name); at >= 0 && at+1 < len(flags) {
		return flags[at+1]
	}
	return ""
}

// withFlag returns recorded flags with another value for one of them.
func withFlag(flags []string, name, value string) []string {
	flags = slices.Clone(flags)
	if at := slices.Index(flags, "--"+name); at >= 0 && at+1 < len(flags) {
		flags[at+1] = value
		return flags
	}
	return append(flags, "--"+name, value)
}

// trainsElsewhere reports whether flags of train name another folder than the menu's.
func trainsElsewhere(flags []string) bool {
	dir := flagValue(flags, "output-dir")
	return dir != "" && filepath.Clean(dir) != filepath.Clean(defaultOutputDir)
}

// withoutFlag returns recorded flags without one of them.
func withoutFlag(flags []string, name string) []string {
	if at := slices.Index(flags, "--"+name); at >= 0 && at+1 < len(flags) {
		return slices.Delete(slices.Clone(flags), at, at+2)
	}
	return flags
}

// A menuEntry is one line of the menu.
type menuEntry struct {
	key, title string
	command    string // of vqctl, which the user may type as well
	required   bool
	isDone     func(menuState) bool
	says       func(menuState) string
	do         func(m *menu, flags []string) error
}

// menuEntries are the steps in the order in which they are done, and what else there is.
var menuEntries = []menuEntry{
	{"1", "your name", "name", true, func(s menuState) bool { return s.name != "" }, sayName, (*menu).doName},
	{"2", "collect messages", "collect", true, func(s menuState) bool { return s.messages >= 0 }, sayCollect, (*menu).doCollect},
	{"3", "contacts", "contacts", true, func(s menuState) bool { return s.contacts > 0 }, sayContacts, (*menu).doContacts},
	{"4", "describe attachments", "describe", false, func(s menuState) bool { return s.described > 0 }, sayDescribe, step("describe")},
	{"5", "preprocess", "preprocess", true, func(s menuState) bool { return s.windows >= 0 }, sayPreprocess, (*menu).doPreprocess},
	{"6", "base model", "model", true, func(s menuState) bool { return s.hasBase }, sayBase, (*menu).doBase},
	{"7", "train", "train", true, func(s menuState) bool { return s.trained }, sayTrain, (*menu).doTrain},
	{"8", "chat", "chat", false, never, needsAdapter, step("chat")},
	{"9", "evaluate", "evaluate", false, never, needsAdapter, step("evaluate")},
	{"s", "statistics", "stats", false, never, nothing, step("stats")},
	{"d", "check this machine", "doctor", false, never, nothing, step("doctor")},
}

func never(menuState) bool     { return false }
func nothing(menuState) string { return "" }

func sayName(s menuState) string {
	if s.name == "" {
		return "not set: your messages get this name"
	}
	return s.name
}

func sayCollect(s menuState) string {
	if s.messages < 0 {
		return "not done"
	}
	return s.done("collect", terminal.Quantity(s.messages, "message"))
}

func sayContacts(s menuState) string {
	switch {
	case s.problem != "":
		return "problem: " + s.problem
	case s.contacts < 0:
		return "not done: who is who"
	}
	return terminal.Quantity(s.contacts, "person")
}

func sayDescribe(s menuState) string {
	if s.described > 0 {
		return "optional; " + counted(s.described, "attachment")
	}
	return "optional"
}

func sayPreprocess(s menuState) string {
	if s.windows < 0 {
		return "not done"
	}
	text := s.done("preprocess", terminal.Quantity(s.windows, "window"))
	if s.after("collect", "preprocess") {
		text += "; messages were collected since"
	}
	return text
}

func sayBase(s menuState) string {
	if s.hasBase {
		return s.base
	}
	return s.base + ": not downloaded"
}

func sayTrain(s menuState) string {
	switch {
	case s.training:
		return "training now: vqctl monitor shows it"
	case s.started:
		return "interrupted: 7 resumes it"
	case !s.trained:
		return "not done"
	}
	text := s.done("train", filepath.Join(defaultOutputDir, "final"))
	if flags := s.runs["train"].Flags; trainsElsewhere(flags) {
		text = "done: " + filepath.Join(defaultOutputDir, "final") + "; the latest run is in " + flagValue(flags, "output-dir") // its flags and date are not this adapter's
	}
	if s.after("preprocess", "train") {
		text += "; windows were made since"
	}
	return text
}

func needsAdapter(s menuState) string {
	if s.trained {
		return ""
	}
	return "after 7"
}

// done says what a step made, and when and with which flags if that was recorded.
func (s menuState) done(command, what string) string {
	run := s.runs[command]
	if run.At.IsZero() {
		return "done: " + what
	}
	text := fmt.Sprintf("done %s: %s", run.At.Local().Format(time.DateOnly), what)
	if flags := shellWords(run.Flags); flags != "" {
		text += " (" + flags + ")"
	}
	return text
}

// after reports whether a command ran after another.
func (s menuState) after(later, earlier string) bool {
	return !s.runs[earlier].At.IsZero() && s.runs[later].At.After(s.runs[earlier].At)
}

// shellWords formats arguments as they are typed.
func shellWords(args []string) string {
	words := make([]string, len(args))
	for i, a := range args {
		words[i] = quoteForShell(strings.TrimSuffix(a, "=true"))
	}
	return strings.Join(words, " ")
}
