package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v3"
	"golang.org/x/term"

	"ventriloquist/internal/generate"
	"ventriloquist/internal/generate/chat"
	"ventriloquist/internal/generate/chatui"
	"ventriloquist/internal/messagesapp"
	"ventriloquist/internal/terminal"
	"ventriloquist/internal/usererr"
)

// chatOptions are the flags of `vqctl chat`.
type chatOptions struct {
	model    modelOptions
	backend  backendOptions
	dialogue chat.Options
	members  int    // how many of the dialogue's members flags name
	context  string // file of window lines, "" for none
	live     liveOptions
}

func newChatCommand() *cli.Command {
	var contacts contactsOptions
	return &cli.Command{
		Name:  "chat",
		Usage: "chat with the people the model was trained on",
		Description: `You are MY_NAME, and --target answers:

` + chat.Help() + `

Names are those of the conversation's members, of the people that the model was trained on, and of your contacts, in any case. Tab
completes names and commands. A pasted block is one turn. Ctrl-C stops an answer; pressed twice at the prompt, it leaves. The
time between messages is the time between your typing them; with --real-time, an answer also takes the time that the model gives
it, drawn at random within it, and Ctrl-C shows it at once. The model sees at most the last 100 messages. Without a terminal,
each line of standard input is a turn.

With --live CHAT, the conversation is a real one of chat.db, which is collected again whenever it changes, and the model writes
what MY_NAME could say next. An empty line offers candidates; /send N shows one as it would be sent, and sends it with Messages on a
Mac if you answer yes. Nothing else is ever sent.`,
		DisableSliceFlagSeparator: true, // a comma in a name is a comma
		Flags: slices.Concat(
			inGroup(conversationGroup,
				&cli.StringFlag{Name: "target", Aliases: []string{"as"}, Usage: "`NAME` of the person who answers; any: whoever is likely to speak next"},
				&cli.StringSliceFlag{Name: "member", Usage: "`NAME` of a member of the conversation (repeatable)"},
				&cli.StringFlag{Name: "type", Usage: "`TYPE`: dm or group (default: dm for two members)"},
				&cli.StringFlag{Name: "context", Usage: "`FILE` of window lines that came before"},
				&cli.BoolFlag{Name: "real-time", Usage: "show an answer only after as long as its person would have taken"},
				&cli.IntFlag{Name: "max-seq-length", Value: 4096, Usage: "`N`: maximum tokens of the conversation; oldest messages are dropped to fit"}),
			liveFlags(&contacts),
			sampleFlags("random", "(default: %g; off with --temperature 0)"), loadedModelFlags(), backendFlags()),
		Action: func(ctx context.Context, c *cli.Command) error {
			opts, err := chatOptionsOf(c, contacts)
			if err != nil {
				return err
			}
			return runChat(ctx, opts, os.Stdin, os.Stdout)
		},
	}
}

func chatOptionsOf(c *cli.Command, contacts contactsOptions) (o chatOptions, err error) {
	o.context = c.String("context")
	o.dialogue = chat.Options{As: c.String("target"), Members: c.StringSlice("member"), Kind: c.String("type"),
		MaxTokens: c.Int("max-seq-length"), Now: time.Now, RealTime: c.Bool("real-time")}
	o.members = len(o.dialogue.Members)
	if o.model, err = loadedModelOptionsOf(c); err != nil {
		return o, err
	}
	if o.dialogue.Sample, err = sampleOptionsOf(c, false); err != nil {
		return o, err
	}
	if o.backend, err = backendOptionsOf(c, &o.dialogue.Sample); err != nil {
		return o, err
	}
	if err := noArguments(c, "name who answers with --target NAME"); err != nil {
		return o, err
	}
	switch {
	case o.context == "-":
		return o, usererr.Usage("--context -: chat reads messages from standard input")
	case o.dialogue.MaxTokens < 1:
		return o, usererr.Usage("--max-seq-length must be at least 1")
	}
	if o.live, err = liveOptionsOf(c, contacts); err != nil {
		return o, err
	}
	return o, validateType(o.dialogue.Kind)
}

// runChat runs a conversation until the input ends.
func runChat(ctx context.Context, o chatOptions, in, out *os.File) error {
	if err := o.readContext(); err != nil {
		return err
	}
	if err := o.resolveNames(); err != nil {
		return err
	}
	inTerminal := term.IsTerminal(int(in.Fd())) && term.IsTerminal(int(out.Fd())) && os.Getenv("TERM") != "dumb"
	if o.live.chat != "" {
		if err := o.startLive(ctx, newLiveChat(&o.live, o.dialogue.Owner, inTerminal, messagesapp.New())); err != nil {
			return err
		}
	}
	writer, closeModel, err := o.open(ctx)
	if err != nil {
		return err
	}
	defer closeModel()
	if o.dialogue.FirstLive {
		o.live.recordExplained(ctx)
	}
	o.dialogue.Files = chatFiles{}
	begin := func(out io.Writer) *chat.Dialogue {
		return chat.New(o.dialogue, writer, out)
	}
	if inTerminal {
		return chatInTerminal(ctx, begin, in, out)
	}
	return chatInPipe(ctx, begin(stdout), in)
}

// open loads the model with the adapters to change between, or connects to that of a server.
func (o *chatOptions) open(ctx context.Context) (w generate.Writer, closeModel func(), err error) {
	if o.backend.url != "" {
		w, err = o.backend.open(ctx)
		memory := newRecaller(ctx, o.live.contacts.dataDir, o.backend.memoryTokens, estimatedCount)
		o.dialogue.Recall = memory.recall
		return w, memory.close, err
	}
	tokens, err := memoryTokens(o.model.adapterDirs())
	if err != nil {
		return nil, nil, err
	}
	loaded, err := o.model.open()
	if err != nil {
		return nil, nil, err
	}
	adapters := &chatAdapters{model: o.model, loaded: loaded, capacity: o.dialogue.MaxTokens + o.dialogue.Sample.MaxNewTokens,
		memory: newRecaller(ctx, o.live.contacts.dataDir, tokens, tokenCount(loaded.Tokenizer))}
	o.dialogue.Recall = adapters.memory.recall
	closeModel = func() {
		adapters.close()
		loaded.Close()
	}
	if err := adapters.start(); err != nil {
		closeModel()
		return nil, nil, err
	}
	o.dialogue.Adapters = adapters
	return adapters.writer, closeModel, nil
}

// readContext reads the conversation so far.
func (o *chatOptions) readContext() error {
	header, messages, err := readContext(o.context, nil)
	if err != nil {
		return err
	}
	o.dialogue.Messages = messages
	if header != nil {
		o.dialogue.Members = append(o.dialogue.Members, header.Members...)
		o.dialogue.Start = header.Start
		if o.dialogue.Kind == "" {
			o.dialogue.Kind = header.Type
		}
	}
	return nil
}

// resolveNames finds the people that the flags name, and those who may take part.
func (o *chatOptions) resolveNames() (err error) {
	known := o.model.knownPeople()
	d := &o.dialogue
	d.Owner, d.Trained, d.Contacts = known.owner, known.trained, known.contacts
	given := d.Members[o.members:] // of the context
	for i := range d.Messages {
		given = append(given, d.Messages[i].Name)
	}
	for i, name := range d.Members[:o.members] {
		if d.Members[i], err = known.resolve("--member", name, given); err != nil {
			return err
		}
	}
	if strings.EqualFold(d.As, chat.Anyone) {
		if _, person := usererr.Match(d.As, slices.Concat(known.trained, given)); !person {
			d.As, d.Any = "", true
		}
	}
	if d.As != "" {
		d.As, err = known.resolve("--target", d.As, append(given, d.Members...))
	}
	return err
}

// chatInPipe reads messages line by line from an input that is not a terminal.
func chatInPipe(ctx context.Context, d *chat.Dialogue, in io.Reader) error {
	if d.Live != nil {
		d.Greet()
	}
	lines, failed := make(chan string), make(chan error, 1)
	go func() {
		defer close(lines)
		scanner := bufio.NewScanner(in)
		scanner.Buffer(nil, 1<<24)
		for scanner.Scan() {
			select {
			case lines <- scanner.Text():
			case <-ctx.Done():
				return
			}
		}
		failed <- scanner.Err()
	}()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-d.News():
			d.Refresh(ctx)
		case line, more := <-lines:
			if !more {
				if err := <-failed; err != nil {
					return fmt.Errorf("cannot read the input: %w", err)
				}
				return nil
			}
			quit, err := d.Enter(ctx, line)
			if quit || err != nil {
				return err
			}
		}
	}
}

// chatInTerminal has the conversation on a screen.
func chatInTerminal(ctx context.Context, begin func(io.Writer) *chat.Dialogue, in, out *os.File) error {
	takeBack := func() {}
	defer func() { takeBack() }()
	return chatui.Run(ctx, func(out io.Writer) chatui.Dialogue {
		takeBack = screen.Hand(out)
		d := begin(terminal.NewWriter(out))
		d.Greet()
		return d
	}, in, out)
}
