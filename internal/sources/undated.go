package sources

import (
	"slices"
	"time"
)

// Undated returns a sink that gives messages without a date, whose Time is zero, that of the message before them in their chat, or else
// of the next one. The caller calls finish after the last message.
func Undated(sink Sink) (dated Sink, finish func() error) {
	u := &undated{Sink: sink, chats: map[*Chat]*dates{}}
	return u, u.finish
}

// undated gives messages dates.
type undated struct {
	Sink
	chats map[*Chat]*dates
	last  *Chat // the chat of the last message
	dates *dates
	given int64
	held  int
	lost  int64
}

// dates are those of a chat.
type dates struct {
	last time.Time
	held []heldMessage // before the first message with a date
}

// heldMessage is a message that waits for a date.
type heldMessage struct {
	Message
	seen bool // its content is omitted
}

// mostHeld limits the messages that wait for a date.
const mostHeld = 10_000

func (u *undated) Message(m *Message) error { return u.pass(m, false) }

func (u *undated) Seen(m *Message) error { return u.pass(m, true) }

func (u *undated) pass(m *Message, seen bool) error {
	if m.Chat != u.last {
		u.last, u.dates = m.Chat, u.chats[m.Chat]
		if u.dates == nil {
			u.dates = &dates{}
			u.chats[m.Chat] = u.dates
		}
	}
	d := u.dates
	switch {
	case !m.Time.IsZero():
		if err := u.release(d, m.Time); err != nil {
			return err
		}
		if !m.IsReaction() {
			d.last = m.Time
		}
		return u.send(m, seen)
	case !d.last.IsZero():
		return u.give(m, d.last, seen)
	case u.held == mostHeld:
		u.lose(seen)
		return nil
	}
	u.held++
	held := heldMessage{*m, seen}
	held.Parts, held.Versions = slices.Clone(m.Parts), slices.Clone(m.Versions)
	d.held = append(d.held, held)
	return nil
}

func (u *undated) send(m *Message, seen bool) error {
	if seen {
		return u.Sink.Seen(m)
	}
	return u.Sink.Message(m)
}

func (u *undated) give(m *Message, at time.Time, seen bool) error {
	u.given++
	dated := *m
	dated.Time = at
	return u.send(&dated, seen)
}

// release passes on the messages that waited for a date.
func (u *undated) release(d *dates, at time.Time) error {
	held := d.held
	d.held = nil
	u.held -= len(held)
	for i := range held {
		if err := u.give(&held[i].Message, at, held[i].seen); err != nil {
			return err
		}
	}
	return nil
}

// lose counts a message that gets no date. One whose content is omitted was counted before.
func (u *undated) lose(seen bool) {
	if !seen {
		u.lost++
	}
}

// finish reports what was done.
func (u *undated) finish() error {
	for _, d := range u.chats {
		for i := range d.held {
			u.lose(d.held[i].seen)
		}
	}
	if u.lost > 0 {
		u.Unreadable("messages without a date, in chats where no message has one", u.lost)
	}
	if u.given > 0 {
		u.Note("%d messages have no date: they stay where they are, with the date of the message next to them", u.given)
	}
	return u.Err()
}
