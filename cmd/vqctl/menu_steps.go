package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"ventriloquist/internal/atomicfile"
	"ventriloquist/internal/model"
	"ventriloquist/internal/regularfile"
	"ventriloquist/internal/terminal"
	"ventriloquist/internal/usererr"
)

// step returns a step that runs a command as it is.
func step(command string) func(*menu, []string) error {
	return func(m *menu, flags []string) error { return m.run(append([]string{command}, flags...)) }
}

// flagsFor returns the flags for running a command again: those given now, else those of the last time.
func (m *menu) flagsFor(command string, given []string) []string {
	if len(given) > 0 {
		return given
	}
	return m.state.runs[command].Flags
}

// again runs a command. If it was done before, it says what is replaced, and asks.
func (m *menu) again(command string, flags []string, replaces string) error {
	if replaces != "" {
		fmt.Fprintf(m.out, "%s\n", replaces)
		yes, err := m.agree("run: vqctl %s?", strings.TrimSpace(command+" "+shellWords(flags)))
		if err != nil || !yes {
			return m.unchanged(err)
		}
	}
	return m.run(append([]string{command}, flags...))
}

// unchanged says that a question was not answered with yes.
func (m *menu) unchanged(err error) error {
	m.later = true
	if err == nil {
		fmt.Fprintln(m.out, "nothing was changed")
	}
	return err
}

// doCollect collects again, or for the first time: from the Mac's own messages, or from what the user names.
func (m *menu) doCollect(flags []string) error {
	if flags = m.flagsFor("collect", flags); len(flags) > 0 || ownHistory() != "" {
		return m.again("collect", flags, "")
	}
	printWrapped(m.out, "", "this machine has no messages of its own; `vqctl sources` says how to export them from each messenger")
	answer, err := m.question("file or folder of an export, a backup or chat.db:")
	if err != nil || answer == "" {
		return m.unchanged(err)
	}
	path := answer // as a file manager pastes it, or as a shell needs it
	if words, err := splitWords(answer); err == nil && len(words) == 1 && statOf(answer) == nil {
		path = words[0]
	}
	return m.again("collect", []string{"--source", path}, "")
}

// ownHistory returns the path of the Mac's own message database, "" if there is none.
func ownHistory() string {
	path, err := expandHome(defaultSource)
	if err != nil || statOf(path) == nil {
		return ""
	}
	return path
}

// doContacts drafts the contacts file, or shows who is in it.
func (m *menu) doContacts(flags []string) error {
	if len(flags) > 0 {
		return m.run(append([]string{"contacts"}, flags...))
	}
	if m.state.contacts <= 0 {
		return m.run([]string{"contacts", "suggest"})
	}
	if err := m.run([]string{"contacts"}); err != nil {
		return err
	}
	printWrapped(m.out, "", "to add people: vqctl contacts suggest, or vqctl contacts add NAME ID")
	return nil
}

func (m *menu) doPreprocess(flags []string) error {
	flags = m.flagsFor("preprocess", flags)
	if m.state.windows < 0 {
		return m.again("preprocess", flags, "")
	}
	return m.again("preprocess", flags, fmt.Sprintf("this replaces the %s of messages.db", terminal.Quantity(m.state.windows, "window")))
}

// doTrain resumes an interrupted run, or trains.
func (m *menu) doTrain(flags []string) error {
	if m.state.started && len(flags) == 0 {
		return m.run([]string{"train", "--resume"})
	}
	flags = m.trainFlags(flags)
	if !m.state.trained || trainsElsewhere(flags) {
		return m.again("train", flags, "")
	}
	return m.again("train", flags, "the finished adapter moves to another folder, as the run says when it starts")
}

// trainFlags returns the flags of train, with the base model that was chosen in the menu. The flags of a run in another folder train
// the adapter in the menu's own folder, which the other steps use.
func (m *menu) trainFlags(given []string) []string {
	flags := m.flagsFor("train", given)
	if len(given) == 0 && trainsElsewhere(flags) {
		flags = withoutFlag(withoutFlag(flags, "output-dir"), "run-name")
	}
	if flagValue(flags, "base-model") == "" && m.state.base != model.Default {
		flags = withFlag(flags, "base-model", m.state.base)
	}
	return flags
}

// doName asks for MY_NAME and writes it into .env.
func (m *menu) doName([]string) error {
	offered := m.state.name
	if names := foundNames(m.ctx, defaultDataDir); offered == "" && len(names) > 0 {
		offered = names[0]
	}
	prompt := "your name, as the others call you:"
	if offered != "" {
		prompt = fmt.Sprintf("your name, as the others call you (Enter: %s):", offered)
	}
	name, err := m.question("%s", prompt)
	if err != nil {
		return err
	}
	if name == "" {
		name = offered
	}
	if name == "" || name == m.state.name {
		return m.unchanged(nil)
	}
	if err := writeSetting("MY_NAME", name); err != nil {
		return err
	}
	fmt.Fprintf(m.out, "%s has MY_NAME=%q now\n", dotEnvFile, name)
	return nil
}

// writeSetting sets a variable in the .env file, whose other lines stay, and in the environment.
func writeSetting(name, value string) error {
	if strings.ContainsAny(value, "\"\\$`\n\r") {
		return usererr.With(fmt.Errorf("%s: %q has characters that %s cannot hold", name, value, dotEnvFile), "write it without quotes, $ and \\")
	}
	old, err := regularfile.Read(dotEnvFile, largestDotEnv)
	if err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("cannot read %s: %w", dotEnvPath(), err)
	}
	if _, err := parseDotEnv(old); err != nil {
		return err
	}
	text := string(decodeUnicode(old))
	line := name + `="` + value + "\"\n"
	if assigned := regexp.MustCompile(`(?m)^[ \t]*(?:export[ \t]+)?` + name + `[ \t]*[=:].*(?:\n|$)`); assigned.MatchString(text) {
		text = assigned.ReplaceAllLiteralString(text, line)
	} else {
		if text != "" && !strings.HasSuffix(text, "\n") {
			text += "\n"
		}
		text += line
	}
	err = atomicfile.Write(dotEnvFile, func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	})
	if err != nil {
		return err
	}
	return os.Setenv(name, value)
}

// doBase lets the user choose a base model, and downloads it.
func (m *menu) doBase([]string) error {
	list := m.bases()
	times := trainingTimes(m.ctx, list)
	if m.ctx.Err() != nil {
		return m.ctx.Err()
	}
	table := terminal.NewTable("#", "base model", "", "training here takes")
	for i, name := range list {
		table.Add(strconv.Itoa(i+1), name, whereBase(name), times[name].text)
	}
	fmt.Fprint(m.out, table.Fit(terminal.Columns(m.out)))
	printWrapped(m.out, "", "vqctl train --dry-run --gpu-type rtx4090 says what a GPU would take")
	// A download of gigabytes is no use for what takes days here: training happens on another machine then.
	planned, known := times[m.state.base]
	elsewhere := known && !planned.withinADay && !m.state.hasBase
	byEnter := m.state.base
	if elsewhere {
		byEnter = "none, to train on another machine"
	}
	answer, err := m.question("which (Enter: %s)?", byEnter)
	if err != nil {
		return err
	}
	if answer == "" && elsewhere {
		m.later = true
		printWrapped(m.out, "", "nothing was downloaded; to train on a machine with a GPU and vqctl, copy the data there: rsync -a data .env "+
			"THE-MACHINE:ventriloquist/ and type `vqctl` in that folder")
		return nil
	}
	name := m.state.base
	if n, err := strconv.Atoi(answer); err == nil && n >= 1 && n <= len(list) {
		name = list[n-1]
	} else if answer != "" {
		name = answer
	}
	if _, err := model.Resolve(name); err != nil {
		if err := m.run([]string{"model", "pull", name}); err != nil {
			return err
		}
	}
	if name == m.state.base {
		return nil
	}
	return m.chooseBase(name)
}

// whereBase says that a base model is on this machine, or how large its download is.
func whereBase(name string) string {
	if _, err := model.Resolve(name); err == nil {
		return "on this machine"
	}
	config, _, err := model.ConfigNamed(name)
	if err != nil {
		return "not downloaded"
	}
	const bytesPerParameter = 2 // bf16, as they are published
	return "a download of " + terminal.Bytes(uint64(bytesPerParameter*config.Parameters()))
}

// bases are the models to choose from: the built-in one, Qwen3's, and others on this machine.
func (m *menu) bases() []string {
	list := []string{model.Tiny}
	for _, name := range model.Known {
		if strings.HasSuffix(name, "-Base") {
			list = append(list, name)
		}
	}
	if here, err := model.List(); err == nil {
		for _, e := range here {
			if e.Missing == "" && !slices.Contains(list, e.Name) {
				list = append(list, e.Name)
			}
		}
	}
	return list
}

// chooseBase records the base model that train uses from now on.
func (m *menu) chooseBase(name string) error {
	if statOf(databasePath(defaultDataDir)) == nil {
		return usererr.With(errors.New("the base model is chosen after the messages are collected"), "choose 2 first")
	}
	run := m.state.runs["train"]
	run.Flags = withFlag(run.Flags, "base-model", name)
	if err := record(m.ctx, defaultDataDir, "train", run); err != nil {
		return err
	}
	m.state.base = name
	fmt.Fprintf(m.out, "train uses %s from now on\n", name)
	return nil
}
