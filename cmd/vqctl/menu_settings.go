package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v3"

	"ventriloquist/internal/terminal"
	"ventriloquist/internal/windows"
)

// trainOptionsFrom returns the options of `vqctl train` with these flags, with the settings in train.toml.
func trainOptionsFrom(ctx context.Context, flags []string) (o trainOptions, err error) {
	command := newTrainCommand()
	command.Writer, command.ErrWriter = io.Discard, io.Discard
	command.Action = func(_ context.Context, c *cli.Command) error {
		o, err = trainOptionsOf(c)
		return err
	}
	return o, command.Run(ctx, append([]string{"train"}, flags...))
}

// plannedSettings says which settings train would take from train.toml and which it would choose for the windows of messages.db.
func plannedSettings(ctx context.Context, o *trainOptions) string {
	source, err := windows.OpenDatabase(ctx, databasePath(o.dataDir), nil)
	if err != nil {
		return ""
	}
	defer source.Close()
	training, heldOut := o.splitWindows(source)
	o.choose(o.recipeData(source, training, heldOut))
	return o.settingsInShort()
}

// settingsInShort lists the settings of train.toml and the chosen ones; "" if all are flags and defaults.
func (o *trainOptions) settingsInShort() string {
	var chosen, read []string
	from := ""
	for _, v := range o.values() {
		one := v.Name + " " + v.Value
		switch v.From {
		case fromFlag, fromDefault:
		case fromData:
			chosen = append(chosen, one)
		default:
			from = v.From[:strings.LastIndex(v.From, ":")]
			read = append(read, one)
		}
	}
	var parts []string
	if len(read) > 0 {
		parts = append(parts, fmt.Sprintf("from %s: %s", from, strings.Join(read, ", ")))
	}
	if len(chosen) > 0 {
		parts = append(parts, fmt.Sprintf("chosen for %s: %s", terminal.Quantity(o.targets, "target"), strings.Join(chosen, ", ")))
	}
	return strings.Join(parts, "; ")
}
