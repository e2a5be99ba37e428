package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"

	"ventriloquist/internal/atomicfile"
	"ventriloquist/internal/messages"
	"ventriloquist/internal/people"
	"ventriloquist/internal/privacy"
	"ventriloquist/internal/scratch"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/imessage"
	"ventriloquist/internal/terminal"
)

// defaultSource is where a Mac keeps its messages.
const defaultSource = "~/Library/Messages/chat.db"

type collectOptions struct {
	source string
	format string
	me     []string
	zone   string
	// passphraseFile holds the passphrase of an encrypted backup.
	passphraseFile string
	// signalKeyFile holds the key of Signal's database, or its password.
	signalKeyFile string
	dataDir       string
	keepGone      bool
	include       string
	watch         bool
	json          bool
}

func newCollectCommand() *cli.Command {
	var o collectOptions
	return &cli.Command{
		Name:  "collect",
		Usage: "read the message history into messages.db",
		Description: `Reads chat.db of a Mac, the backup of an iPhone, or another program's export, and never changes it. Run it again at any
time: it reads what changed, and messages.db then matches the source. Messages from other sources stay, and a message that is
in several sources counts once.`,
		Flags: slices.Concat(
			inGroup(sourceGroup,
				&cli.StringFlag{Name: "source", Value: defaultSource, Usage: "`PATH` of a chat.db, the folder of an iPhone backup, or an export", Destination: &o.source},
				&cli.StringFlag{Name: "format", Usage: "`FORMAT`: source format (default: detected from the file): " + strings.Join(formatNames(), ", "), Destination: &o.format},
				&cli.StringFlag{Name: "passphrase-file", Usage: "`FILE` with the passphrase of an encrypted backup (default: " + passphraseVariable + ", or a prompt)", Destination: &o.passphraseFile},
				&cli.StringFlag{Name: "signal-key-file", Usage: "`FILE` with the key of Signal's database or its password in the keyring (default: " + signalVariable + ", or Signal's config.json)", Destination: &o.signalKeyFile},
				&cli.StringSliceFlag{Name: "me", Usage: "your `NAME` in an export, in addition to MY_NAME and USER_IDENTIFIERS (repeatable)", Destination: &o.me},
				&cli.StringFlag{Name: "zone", Usage: "time `ZONE` of an export without one, such as Europe/Berlin (default: this machine's)", Destination: &o.zone}),
			inGroup(filterGroup,
				&cli.BoolFlag{Name: "keep-gone", Usage: "keep messages that are no longer in the source", Destination: &o.keepGone},
				&cli.StringFlag{Name: "include", Usage: "also include rows of chat.db that are skipped by default: comma-separated `LIST` of junk, deleted, scheduled, failed, or all", Destination: &o.include}),
			inGroup(outputGroup,
				dataDirFlag(&o.dataDir),
				&cli.BoolFlag{Name: "watch", Usage: "keep running, and collect again whenever chat.db changes, until Ctrl-C", Destination: &o.watch},
				&cli.BoolFlag{Name: "json", Usage: "print the summary as a JSON object", Destination: &o.json})),
		Action: func(ctx context.Context, c *cli.Command) error {
			if err := noArguments(c, sourceHint(c, o.source)); err != nil {
				return err
			}
			return runCollect(ctx, o, stdout)
		},
	}
}

// How Go's garbage collector runs during a collect: up to collectMemory bytes (SQLite's are not counted) only when the heap
// has grown by collectGarbage percent.
const (
	collectMemory  = 150 << 20
	collectGarbage = 200
)

// runCollect fills messages.db from the source, and writes a summary to out.
func runCollect(ctx context.Context, o collectOptions, out io.Writer) error {
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(collectMemory))
	defer debug.SetGCPercent(debug.SetGCPercent(collectGarbage))
	path, err := expandHome(o.source)
	if err != nil {
		return err
	}
	if o.source != defaultSource {
		if err := missingSource(path); err != nil {
			return err
		}
	}
	kind, err := findFormat(o.format, path)
	if err != nil {
		return err
	}
	stamp, err := o.stamp(kind, path)
	if err != nil {
		return err
	}
	result, err := collect(ctx, &o, kind, path)
	if err != nil {
		return err
	}
	if o.format == "" {
		result.Notes = append(result.Notes, othersIn(kind, path)...)
	}
	if o.json {
		err = json.NewEncoder(out).Encode(result)
	} else {
		err = result.print(out)
	}
	if err = errors.Join(err, result.damage()); err != nil || !o.watch {
		return err
	}
	return watch(ctx, &o, kind, path, stamp, result, out)
}

// collect fills messages.db from the source at path.
func collect(ctx context.Context, o *collectOptions, kind *format, path string) (*collectResult, error) {
	include, err := imessage.ParseInclude(o.include)
	if err != nil {
		return nil, err
	}
	source, err := kind.open(ctx, o, path)
	if err != nil {
		return nil, err
	}
	defer source.Close()
	var summary sources.Summary
	err = fillDatabase(ctx, o.dataDir, func(db *messages.DB) (err error) {
		report, finish := newProgress("reading "+source.Unit(), terminal.Unit(source.Unit()))
		defer finish()
		summary, err = source.Collect(ctx, db, sources.Options{KeepGone: o.keepGone, Include: include, Progress: report, Log: logOf(ctx)})
		if database, ok := source.(*imessage.Source); ok && err == nil {
			err = people.KeepOwnCards(ctx, db, database.File())
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return newCollectResult(source, databasePath(o.dataDir), &summary), nil
}

// fillDatabase opens messages.db for collect. A new one appears at its path only when it is complete.
func fillDatabase(ctx context.Context, dataDir string, collect func(*messages.DB) error) error {
	release, err := lockDataFolder(ctx, dataDir)
	if err != nil {
		return err
	}
	defer release()
	target := databasePath(dataDir)
	if _, err := os.Stat(target); !errors.Is(err, os.ErrNotExist) {
		return fill(ctx, target, func(db *messages.DB) error {
			if err := renewRedaction(ctx, db, dataDir); err != nil {
				return err
			}
			return collect(db)
		})
	}
	scratch.Sweep(dataDir)
	folder, err := scratch.New(dataDir)
	if err != nil {
		return err
	}
	defer folder.Remove()
	whole := filepath.Join(folder.Path, databaseName)
	if err := fill(ctx, whole, collect); err != nil {
		return err
	}
	return atomicfile.Move(whole, target)
}

func fill(ctx context.Context, path string, collect func(*messages.DB) error) error {
	db, err := messages.Create(ctx, path)
	if err != nil {
		return err
	}
	if err = privacy.Enforce(ctx, db); err == nil {
		err = collect(db)
	}
	return errors.Join(err, db.Close())
}
