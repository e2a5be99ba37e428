package chat

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"ventriloquist/internal/batch"
	"ventriloquist/internal/generate"
	"ventriloquist/internal/usererr"
	"ventriloquist/internal/windows"
)

// Generator writes continuations of prompts; *generate.Generator is one.
type Generator interface {
	Continue(ctx context.Context, prompt []int32, n int, o generate.Options, s generate.Stream) ([]generate.Continuation, error)
}

// Options are the initial settings of a dialogue.
type Options struct {
	As        string   // the person the model answers as; "" until known
	Members   []string // besides As and the people who speak
	Kind      string   // "dm" or "group"; "" decides by the number of members
	Start     string   // date of the first message; "" for the current day
	Messages  []windows.Message
	Sample    generate.Options
	MaxTokens int              // of the prompt; the oldest messages are dropped when it gets longer
	Now       func() time.Time // the clock
}

// maxMessages is the size of a training window: the model has never seen more messages at once.
const maxMessages = 100

// Dialogue is a conversation in progress.
type Dialogue struct {
	Options
	out       io.Writer
	generator Generator
	encoder   batch.Encoder
	last      time.Time // when the last message came
	speaker   string    // the person last typed for
	answers   int       // so far
	debugging bool
	exchange  exchange
}

// exchange is the last prompt and what the model wrote after it.
type exchange struct{ prompt, answer string }

// New starts a dialogue that prints to out.
func New(o Options, w Generator, e batch.Encoder, out io.Writer) *Dialogue {
	return &Dialogue{Options: o, out: out, generator: w, encoder: e, last: o.Now()}
}

// Enter processes a typed line: a command, a message, or an empty line, which lets the model speak. It reports whether the
// dialogue is over. It prints what is wrong with the input; an error is a failure of the model. When ctx ends, the answer in
// progress is dropped.
func (d *Dialogue) Enter(ctx context.Context, line string) (quit bool, err error) {
	line = strings.TrimSpace(line)
	switch {
	case strings.HasPrefix(line, "/"):
		return d.command(line), nil
	case line == "":
		return false, d.answer(ctx)
	}
	name, err := d.addMessage(line)
	if err != nil {
		d.say("%v", err)
		if advice := usererr.Of(err); advice != "" {
			d.say("%s", advice)
		}
		return false, nil
	}
	if name == d.As {
		return false, nil // a message typed for the model's person
	}
	return false, d.answer(ctx)
}

// addMessage adds a typed message and returns its author.
func (d *Dialogue) addMessage(line string) (author string, err error) {
	name, text, err := generate.ParseTypedMessage(line, d.members())
	if err != nil {
		if name, text = d.speaker, line; name == "" || strings.HasPrefix(line, ":") {
			return "", err
		}
	}
	if !slices.Contains(d.members(), name) {
		d.Members = append(d.Members, name)
	}
	d.speaker = name
	m := windows.Message{Name: name, Delta: d.delta(), ContentType: "text", Text: text}
	d.add(m)
	fmt.Fprintf(d.out, "  %s\n", Format(&m))
	return name, nil
}

// delta returns the time since the last message; a window begins with the shortest.
func (d *Dialogue) delta() string {
	if len(d.Messages) == 0 {
		return windows.Delta(0)
	}
	return windows.Delta(d.Now().Sub(d.last))
}

func (d *Dialogue) add(m windows.Message) {
	d.last = d.Now()
	if d.Start == "" {
		d.Start = windows.StartDate(d.last)
	}
	d.Messages = append(d.Messages, m)
}

// members returns all participants, sorted.
func (d *Dialogue) members() []string {
	all := slices.Clone(d.Members)
	if d.As != "" {
		all = append(all, d.As)
	}
	for i := range d.Messages {
		all = append(all, d.Messages[i].Name)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// inferAs sets the person to answer as, if it is not known yet, to the only member who was not typed for.
func (d *Dialogue) inferAs() bool {
	if d.As != "" {
		return true
	}
	others := slices.DeleteFunc(d.members(), func(name string) bool { return name == d.speaker })
	if len(others) == 1 && d.speaker != "" {
		d.As = others[0]
		return true
	}
	d.say("who should the model answer as? /target NAME")
	return false
}

// conversation returns what the model sees.
func (d *Dialogue) conversation() *generate.Conversation {
	start := d.Start
	if start == "" {
		start = windows.StartDate(d.Now())
	}
	return &generate.Conversation{Header: windows.NewHeader(d.Kind, d.members(), start), Messages: d.Messages}
}

// prompt returns the ids of the conversation. When it gets longer than a window, or than MaxTokens, it drops the oldest quarter
// of the messages at once, because all that remains must then be prefilled again.
func (d *Dialogue) prompt() []int32 {
	for {
		ids := d.conversation().Tokens(d.encoder, d.As)
		if len(d.Messages) < 2 || len(d.Messages) < maxMessages && len(ids) <= d.MaxTokens {
			return ids
		}
		gone := (len(d.Messages) + 3) / 4
		d.Members = d.members()
		d.Messages = slices.Clone(d.Messages[gone:])
		d.Messages[0].Delta = windows.Delta(0)
		d.say("(dropped the oldest %d messages)", gone)
	}
}

// answer lets the model speak.
func (d *Dialogue) answer(ctx context.Context) error {
	if !d.inferAs() {
		return nil
	}
	prompt := d.prompt()
	d.exchange = exchange{prompt: d.conversation().Prompt(d.As)}
	if d.debugging {
		d.showPrompt()
	}
	stream := &stream{out: d.out, author: d.As}
	options := d.Sample
	options.Seed += uint64(d.answers)
	d.answers++
	done, err := d.generator.Continue(ctx, prompt, 1, options, stream.token)
	stream.end()
	if len(done) > 0 {
		d.exchange.answer = string(done[0].Text)
	}
	if d.debugging {
		d.showAnswer()
	}
	if err != nil {
		if errors.Is(err, context.Canceled) {
			d.say("(stopped)")
			return nil
		}
		return err
	}
	m, err := generate.ParseContinuation(d.As, done[0].Text)
	if err != nil {
		return err
	}
	d.add(m)
	return nil
}

// say prints a line that is not part of the conversation.
func (d *Dialogue) say(format string, args ...any) { fmt.Fprintf(d.out, format+"\n", args...) }
