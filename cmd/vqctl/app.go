package main

import (
	"context"

	"github.com/urfave/cli/v3"
)

// version is set by the linker (-X main.version=…).
var version = "development"

// newApp makes the command line: one entry per command, each in the file of its name.
func newApp() *cli.Command {
	cli.HelpPrinter = printHelp
	cli.ShowCommandHelp = func(ctx context.Context, c *cli.Command, name string) error { return showHelp(ctx, c, name) }
	app := &cli.Command{
		Name:                            "vqctl",
		Usage:                           "learn how the people in your message history write, and write as any of them",
		Version:                         version,
		EnableShellCompletion:           true,
		ConfigureShellCompletionCommand: configureCompletion,
		Writer:                          stdout,
		ErrWriter:                       stderr,
		ExitErrHandler:                  func(context.Context, *cli.Command, error) {},
		Flags:                           logFlags(),
		Before:                          openLog,
		After:                           closeLog,
		Action:                          runRoot,
		Commands: []*cli.Command{
			newCollectCommand(),
			newSourcesCommand(),
			newContactsCommand(),
			newStatsCommand(),
			newDescribeCommand(),
			newExportCommand(),
			newPreprocessCommand(),
			newRedactCommand(),
			newForgetCommand(),
			newTuneCommand(),
			newTrainCommand(),
			newRunsCommand(),
			newMonitorCommand(),
			newReportCommand(),
			newEvaluateCommand(),
			newGenerateCommand(),
			newChatCommand(),
			newServeCommand(),
			newScoreCommand(),
			newTokenizeCommand(),
			newModelCommand(),
			newAdapterCommand(),
			newDoctorCommand(),
			newDemoCommand(),
		},
	}
	recordRuns(app)
	configure(app)
	return app
}

// configure replaces the library's usage errors and help command by our own, in a command and all below it. The library
// does not inherit either of them.
func configure(c *cli.Command) {
	for _, sub := range c.Commands {
		configure(sub)
	}
	c.OnUsageError = usageError
	if len(c.Commands) > 0 {
		c.Commands = append(c.Commands, newHelpCommand())
	}
}
