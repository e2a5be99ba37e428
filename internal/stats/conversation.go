package stats

import (
	"time"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/people"
)

// conversation follows one conversation, message by message.
type conversation struct {
	*people.Conversation
	g     *gatherer
	tally *tally // the group's; in a direct conversation the other person's

	hasLast bool // there is a previous message
	last    time.Time
	speaker people.Person // who sent the previous message
}

func (g *gatherer) conversation(of *people.Conversation) *conversation {
	c := &conversation{Conversation: of, g: g}
	if c.IsDirect() {
		c.tally = g.person(c.Others[0].Person)
		return c
	}
	t := newTally("")
	t.group = of.Name()
	for _, other := range c.Others {
		t.members = append(t.members, g.nameOf(other.Person))
	}
	c.tally = &t
	return c
}

// message counts the next message of the conversation.
func (c *conversation) message(m *messages.WindowMessage) error {
	g := c.g
	if g.done++; g.Progress != nil && g.done%4096 == 0 {
		g.Progress(g.done, g.total)
	}
	who := c.Sender(g.People, m.Sender)
	at := g.timeOf(m.Date)
	person := g.person(who)
	if m.Kind == messages.Reaction {
		person.reactions++
		person.addEmoji(m.Text)
		g.all.addEmoji(m.Text)
		if !c.IsDirect() {
			c.tally.reactions++
			c.tally.addEmoji(m.Text)
		}
		return nil
	}
	g.add(at, who)
	person.add(at)
	if c.IsDirect() {
		c.tally.direct.add(at, who)
	} else {
		c.tally.add(at)
		c.tally.by[who]++
	}
	if m.Kind == messages.Text {
		words := g.words.split(m.Text)
		person.say(words, m.Text)
		g.all.addEmoji(m.Text)
		if !c.IsDirect() {
			c.tally.say(words, m.Text)
		}
	}
	if !at.IsZero() {
		c.follow(who, at)
	}
	return nil
}

// add counts a message of a direct conversation.
func (d *direct) add(at time.Time, who people.Person) {
	d.messages++
	if who.IsOwner() {
		d.fromYou++
	}
	if !at.IsZero() {
		d.hours.count(at)
	}
}

// follow updates sessions, replies and silences with a message.
func (c *conversation) follow(who people.Person, at time.Time) {
	gap := at.Sub(c.last)
	switch {
	case !c.hasLast || gap >= SessionGap:
		c.tally.sessions++
		c.tally.startedBy[who]++
	case who != c.speaker && c.IsDirect() && who.IsOwner():
		c.tally.ownerReplies.add(c.last.Hour(), gap)
		c.g.person(who).replies.add(c.last.Hour(), gap)
	case who != c.speaker:
		c.tally.replies.add(c.last.Hour(), gap)
	}
	if c.hasLast && (c.tally.silence == nil || gap > c.tally.silence.To.Sub(c.tally.silence.From)) {
		c.tally.silence = &Silence{From: c.last, To: at, Days: gap.Hours() / 24}
	}
	c.hasLast, c.last, c.speaker = true, at, who
}
