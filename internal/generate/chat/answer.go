package chat

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"

	"ventriloquist/internal/generate"
	"ventriloquist/internal/windows"
)

// answer lets the model speak once.
func (d *Dialogue) answer(ctx context.Context) error {
	author, err := d.nextAuthor(ctx)
	if err != nil || author == "" {
		return d.orStopped(err)
	}
	return d.answerAs(ctx, author)
}

// answerAs lets the model write the next message as author.
func (d *Dialogue) answerAs(ctx context.Context, author string) error {
	before := d.now()
	prompt := d.prompt(author)
	d.exchange = exchange{prompt: prompt.Prompt(author)}
	if d.debugging {
		d.showPrompt()
	}
	stream := &stream{out: d.out, author: author}
	if d.RealTime {
		stream.out = io.Discard
	}
	done, err := d.writer.Write(ctx, prompt, author, 1, d.sample(), stream.token)
	stream.end()
	if len(done) > 0 {
		d.exchange.answer = string(done[0].Text)
	}
	if d.debugging {
		d.showAnswer()
	}
	if err != nil {
		return d.orStopped(err)
	}
	m, err := generate.ParseContinuation(author, done[0].Text)
	if err != nil {
		return err
	}
	if d.RealTime {
		d.wait(ctx, &m)
		d.show(&m)
	}
	d.add(m)
	d.history.answered(before)
	return nil
}

// orStopped says that an answer was stopped, or could not be written, or returns another error.
func (d *Dialogue) orStopped(err error) error {
	switch {
	case errors.Is(err, context.Canceled):
		d.say("(stopped)")
		return nil
	case errors.Is(err, generate.ErrUnwritten):
		d.explain(err)
		return nil
	}
	return err
}

// sample returns the options of the next answer, which has random numbers of its own.
func (d *Dialogue) sample() generate.Options {
	o := d.Sample
	o.Seed += uint64(d.answers)
	d.answers++
	return o
}

// show prints a message of the conversation.
func (d *Dialogue) show(m *windows.Message) { fmt.Fprintf(d.out, "  %s\n", Format(m)) }

// nextAuthor returns who answers, "" after saying that it is not known.
func (d *Dialogue) nextAuthor(ctx context.Context) (string, error) {
	if !d.Any {
		if !d.inferAs() {
			return "", nil
		}
		return d.As, nil
	}
	names := slices.DeleteFunc(d.members(), func(name string) bool { return name == d.speaker })
	if len(names) == 0 {
		d.say("who is there to answer? /members NAME NAME …")
		return "", nil
	}
	return d.drawAuthor(ctx, names)
}

// drawAuthor draws who speaks next among names, as likely as the model finds each; at temperature 0 it takes the likeliest.
func (d *Dialogue) drawAuthor(ctx context.Context, names []string) (string, error) {
	d.prompt("") // drops what does not fit
	share, err := d.writer.NextSpeaker(ctx, d.conversation(), names)
	if err != nil {
		return "", err
	}
	if d.debugging {
		d.showShares(names, share)
	}
	if d.Sample.Temperature == 0 {
		return names[slices.Index(share, slices.Max(share))], nil
	}
	const stream = 1 << 32 // beyond the numbers of continuations
	mark := rand.New(rand.NewPCG(d.Sample.Seed+uint64(d.answers), stream)).Float64()
	for i, name := range names {
		if mark -= share[i]; mark < 0 {
			return name, nil
		}
	}
	return names[len(names)-1], nil
}

func (d *Dialogue) showShares(names []string, share []float64) {
	var parts []string
	for i, name := range names {
		parts = append(parts, fmt.Sprintf("%s %.0f%%", name, 100*share[i]))
	}
	d.say("next to speak: %s", strings.Join(parts, ", "))
}

// lastAuthor returns who wrote the model's last answer, if nothing was said since.
func (d *Dialogue) lastAuthor() (string, bool) {
	if d.history.unanswered == nil || len(d.Messages) == 0 {
		return "", false
	}
	return d.Messages[len(d.Messages)-1].Name, true
}

// retry has the model write its last answer again.
func (d *Dialogue) retry(ctx context.Context, _ string) error {
	author, found := d.lastAuthor()
	if !found {
		d.say("there is no answer to write again; an empty line lets the model answer")
		return nil
	}
	if d.Sample.Temperature == 0 {
		d.say("with temperature 0 it is always the same; /temperature 0.7 changes that")
	}
	answered, before := d.now(), *d.history.unanswered
	d.restore(before)
	err := d.answerAs(ctx, author)
	if d.history.unanswered == nil { // stopped: the old answer stays
		d.restore(answered)
		d.history.answered(before)
	}
	return err
}

// defaultTurns is how many messages /continue lets the model write.
const defaultTurns = 4

// letTalk lets the model write the next messages for all members, you among them.
func (d *Dialogue) letTalk(ctx context.Context, rest string) error {
	n, ok := d.count(rest, "/continue", defaultTurns, 100)
	if !ok {
		return nil
	}
	names := d.members()
	if len(names) < 2 {
		d.say("who takes part? /members NAME NAME …")
		return nil
	}
	for range n {
		author, err := d.drawAuthor(ctx, names)
		if err == nil {
			err = d.answerAs(ctx, author)
		}
		if err != nil {
			return d.orStopped(err)
		}
		if ctx.Err() != nil {
			return nil
		}
	}
	return nil
}
