package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/urfave/cli/v3"
	"go.uber.org/zap"

	"ventriloquist/internal/messages"
)

// record records a run of a command in messages.db, for the menu; without a database, there is nothing to record it in. It does
// not wait for another command that changes the database by now, nor gets in its way.
func record(ctx context.Context, dataDir, command string, run messages.LastRun) error {
	if statOf(databasePath(dataDir)) == nil {
		return nil
	}
	release, err := messages.TryLockFolder(dataDir)
	if err != nil {
		return err
	}
	defer release()
	db, err := openDatabase(ctx, dataDir)
	if err != nil {
		return err
	}
	defer db.Close()
	return db.SetLastRun(ctx, command, run)
}

// recordRuns makes the steps that may be done again with the same flags record them when they succeed.
func recordRuns(app *cli.Command) {
	for _, c := range app.Commands {
		if slices.Contains([]string{"collect", "preprocess", "train"}, c.Name) {
			recordRun(c)
		}
	}
}

func recordRun(c *cli.Command) {
	action := c.Action
	c.Action = func(ctx context.Context, c *cli.Command) error {
		if err := action(ctx, c); err != nil || c.Bool("dry-run") || c.Bool("detach") && !wasDetached || silenced {
			return err
		}
		run := messages.LastRun{Flags: givenFlags(c), At: time.Now()}
		if err := record(ctx, c.String("data-dir"), c.Name, run); err != nil {
			logOf(ctx).Warn("cannot record the flags of this run", zap.Error(err)) // only the menu needs them
		}
		return nil
	}
}

// notRecorded are flags that do not change what a step does.
var notRecorded = []string{"help", "json", "data-dir", "resume", "detach", "watch", "passphrase-file", "signal-key-file"}

// givenFlags returns the flags that the user gave, as arguments.
func givenFlags(c *cli.Command) []string {
	given := []string{}
	for _, f := range c.Flags {
		name := f.Names()[0]
		if !c.IsSet(name) || slices.Contains(notRecorded, name) {
			continue
		}
		switch value := c.Value(name).(type) {
		case bool:
			given = append(given, fmt.Sprintf("--%s=%t", name, value))
		case []string:
			for _, one := range value {
				given = append(given, "--"+name, one)
			}
		default:
			given = append(given, "--"+name, fmt.Sprint(value))
		}
	}
	return given
}
