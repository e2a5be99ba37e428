package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"github.com/urfave/cli/v3"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/term"

	"ventriloquist/internal/usererr"
)

// Results go to stdout; errors, progress and notices to stderr. The log records what a command does otherwise: retries, what is
// read again and why, checkpoints. It never holds texts of messages, nor names or addresses of people.

// logFlags are the flags of the log, which all commands take.
func logFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "log-level", Value: "warn", Usage: "`LEVEL`: lowest level to log: debug, info, warn or error", Category: globalGroup},
		&cli.StringFlag{Name: "log-file", Usage: "also append the log, as JSON, to `FILE`", Category: globalGroup},
	}
}

type logKey struct{}

// logOf returns the logger of the command that runs in a context.
func logOf(ctx context.Context) *zap.Logger {
	if log, ok := ctx.Value(logKey{}).(*zap.Logger); ok {
		return log
	}
	return zap.NewNop()
}

// openLog makes the logger of a command line: a cli.BeforeFunc. closeLog flushes it.
func openLog(ctx context.Context, c *cli.Command) (context.Context, error) {
	ctx, err := requireDotEnv(ctx, c)
	if err != nil {
		return ctx, err
	}
	log, err := newLogger(c.String("log-level"), c.String("log-file"), stderr, term.IsTerminal(int(os.Stderr.Fd())))
	if err != nil {
		return ctx, err
	}
	return context.WithValue(ctx, logKey{}, log), nil
}

func closeLog(ctx context.Context, _ *cli.Command) error {
	_ = logOf(ctx).Sync() // syncing a terminal fails
	return nil
}

// newLogger logs to out, as text for a terminal and as JSON otherwise, and to the file if one is named.
func newLogger(level, file string, out io.Writer, terminal bool) (*zap.Logger, error) {
	least, err := zapcore.ParseLevel(level)
	if err != nil || least > zapcore.ErrorLevel || level == "" {
		return nil, usererr.Usage("--log-level %q: must be one of debug, info, warn, error", level)
	}
	config := zap.NewProductionEncoderConfig()
	config.EncodeTime = zapcore.RFC3339TimeEncoder
	asJSON, encoder := zapcore.NewJSONEncoder(config), zapcore.NewJSONEncoder(config)
	if terminal {
		config.EncodeTime, config.EncodeLevel = zapcore.TimeEncoderOfLayout("15:04:05"), zapcore.CapitalLevelEncoder
		encoder = zapcore.NewConsoleEncoder(config)
	}
	core := zapcore.NewCore(encoder, zapcore.Lock(zapcore.AddSync(out)), least)
	if file != "" {
		f, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_APPEND|syscall.O_NONBLOCK, 0o600)
		if err != nil {
			return nil, usererr.With(fmt.Errorf("cannot write the log: %w", errors.Unwrap(err)), "--log-file %s: name a file that can be written to", file)
		}
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() { // not a device
			_ = f.Chmod(0o600) // one that was there may be readable by others; where it cannot be changed, logging goes on
		}
		core = zapcore.NewTee(core, zapcore.NewCore(asJSON, f, least)) // the file is open as long as the process runs
	}
	return zap.New(core), nil
}

// notice prints to stderr what a command is doing, or what was left out.
func notice(format string, args ...any) {
	fmt.Fprintln(stderr, fitLines(fmt.Sprintf(format, args...), terminalWidth(stderr)))
}
