package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"ventriloquist/internal/generate"
	"ventriloquist/internal/usererr"
	"ventriloquist/internal/windows"
)

// generateOptions are the flags of `vqctl generate`.
type generateOptions struct {
	model    modelOptions
	backend  backendOptions
	sample   generate.Options
	as       string
	members  []string
	kind     string // "" for the usual one
	start    string // "" for the context's, else today
	context  string // file of window lines, "-" for stdin, "" for none
	messages []string
	n        int
	json     bool
	people   knownPeople
}

func newGenerateCommand() *cli.Command {
	return &cli.Command{
		Name:  "generate",
		Usage: "write the next message of a conversation as one of its people",
		Description: `The conversation consists of --context and --message, in this order. Lines of --context are window lines; the file may begin
with a header, whose members take part and whose type and date apply unless flags override them. --message is the text of a
member, less than a minute after the message before. Where members are named, by --member or a header, every speaker of
--message must be one of them; otherwise the speakers are the members.

The output is a well-formed message: a grammar restricts the model to well-formed lines that can be finished within
--max-new-tokens. Messages are kept from going in circles (--min-p, --repetition-penalty), except with --temperature 0, which
takes the model's most likely token always. -n continuations differ in their texts; where the model writes fewer different ones
in eight times as many tries, there are fewer. --raw prints the model's own text after the prompt, up to the end of the line:
without a grammar, and the same text several times if the model writes it so.`,
		DisableSliceFlagSeparator: true, // a comma in a message or name is a comma
		Flags: slices.Concat(
			inGroup(conversationGroup,
				&cli.StringFlag{Name: "as", Usage: "`NAME` of the person who writes (required)"},
				&cli.StringSliceFlag{Name: "member", Usage: "`NAME` of a member of the conversation (repeatable)"},
				&cli.StringSliceFlag{Name: "message", Usage: "a message of the conversation, as `\"NAME: TEXT\"` (repeatable); without NAME, MY_NAME says it"},
				&cli.StringFlag{Name: "context", Usage: "`FILE` of window lines that came before, - for stdin"},
				&cli.StringFlag{Name: "type", Usage: "`TYPE`: dm or group (default: dm for two members)"},
				&cli.StringFlag{Name: "start", Usage: "`DATE` of the conversation's first message, such as 2024-03-15 (default: today)"}),
			sampleFlags("random", circleDefaults),
			inGroup(outputGroup,
				&cli.IntFlag{Name: "n", Value: 1, Usage: "`N`: number of different continuations to write"},
				&cli.BoolFlag{Name: "json", Usage: "print each message as a JSON object"},
				&cli.BoolFlag{Name: "raw", Usage: "print what the model writes after the prompt, without the grammar"}),
			loadedModelFlags(), backendFlags()),
		Action: func(ctx context.Context, c *cli.Command) error {
			opts, err := generateOptionsOf(c)
			if err != nil {
				return err
			}
			return runGenerate(ctx, opts, os.Stdin, stdout)
		},
	}
}

func generateOptionsOf(c *cli.Command) (o generateOptions, err error) {
	o = generateOptions{as: c.String("as"), members: c.StringSlice("member"), kind: c.String("type"), start: c.String("start"),
		context: c.String("context"), messages: c.StringSlice("message"), n: c.Int("n"), json: c.Bool("json")}
	if o.model, err = loadedModelOptionsOf(c); err != nil {
		return o, err
	}
	if o.sample, err = sampleOptionsOf(c, c.Bool("raw")); err != nil {
		return o, err
	}
	o.sample.Raw = c.Bool("raw")
	if o.backend, err = backendOptionsOf(c, &o.sample); err != nil {
		return o, err
	}
	if err := noArguments(c, `give messages with --message "John: hey"`); err != nil {
		return o, err
	}
	return o, o.validate()
}

func (o *generateOptions) validate() error {
	if o.as == "" {
		return usererr.With(usererr.Usage("--as is required: who should write?"), "name the person: --as NAME")
	}
	for _, name := range o.members {
		if strings.TrimSpace(name) == "" {
			return usererr.Usage("--member is empty")
		}
	}
	if o.start != "" {
		if _, err := time.Parse(time.DateOnly, o.start); err != nil {
			return usererr.Usage("--start %q is not a date such as 2024-03-15", o.start)
		}
	}
	if o.n < 1 || o.n > 1024 {
		return usererr.Usage("-n %d is not from 1 to 1024", o.n)
	}
	return validateType(o.kind)
}

func validateType(kind string) error {
	if kind != "" && kind != "dm" && kind != "group" {
		return usererr.Usage("--type %q is neither dm nor group", kind)
	}
	return nil
}

// runGenerate writes the continuations to out, in order.
func runGenerate(ctx context.Context, o generateOptions, stdin io.Reader, out io.Writer) error {
	o.people = o.model.knownPeople()
	conversation, err := o.conversation(stdin)
	if err != nil {
		return err
	}
	writer, closeModel, err := o.open(ctx, conversation)
	if err != nil {
		return err
	}
	defer closeModel()
	done, err := o.write(ctx, writer, conversation)
	if err != nil {
		return err
	}
	var text []byte
	for i := range done {
		if text, err = o.appendResult(text, &done[i]); err != nil {
			return err
		}
	}
	if _, err := out.Write(text); err != nil {
		return fmt.Errorf("cannot write the result: %w", err)
	}
	o.noticeFewer(len(done))
	return nil
}

// open loads the model, or connects to that of a server.
func (o *generateOptions) open(ctx context.Context, c *generate.Conversation) (w generate.Writer, closeModel func(), err error) {
	if o.backend.url != "" {
		w, err = o.backend.open(ctx)
		memory := newRecaller(ctx, defaultDataDir, o.backend.memoryTokens, estimatedCount)
		c.Recall = memory.recall
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
	memory := newRecaller(ctx, defaultDataDir, tokens, tokenCount(loaded.Tokenizer))
	c.Recall = memory.recall
	writer := newGenerator(loaded, false)
	if n, most := writer.PromptTokens(c, o.as), loaded.Base.Config.MaxPositions; n+o.sample.MaxNewTokens > most {
		notice("the conversation has %d tokens, and the model was trained on at most %d, including the new message: fewer messages give better results",
			n, most)
	}
	return writer, func() {
		memory.close()
		writer.Close()
		loaded.Close()
	}, nil
}

// write generates the continuations, and shows progress.
func (o *generateOptions) write(ctx context.Context, w generate.Writer, c *generate.Conversation) ([]generate.Continuation, error) {
	reading, endReading := newProgress("reading", "tokens")
	defer endReading()
	if g, onEngine := w.(*generate.Generator); onEngine {
		g.Reading = func(done, total int) { reading(int64(done), int64(total)) }
	}
	writing, endWriting := newProgress("writing", "tokens")
	defer endWriting()
	written := int64(0)
	stream := func(int, []byte) {
		if written == 0 {
			endReading()
		}
		written++
		writing(written, 0)
	}
	if o.sample.Raw {
		return w.Write(ctx, c, o.as, o.n, o.sample, stream)
	}
	return generate.WriteDifferent(ctx, w, c, o.as, o.n, o.sample, stream)
}

// noticeFewer says that there are fewer different continuations than were asked for.
func (o *generateOptions) noticeFewer(written int) {
	advice := "a higher --temperature writes more"
	if o.sample.Temperature == 0 {
		advice = "with --temperature 0 all are the same"
	}
	if written < o.n {
		notice("-n %d: only %d different; %s", o.n, written, advice)
	}
}

// conversation returns the conversation that the context and the flags describe.
func (o *generateOptions) conversation(stdin io.Reader) (*generate.Conversation, error) {
	header, messages, err := readContext(o.context, stdin)
	if err != nil {
		return nil, err
	}
	if err := o.resolveNames(header, messages); err != nil {
		return nil, err
	}
	members, kind, start := o.members, o.kind, o.start
	if header != nil {
		members = append(members, header.Members...)
		if joined := windows.NewHeader("", withAuthor(members, o.as), ""); kind == "" && len(joined.Members) == len(header.Members) {
			kind = header.Type // no one has joined
		}
		if start == "" {
			start = header.Start
		}
	}
	named := len(members) > 0
	if !named {
		for i := range messages {
			members = append(members, messages[i].Name)
		}
	}
	for _, spoken := range o.messages {
		name, text, err := o.typed(spoken, withAuthor(members, o.as))
		if err != nil {
			return nil, usererr.With(usererr.Usage("--message: %v", err), "%s", usererr.Of(err))
		}
		if name, err = o.people.resolve("--message", name, withAuthor(members, o.as)); err != nil {
			return nil, err
		}
		if named && name != o.as && !slices.Contains(members, name) {
			return nil, usererr.With(usererr.Usage("--message %q: %q is not a member of the conversation", spoken, name), "add --member %q", name)
		}
		if !named {
			members = append(members, name)
		}
		messages = append(messages, windows.Message{Name: name, Delta: windows.Delta(0), ContentType: "text", Text: text})
	}
	if start == "" {
		start = windows.StartDate(time.Now())
	}
	return &generate.Conversation{Header: windows.NewHeader(kind, withAuthor(members, o.as), start), Messages: messages}, nil
}

// typed splits a message into who says it and its text. A text without a name is the owner's, as in chat.
func (o *generateOptions) typed(spoken string, members []string) (name, text string, err error) {
	if owner := o.people.owner; owner != "" && !strings.Contains(spoken, ":") && strings.TrimSpace(spoken) != "" {
		return owner, strings.TrimSpace(spoken), nil
	}
	return generate.ParseTypedMessage(spoken, members)
}

// resolveNames finds the people that --as and --member name.
func (o *generateOptions) resolveNames(header *windows.Header, messages []windows.Message) (err error) {
	var given []string
	if header != nil {
		given = slices.Clone(header.Members)
	}
	for i := range messages {
		given = append(given, messages[i].Name)
	}
	o.members = slices.Clone(o.members)
	for i, name := range o.members {
		if o.members[i], err = o.people.resolve("--member", name, given); err != nil {
			return err
		}
	}
	o.as, err = o.people.resolve("--as", o.as, append(given, o.members...))
	return err
}

// withAuthor adds the author of the next message, who takes part whether listed or not.
func withAuthor(members []string, author string) []string {
	return append(slices.Clone(members), author)
}

func readContext(path string, stdin io.Reader) (*windows.Header, []windows.Message, error) {
	if path == "" {
		return nil, nil, nil
	}
	name, in, err := openInput(path, stdin)
	if err != nil {
		return nil, nil, err
	}
	defer in.Close()
	return generate.ReadContext(in, name)
}

// appendResult appends a continuation in the form that the flags select, with a newline.
func (o *generateOptions) appendResult(dst []byte, c *generate.Continuation) ([]byte, error) {
	if o.sample.Raw {
		line, _, _ := bytes.Cut(c.Text, []byte{'\n'})
		text := bytes.ToValidUTF8(line, []byte("\uFFFD"))
		if o.json {
			dst = windows.AppendString(append(dst, `{"raw": `...), text)
			return appendCounts(dst, c), nil
		}
		return append(append(dst, text...), '\n'), nil
	}
	m, err := generate.ParseContinuation(o.as, c.Text)
	if err != nil {
		return dst, err
	}
	if o.json {
		dst = bytes.TrimSuffix(windows.AppendMessage(dst, &m), []byte("}\n"))
		return appendCounts(dst, c), nil
	}
	return append(append(dst, m.Text...), '\n'), nil
}

// appendCounts ends the JSON object of a continuation.
func appendCounts(dst []byte, c *generate.Continuation) []byte {
	return fmt.Appendf(dst, `, "new_tokens": %d, "tokens_per_second": %.2f}`+"\n", c.Tokens, c.TokensPerSecond())
}
