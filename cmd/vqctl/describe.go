package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v3"
	"golang.org/x/term"

	"ventriloquist/internal/describe"
	"ventriloquist/internal/messages"
	"ventriloquist/internal/privacy"
	"ventriloquist/internal/regularfile"
	"ventriloquist/internal/usererr"
)

// defaultPerMinute is the default limit of requests per minute to another machine; a server on this one has no limit.
const defaultPerMinute = 300

type describeOptions struct {
	dataDir     string
	endpoint    string
	model       string
	keyFile     string
	attachments string
	passphrase  string // the file that holds it
	types       string
	limit       int
	jobs        int
	perMinute   int
	timeout     time.Duration
	retryFailed bool
	dryRun      bool
	yes         bool
	json        bool
	terminal    bool // stdin is a terminal: the user can be asked
}

func newDescribeCommand() *cli.Command {
	var o describeOptions
	return &cli.Command{
		Name:  "describe",
		Usage: "describe attachments in words with a vision model (optional)",
		Description: `Shows images, videos, voice messages and documents to a model, and stores its descriptions in messages.db. The model is
Google's Gemini, which costs money and sees your attachments, or with --endpoint one on your own machine (Ollama, LM Studio,
llama.cpp). It asks before it sends anything to another machine. Run it again at any time: it resumes where it stopped.`,
		Flags: slices.Concat(
			inGroup(serverGroup,
				&cli.StringFlag{Name: "endpoint", Usage: "`URL` of an OpenAI-compatible server instead of Gemini, such as http://127.0.0.1:11434/v1", Destination: &o.endpoint},
				&cli.StringFlag{Name: "model", Usage: "`NAME` of the model (default: " + describe.DefaultModel + ", or the only one of --endpoint)", Destination: &o.model},
				&cli.StringFlag{Name: "key-file", Usage: "`FILE` with the API key (default: GEMINI_API_KEY, or DESCRIBE_API_KEY for --endpoint)", Destination: &o.keyFile},
				&cli.IntFlag{Name: "jobs", Value: 4, Usage: "`N`: concurrent requests", Destination: &o.jobs},
				&cli.IntFlag{Name: "rpm", Value: -1, Usage: "`N`: maximum requests per minute, 0 for no limit (default: 300; no limit on this machine)", HideDefault: true, Destination: &o.perMinute},
				&cli.DurationFlag{Name: "timeout", Value: 5 * time.Minute, Usage: "`DURATION`: maximum duration of a request", Destination: &o.timeout}),
			inGroup(attachmentGroup,
				&cli.StringFlag{Name: "types", Usage: "`LIST` of the types to describe, of image,video,audio,document (default: all)", Destination: &o.types},
				&cli.IntFlag{Name: "limit", Usage: "describe at most `N` attachments, newest first", Destination: &o.limit},
				&cli.BoolFlag{Name: "retry-failed", Usage: "try attachments again that failed before", Destination: &o.retryFailed},
				&cli.StringFlag{Name: "attachments", Usage: "`DIR`: a copy of ~/Library/Messages/Attachments, if the files are not there", Destination: &o.attachments},
				&cli.StringFlag{Name: "passphrase-file", Usage: "`FILE` with the passphrase of an encrypted backup that holds attachments", Destination: &o.passphrase},
				dataDirFlag(&o.dataDir)),
			inGroup(outputGroup,
				&cli.BoolFlag{Name: "dry-run", Usage: "show what would be sent and what it would cost, and send nothing", Destination: &o.dryRun},
				&cli.BoolFlag{Name: "yes", Usage: "send without asking", Destination: &o.yes},
				&cli.BoolFlag{Name: "json", Usage: "print the summary as a JSON object", Destination: &o.json})),
		Action: func(ctx context.Context, c *cli.Command) error {
			if err := noArguments(c, ""); err != nil {
				return err
			}
			o.terminal = term.IsTerminal(int(os.Stdin.Fd()))
			return runDescribe(ctx, o, os.Stdin, stdout)
		},
	}
}

// runDescribe describes attachments, and asks before anything leaves this machine.
func runDescribe(ctx context.Context, o describeOptions, in io.Reader, out io.Writer) error {
	options, err := o.options()
	if err != nil {
		return err
	}
	db, err := openDatabase(ctx, o.dataDir)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := privacy.Enforce(ctx, db); err != nil {
		return err
	}
	noteOldRules(ctx, db)
	service, err := o.service(ctx)
	if err != nil {
		return err
	}
	locator, err := o.locator(ctx, db)
	if err != nil {
		return err
	}
	defer locator.Close()
	var finish func()
	options.Progress, finish = newProgress("looking through attachments", "files")
	plan, err := describe.NewPlan(ctx, db, locator, service, options)
	finish()
	if err != nil {
		return err
	}
	if o.dryRun || plan.Files == 0 {
		return o.printPlan(out, plan)
	}
	if agreed, err := o.agreed(ctx, plan, in, out); err != nil || !agreed {
		return err
	}
	var bar func(done, total int64, cost float64)
	bar, finish = newCostProgress()
	pace := describe.RunOptions{Jobs: o.jobs, PerMinute: o.perMinute, Timeout: o.timeout, Progress: bar, Log: logOf(ctx)}
	if o.perMinute < 0 {
		if pace.PerMinute = defaultPerMinute; plan.Local {
			pace.PerMinute = 0
		}
	}
	report, err := describe.Run(ctx, db, service, plan, options, pace)
	finish()
	if printing := o.printReport(out, plan, report); err == nil {
		err = printing
	}
	return err
}

// options checks the flags.
func (o *describeOptions) options() (describe.Options, error) {
	options := describe.Options{Limit: o.limit, RetryFailed: o.retryFailed, Tools: describe.FindTools()}
	switch {
	case o.limit < 0:
		return options, usererr.Usage("--limit is %d, must not be negative", o.limit)
	case o.jobs < 1:
		return options, usererr.Usage("--jobs is %d, must be at least 1", o.jobs)
	case o.perMinute < -1:
		return options, usererr.Usage("--rpm is %d, must not be negative", o.perMinute)
	case o.timeout <= 0:
		return options, usererr.Usage("--timeout is %v, must be positive", o.timeout)
	}
	for name := range strings.SplitSeq(o.types, ",") {
		name = strings.TrimSpace(name)
		at := slices.IndexFunc(describe.Kinds, func(k messages.Kind) bool { return k.String() == name })
		if at >= 0 {
			options.Kinds = append(options.Kinds, describe.Kinds[at])
		} else if name != "" {
			return options, usererr.Usage("--types %q: must be some of image, video, audio, document", name)
		}
	}
	if o.attachments != "" {
		if info, err := os.Stat(o.attachments); err != nil || !info.IsDir() {
			return options, usererr.Usage("--attachments %q is not a folder", o.attachments)
		}
	}
	return options, nil
}

// service returns the model to ask. A dry run needs no key.
func (o *describeOptions) service(ctx context.Context) (describe.Service, error) {
	key, err := o.key()
	if err != nil {
		return nil, err
	}
	if o.endpoint != "" {
		return describe.NewOpenAI(ctx, o.endpoint, o.model, key)
	}
	model := o.model
	if model == "" {
		model = describe.DefaultModel
	}
	if key == "" {
		if !o.dryRun {
			return nil, usererr.With(errors.New("no Gemini API key"),
				"put GEMINI_API_KEY=… into .env (https://aistudio.google.com/apikey makes one), or describe on your own machine with --endpoint")
		}
		key = "none" // nothing is sent
	}
	return describe.NewGemini(ctx, model, key)
}

// key is the API key: from a file or the environment, never from the command line, which other users of the machine can see.
func (o *describeOptions) key() (string, error) {
	if o.keyFile != "" {
		data, err := regularfile.Read(o.keyFile, mostSecret)
		if err != nil {
			return "", fmt.Errorf("cannot read the API key: %w", err)
		}
		return strings.TrimSpace(string(data)), nil
	}
	if o.endpoint != "" {
		return strings.TrimSpace(os.Getenv("DESCRIBE_API_KEY")), nil
	}
	return strings.TrimSpace(os.Getenv("GEMINI_API_KEY")), nil
}

// agreed reports whether the files may be sent: always to this machine, to another one if the user agrees.
func (o *describeOptions) agreed(ctx context.Context, plan *describe.Plan, in io.Reader, out io.Writer) (bool, error) {
	if plan.Local || o.yes {
		return true, nil
	}
	yes, err := maySend(ctx, planInWords(plan), "Send them?", in, o.terminal)
	if err == nil && !yes && !o.json {
		_, err = io.WriteString(out, "nothing was sent\n")
	}
	return yes, err
}

func (o *describeOptions) printPlan(out io.Writer, plan *describe.Plan) error {
	if o.json {
		return json.NewEncoder(out).Encode(plan)
	}
	_, err := io.WriteString(out, planInWords(plan))
	return err
}
