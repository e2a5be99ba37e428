package stats

import (
	"time"

	"ventriloquist/internal/messages"
)

// conversation is one while it is read.
type conversation struct {
	g     *gatherer
	set   *set
	tally *tally // of the conversation: of the other person, where there is one
	dm    bool

	some    bool // a message came before
	last    time.Time
	speaker string // identity
}

func (g *gatherer) conversation(s *set) *conversation {
	c := &conversation{g: g, set: s, dm: len(s.members) == 1}
	if c.dm {
		c.tally = g.person(s.members[0])
		return c
	}
	t := newTally("")
	for _, identity := range s.members {
		t.members = append(t.members, g.nameOf(identity))
	}
	c.tally = &t
	return c
}

// message takes the next message of the conversation.
func (c *conversation) message(m *messages.Spoken) error {
	g := c.g
	if g.done++; g.Progress != nil && g.done%4096 == 0 {
		g.Progress(g.done, g.total)
	}
	who := g.identity(m.Sender)
	if _, listed := g.People(m.Sender); c.dm && who != messages.Owner && !listed {
		who = c.set.members[0] // the source knows more addresses of theirs
	}
	at := time.Unix(0, m.Date).In(g.Zone)
	person := g.person(who)
	if m.Kind == messages.Reaction {
		person.reactions++
		person.addEmoji(m.Words)
		if !c.dm {
			c.tally.reactions++
			c.tally.addEmoji(m.Words)
		}
		return nil
	}
	g.all.add(at)
	person.add(at)
	if !c.dm {
		c.tally.add(at)
		c.tally.by[who]++
	}
	if m.Kind == messages.Text {
		words := g.words.split(m.Words)
		person.say(words, m.Words)
		if !c.dm {
			c.tally.say(words, m.Words)
		}
	}
	c.follow(who, at)
	return nil
}

// follow notes what the message means after the one before: an answer, a beginning, the end of a silence.
func (c *conversation) follow(who string, at time.Time) {
	gap := at.Sub(c.last)
	switch {
	case !c.some || gap >= SessionGap:
		c.tally.sessions++
		c.tally.startedBy[who]++
	case who != c.speaker && c.dm && who == messages.Owner:
		c.tally.ownerReplies.add(c.last.Hour(), gap)
		c.g.person(messages.Owner).replies.add(c.last.Hour(), gap)
	case who != c.speaker:
		c.tally.replies.add(c.last.Hour(), gap)
	}
	if c.some && (c.tally.silence == nil || gap > c.tally.silence.To.Sub(c.tally.silence.From)) {
		c.tally.silence = &Silence{From: c.last, To: at, Days: gap.Hours() / 24}
	}
	c.some, c.last, c.speaker = true, at, who
}
