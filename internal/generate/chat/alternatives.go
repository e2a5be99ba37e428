package chat

import (
	"context"
	"strconv"

	"ventriloquist/internal/generate"
	"ventriloquist/internal/windows"
)

// offer is a list of candidates for the next message.
type offer struct {
	messages []windows.Message
	before   state // which each of them would follow
}

const (
	defaultAlternatives = 3
	maxAlternatives     = 20
)

// alternatives writes different candidates in the place of the last answer, or of the next. Until something else is said, a number
// chooses one.
func (d *Dialogue) alternatives(ctx context.Context, rest string) error {
	n, ok := d.count(rest, "/alternatives", defaultAlternatives, maxAlternatives)
	if !ok {
		return nil
	}
	current, history := d.now(), d.history
	author, answered := d.lastAuthor()
	if answered {
		d.restore(*history.unanswered)
	} else {
		var err error
		if author, err = d.nextAuthor(ctx); err != nil || author == "" {
			return d.orStopped(err)
		}
	}
	if d.Live != nil {
		d.prompt(author) // what it drops stays away
		current = d.now()
	}
	before := d.now()
	done, err := generate.WriteDifferent(ctx, d.writer, d.prompt(author), author, n, d.sample(), func(int, []byte) {})
	d.restore(current)
	d.history = history
	if err != nil {
		return d.orStopped(err)
	}
	offered := &offer{before: before}
	for i := range done {
		m, err := generate.ParseContinuation(author, done[i].Text)
		if err != nil {
			return err
		}
		offered.messages = append(offered.messages, m)
		d.say("%d  %s", i+1, Format(&m))
	}
	d.history.offered = offered
	switch {
	case len(done) < n && d.Sample.Temperature == 0:
		d.say("with temperature 0 there is one; /temperature 0.7 changes that")
	case len(done) < n:
		d.say("the model writes no more different ones; a higher /temperature does")
	}
	if d.Live != nil {
		d.say("/send N shows one as it would be sent, and asks")
		return nil
	}
	d.say("a number takes one; anything else goes on without")
	return nil
}

// choose takes the candidate whose number was typed, and reports whether it was one.
func (d *Dialogue) choose(turn string) bool {
	offered := d.history.offered
	if offered == nil {
		return false
	}
	n, err := strconv.Atoi(turn)
	if err != nil || n < 1 || n > len(offered.messages) {
		return false
	}
	d.restore(offered.before)
	m := offered.messages[n-1]
	d.add(m)
	d.history.answered(offered.before)
	d.history.offered = offered // another may still be taken
	d.show(&m)
	return true
}

// count reads the number that a command was given, from 1 to most.
func (d *Dialogue) count(text, command string, otherwise, most int) (int, bool) {
	if text == "" {
		return otherwise, true
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		d.say("%s takes a number from 1 to %d", command, most)
		return 0, false
	}
	return n, true
}
