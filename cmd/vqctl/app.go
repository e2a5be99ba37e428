package main

import (
	"context"

	"github.com/urfave/cli/v3"
)

// version is set by the linker (-X main.version=…).
var version = "development"

// newApp is the whole command line: one entry a command, each in the file of its name.
func newApp() *cli.Command {
	cli.HelpPrinter = printHelp
	app := &cli.Command{
		Name:                  "vqctl",
		Usage:                 "learn how the people in your message history write, and write as any of them",
		Version:               version,
		EnableShellCompletion: true,
		Writer:                stdout,
		ErrWriter:             stderr,
		ExitErrHandler:        func(context.Context, *cli.Command, error) {},
		Flags:                 logFlags(),
		Before:                openLog,
		After:                 closeLog,
		Action:                runRoot,
		Commands: []*cli.Command{
			newCollectCommand(),
			newContactsCommand(),
			newStatsCommand(),
			newDescribeCommand(),
			newPreprocessCommand(),
			newRedactCommand(),
			newForgetCommand(),
			newTrainCommand(),
			newEvaluateCommand(),
			newGenerateCommand(),
			newChatCommand(),
			newScoreCommand(),
			newTokenizeCommand(),
			newModelCommand(),
			newDoctorCommand(),
			newDemoCommand(),
		},
	}
	markUsageErrors(app)
	return app
}

// markUsageErrors makes the mistakes that the library finds in flags wrong usage, of each command: a command does not
// ask its parent.
func markUsageErrors(c *cli.Command) {
	c.OnUsageError = usageError
	for _, sub := range c.Commands {
		markUsageErrors(sub)
	}
}
