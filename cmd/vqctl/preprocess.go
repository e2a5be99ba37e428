package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v3"

	"ventriloquist/internal/atomicfile"
	"ventriloquist/internal/messages"
	"ventriloquist/internal/model"
	"ventriloquist/internal/people"
	"ventriloquist/internal/privacy"
	"ventriloquist/internal/terminal"
	"ventriloquist/internal/usererr"
	"ventriloquist/internal/windows"
)

type preprocessOptions struct {
	dataDir     string
	contacts    string
	owner       string // MY_NAME
	identifiers string // USER_IDENTIFIERS, the owner's own addresses
	window      int
	stride      int // 0: windows.AutoStride
	heldOut     int
	memory      int // tokens of memories, 0 for none
	export      string
	json        bool
	baseModel   string // that the estimated time is for
	filterFlags
}

func newPreprocessCommand() *cli.Command {
	return preprocessCommand(func() io.Writer { return stdout })
}

// preprocessCommand is the command with its results written to another place.
func preprocessCommand(out func() io.Writer) *cli.Command {
	var o preprocessOptions
	var stride string
	var memory bool
	return &cli.Command{
		Name:  "preprocess",
		Usage: "cut the collected messages into training windows",
		Description: `Names people as the contacts file does, and fills the tables training_messages and training_windows of messages.db. The windows
are also written to training_windows.jsonl, unless that would exceed 256 MiB: train reads messages.db.`,
		Flags: slices.Concat(
			inGroup(dataGroup,
				&cli.IntFlag{Name: "window", Value: defaultWindow, Usage: "`N`: maximum messages per window", Destination: &o.window},
				&cli.StringFlag{Name: "stride", Value: autoStride, Destination: &stride,
					Usage: "learn from the last `N` messages of each window, or auto, a quarter of --window: N times fewer windows, N times faster"},
				&cli.IntFlag{Name: "held-out", Value: windows.DefaultHeldOut, Destination: &o.heldOut,
					Usage: "hold out the last `N` messages of each conversation of 60 or more for evaluation (0: none)"},
				&cli.BoolFlag{Name: "memory", Usage: "put earlier messages of the same people that are about the same before each window", Destination: &memory},
				&cli.IntFlag{Name: "memory-tokens", Value: windows.DefaultMemoryTokens, Usage: "`N`: tokens that these may have in each window", Destination: &o.memory},
				dataDirFlag(&o.dataDir),
				contactsFlag(&o.contacts),
				&cli.StringFlag{Name: "base-model", Usage: "base model whose training time is estimated: a folder or `NAME` (default: " + model.Default + ")", Destination: &o.baseModel}),
			o.filterFlags.flags(),
			inGroup(outputGroup,
				&cli.StringFlag{Name: "export", Usage: "write the window file to `FILE`, whatever its size", Destination: &o.export},
				&cli.BoolFlag{Name: "json", Usage: "print the summary as a JSON object", Destination: &o.json})),
		Action: func(ctx context.Context, c *cli.Command) error {
			if err := noArguments(c, ""); err != nil {
				return err
			}
			var err error
			if o.stride, err = parseStride(stride); err != nil {
				return err
			}
			if err := o.chooseMemory(memory, c.IsSet("memory-tokens")); err != nil {
				return err
			}
			o.owner, o.identifiers = strings.TrimSpace(os.Getenv("MY_NAME")), os.Getenv("USER_IDENTIFIERS")
			return runPreprocess(ctx, o, out())
		},
	}
}

// defaultWindow is the default of --window.
const defaultWindow = 100

// autoStride is the value of --stride that leaves the choice to the program.
const autoStride = "auto"

// parseStride returns the value of --stride, 0 for auto.
func parseStride(text string) (int, error) {
	if text == autoStride {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, usererr.Usage("--stride is %q, neither a number nor %s", text, autoStride)
	}
	if n < 1 {
		return 0, usererr.Usage("--stride is %d; a window has at least 1 target", n)
	}
	return n, nil
}

// exportLimit is the maximum size of a window file that is written without --export: at a stride of 1 each message is in up to
// --window windows, and a long history could fill the disk.
const exportLimit = 256 << 20

// runPreprocess builds the windows, and writes a summary to out.
func runPreprocess(ctx context.Context, o preprocessOptions, out io.Writer) error {
	if o.contacts == "" {
		o.contacts = filepath.Join(o.dataDir, contactsName)
	}
	filter, err := o.filter()
	if err != nil {
		return err
	}
	auto := o.stride == 0
	if auto {
		o.stride = windows.AutoStride(o.window)
	}
	options := windows.Options{Owner: o.owner, Window: o.window, Stride: o.stride, HeldOut: o.heldOut, Memory: o.memory, Filter: filter}
	if err := options.Check(); err != nil {
		return err
	}
	if o.owner == "" {
		return usererr.With(fmt.Errorf("MY_NAME is not set: your own messages have no name"), "%s", offeredName(ctx, o.dataDir))
	}
	db, err := openToChange(ctx, o.dataDir)
	if err != nil {
		return err
	}
	defer db.Close()
	self, err := people.Self{Name: o.owner, Addresses: people.SplitIdentifiers(o.identifiers)}.WithFoundAddresses(ctx, db)
	if err != nil {
		return err
	}
	book, err := people.LoadBook(o.contacts, self)
	if err != nil {
		return err
	}
	if err := book.LoadSourceNames(ctx, db); err != nil {
		return err
	}
	if err := o.resolveNames(&options.Filter, book, o.contacts); err != nil {
		return err
	}
	options.People = book.Person
	if err := renewRedaction(ctx, db, o.dataDir); err != nil {
		return err
	}
	if err := privacy.RedactDescriptions(ctx, db); err != nil {
		return err
	}
	report, finish := newProgress("reading messages", "messages")
	options.Progress = report
	summary, err := windows.Build(ctx, db, options)
	finish()
	if err != nil {
		return err
	}
	result := preprocessResult{Database: db.Path(), Summary: summary, Window: o.window, Stride: o.stride, Auto: auto}
	if result.Export, err = exportWindows(ctx, o, db, summary.ExportBytes); err != nil {
		return err
	}
	if result.Training, err = estimateTraining(ctx, o); err != nil {
		return err
	}
	if o.json {
		return json.NewEncoder(out).Encode(result)
	}
	if err := result.print(out, o.contacts, o.heldOut); err != nil {
		return err
	}
	result.Training.print(out)
	return nil
}

// exportWindows writes the window file and returns its path. If the file would be too large to write without --export, it
// returns "", and removes an older file, which no longer matches messages.db.
func exportWindows(ctx context.Context, o preprocessOptions, db *messages.DB, size int64) (string, error) {
	path := o.export
	if path == "" {
		path = filepath.Join(o.dataDir, exportName)
		if size > exportLimit {
			return "", removeDefaultExport(ctx, db, o.dataDir)
		}
	}
	list, err := o.exportedMemories(ctx)
	if err != nil {
		if o.export == "" {
			notice("no window file was written: %v; train reads messages.db", err)
			return "", removeDefaultExport(ctx, db, o.dataDir)
		}
		return "", err
	}
	report, finish := newProgress("exporting", "windows")
	defer finish()
	if err := db.AddOutput(ctx, path); err != nil {
		return "", err
	}
	return path, atomicfile.Write(path, func(w io.Writer) error {
		if list == nil {
			return windows.Export(ctx, db, w, report)
		}
		defer list.Close()
		return windows.ExportList(ctx, list, w, report)
	})
}

// preprocessResult is what --json prints.
type preprocessResult struct {
	Database string `json:"database"`
	Export   string `json:"export,omitempty"` // the window file, if one was written
	*windows.Summary
	Window   int           `json:"window"`
	Stride   int           `json:"stride"`
	Auto     bool          `json:"stride_is_auto"`
	Training *trainingCost `json:"training,omitempty"`
}

// shownPeople is the maximum number of left-out people to print.
const shownPeople = 10

func (r *preprocessResult) print(out io.Writer, contactsFile string, heldOut int) error {
	text := fmt.Appendf(nil, "%s of %s in %s, %s of them held out for evaluation\n",
		terminal.Quantity(r.Windows, "window"), terminal.Quantity(r.Messages, "message"), terminal.Quantity(r.Conversations, "conversation"), terminal.Count(r.HeldOut))
	text = fmt.Appendf(text, "%s\n%s\n", r.heldOutText(heldOut), r.strideText())
	if r.Export != "" {
		text = fmt.Appendf(text, "they are in %s and %s\n", r.Database, r.Export)
	} else {
		text = fmt.Appendf(text, "they are in %s; a window file would have %s (--export FILE writes it)\n", r.Database, terminal.Bytes(uint64(r.ExportBytes)))
	}
	left := r.LeftOut
	if left.Messages > 0 {
		text = fmt.Appendf(text, "left out: %s of %s with people who are not in %s:\n", terminal.Quantity(left.Messages, "message"), terminal.Quantity(left.Conversations, "conversation"), contactsFile)
		for _, p := range left.People[:min(shownPeople, len(left.People))] {
			text = fmt.Appendf(text, "  %-24s %s\n", p.Address, terminal.Quantity(p.Messages, "message"))
		}
		if more := len(left.People) - shownPeople; more > 0 {
			text = fmt.Appendf(text, "  and %s more (--json lists all)\n", terminal.Count(int64(more)))
		}
	}
	for _, other := range []struct {
		messages int64
		what     string
	}{
		{left.NotChosen, "of conversations that --only and --exclude leave out"},
		{left.OtherTime, "outside --since and --until"},
		{left.Few, "of conversations with fewer than --min-messages"},
		{left.ToOneself, "to yourself"},
		{left.Empty, "without text"},
	} {
		if other.messages > 0 {
			text = fmt.Appendf(text, "left out: %s %s\n", terminal.Quantity(other.messages, "message"), other.what)
		}
	}
	_, err := io.WriteString(out, fitLines(string(text), terminalWidth(out)))
	return err
}

// heldOutText says what is held out, and what to do if that is nothing.
func (r *preprocessResult) heldOutText(n int) string {
	needed := terminal.Quantity(windows.MessagesToHoldOut(n), "message")
	switch {
	case n == 0:
		return "held out: nothing (--held-out 0)"
	case r.HeldOutOf > 0:
		return fmt.Sprintf("held out: the last %s of %s with at least %s, each after its whole window", terminal.Quantity(n, "message"),
			terminal.Quantity(r.HeldOutOf, "conversation"), needed)
	case n > 1:
		return fmt.Sprintf("held out: nothing, because no conversation has %s; a smaller --held-out needs fewer, --held-out 1 only %d", needed, windows.MessagesToHoldOut(1))
	}
	return fmt.Sprintf("held out: nothing, because no conversation has %s", needed)
}

// strideText says how many targets a window has.
func (r *preprocessResult) strideText() string {
	chosen := ""
	if r.Auto {
		chosen = " (--stride auto: a quarter of the window)"
	}
	return fmt.Sprintf("stride %d%s: training learns from the last %s of a window", r.Stride, chosen, terminal.Quantity(r.Stride, "message"))
}
