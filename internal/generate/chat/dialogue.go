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

// Generator writes continuations of prompts; *infer.Generator does.
type Generator interface {
	Continue(ctx context.Context, prompt []int32, n int, o generate.Options, s generate.Stream) ([]generate.Continuation, error)
}

// Options are what a dialogue begins with.
type Options struct {
	As        string   // who answers; "" until it is known
	Members   []string // besides the target and those who speak
	Kind      string   // "dm" or "group"; "" by the number of members
	Start     string   // date of the first message; "" for the day of it
	Messages  []windows.Message
	Sample    generate.Options
	MaxTokens int              // of the prompt; the oldest messages go when it becomes longer
	Now       func() time.Time // the clock
}

// maxMessages is how many messages a training window holds: the model has seen no more at once.
const maxMessages = 100

// Dialogue is a conversation that goes on.
type Dialogue struct {
	Options
	out       io.Writer
	generator Generator
	encoder   batch.Encoder
	last      time.Time // when the last message came
	speaker   string    // who was typed for last
	answers   int       // so far
	debugging bool
	exchange  exchange
}

// exchange is the last prompt and what the model wrote after it.
type exchange struct{ prompt, answer string }

// New begins a dialogue; what is to be seen goes to out.
func New(o Options, w Generator, e batch.Encoder, out io.Writer) *Dialogue {
	return &Dialogue{Options: o, out: out, generator: w, encoder: e, last: o.Now()}
}

// Enter takes a typed line: a command, a message, or nothing, which lets the target speak. It says whether the dialogue
// is over. What the typist got wrong is said on the writer; an error is a failure of the model. When ctx ends, an answer
// stops and is forgotten.
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
		return false, nil // words put into the target's mouth
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

// delta is the time since the message before; a window begins with the shortest.
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

// members are all who take part.
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

// inferAs makes the only one who was not typed for the target, if there is none yet.
func (d *Dialogue) inferAs() bool {
	if d.As != "" {
		return true
	}
	others := slices.DeleteFunc(d.members(), func(name string) bool { return name == d.speaker })
	if len(others) == 1 && d.speaker != "" {
		d.As = others[0]
		return true
	}
	d.say("who answers? /target NAME")
	return false
}

// conversation is what the model gets to see.
func (d *Dialogue) conversation() *generate.Conversation {
	start := d.Start
	if start == "" {
		start = windows.StartDate(d.Now())
	}
	return &generate.Conversation{Header: windows.NewHeader(d.Kind, d.members(), start), Messages: d.Messages}
}

// prompt is the ids of the conversation. When it has become longer than a window, or than what fits, a quarter of its
// messages goes, the oldest: not one by one, because each time all that is left must be read anew.
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
		d.say("(the oldest %d messages are forgotten)", gone)
	}
}

// answer lets the target speak.
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

// say tells the typist something that is no message.
func (d *Dialogue) say(format string, args ...any) { fmt.Fprintf(d.out, format+"\n", args...) }
