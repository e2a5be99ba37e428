package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"

	"ventriloquist/internal/model"
	"ventriloquist/internal/people"
	"ventriloquist/internal/regularfile"
)

// completionMark is the last argument with which a shell's completion script asks for words. The argument before it is the word
// before the one to complete.
const completionMark = "--generate-shell-completion"

// completions returns the words that may follow a flag or a command; the library completes commands and flags.
var completions = map[string]func(args []string) []string{
	"--as": peopleToComplete, "--target": peopleToComplete, "--member": peopleToComplete, "--only": peopleToComplete, "--exclude": peopleToComplete,
	"stats": peopleToComplete, "forget": peopleToComplete,
	"--base-model": modelsToComplete, "info": modelsToComplete, "rm": modelsToComplete,
	"--adapter": adaptersToComplete, "--continue-from": adaptersToComplete,
	"--log-level": func([]string) []string { return []string{"debug", "info", "warn", "error"} },
	"--type":      func([]string) []string { return []string{"dm", "group"} },
}

// complete prints the words that a shell may put after args, and reports whether it did.
func complete(args []string, out io.Writer) bool {
	n := len(args) - 1
	if n < 1 || args[n] != completionMark {
		return false
	}
	words, known := completions[args[n-1]]
	if !known {
		return false
	}
	for _, word := range words(args[1:n]) {
		if !strings.ContainsAny(word, ":\n") { // what follows a colon would be a description
			fmt.Fprintln(out, word)
		}
	}
	return true
}

// peopleToComplete returns the people of the contacts file, those that the adapter was trained on, and the owner.
func peopleToComplete(args []string) (names []string) {
	self := ownerFromSettings()
	path := filepath.Join(flagIn(args, "--data-dir", defaultDataDir), contactsName)
	if book, err := people.LoadOrNewBook(flagIn(args, "--contacts", path), self); err == nil {
		names = book.Names()
	}
	trained := modelOptions{base: flagIn(args, "--base-model", ""), adapter: flagIn(args, "--adapter", "")}.knownPeople().trained
	for _, name := range append(trained, self.Name) {
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// modelsToComplete returns the base models on this machine.
func modelsToComplete([]string) (names []string) {
	list, err := model.List()
	if err != nil {
		return nil
	}
	for _, e := range list {
		names = append(names, e.Name)
	}
	return names
}

// adaptersToComplete returns the adapters below the output folder.
func adaptersToComplete(args []string) (dirs []string) {
	folders := regularfile.Glob(flagIn(args, "--output-dir", "checkpoints"), "*")
	for _, folder := range folders {
		folders = append(folders, regularfile.Glob(folder, "*")...)
	}
	for _, folder := range folders {
		if statOf(filepath.Join(folder, "adapter_config.json")) != nil {
			dirs = append(dirs, folder)
		}
	}
	return dirs
}

// flagIn returns the value of a flag in a command line, else the default.
func flagIn(args []string, name, otherwise string) string {
	for i, arg := range args {
		if value, found := strings.CutPrefix(arg, name+"="); found {
			return value
		}
		if arg == name && i+1 < len(args) {
			return args[i+1]
		}
	}
	return otherwise
}

// bashCompletion completes words with spaces, which the library's own script splits.
const bashCompletion = `_vqctl() {
  local cur=${COMP_WORDS[COMP_CWORD]} words line word IFS=$'\n'
  words=("${COMP_WORDS[@]:1:COMP_CWORD-1}")
  [[ $cur == -* ]] && words+=("$cur")
  COMPREPLY=()
  for line in $("${COMP_WORDS[0]}" "${words[@]}" --generate-shell-completion 2>/dev/null); do
    word=${line%%:*}
    [[ $word == "$cur"* ]] && COMPREPLY+=("$(printf %q "$word")")
  done
}
complete -o bashdefault -o default -F _vqctl vqctl
`

// configureCompletion puts the completion command into the help, in our words.
func configureCompletion(c *cli.Command) {
	c.Hidden = false
	c.Usage = "print a completion script for bash, zsh, fish or PowerShell"
	c.Description = `Completes commands, flags, people, base models and adapters.

  bash        source <(vqctl completion bash)    in ~/.bashrc
  zsh         source <(vqctl completion zsh)     in ~/.zshrc
  fish        vqctl completion fish >~/.config/fish/completions/vqctl.fish
  PowerShell  vqctl completion pwsh >vqctl.ps1, and run that file`
	for _, shell := range c.Commands {
		shell.Usage = "print the script for " + shell.Name
		if shell.Name == "bash" {
			shell.Action = func(_ context.Context, c *cli.Command) error {
				_, err := io.WriteString(c.Root().Writer, bashCompletion)
				return err
			}
		}
	}
}
