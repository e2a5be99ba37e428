package sources

import (
	"context"
	"fmt"

	"ventriloquist/internal/messages"
)

// Summary tells where the lines of a source went: the numbers of Rows add up to Total.
type Summary struct {
	Total int64
	Read  int64 // of these this time
	Rows  [fates]int64
	Notes []string
	messages.Outcome
}

// Options are the choices of Collect.
type Options struct {
	// KeepGone keeps the messages that the source no longer has.
	KeepGone bool
	// Key, if not empty, is what Unchanged is asked for next time.
	Key string
	// Progress, if not nil, is told how much was read.
	Progress func(done, total int64)
}

// Collect makes the store hold what the source holds, in one transaction. What other sources gave stays.
func Collect(ctx context.Context, r Reader, db *messages.DB, o Options) (Summary, error) {
	var summary Summary
	var reading error
	own := map[string]int64{}
	outcome, err := db.Replace(ctx, o.KeepGone, func(w *messages.Writer) error {
		c := collector{ctx: ctx, w: w, summary: &summary, progress: o.Progress, chats: map[*Chat]place{}, own: own}
		summary.Total, reading = r.Read(ctx, &c)
		if o.Key != "" {
			w.SetCollected(o.Key, func(outcome *messages.Outcome) []byte { return summary.settled(outcome).encode() })
		}
		return reading
	})
	if err != nil {
		return summary, err
	}
	summary = *summary.settled(&outcome)
	if err := keepOwn(ctx, r, db, own); err != nil {
		return summary, err
	}
	if summary.sum() != summary.Total {
		return summary, fmt.Errorf("%s: %d of %d %s were accounted for: please report this", r.Path(), summary.sum(), summary.Total, r.Unit())
	}
	return summary, nil
}

// keepOwn keeps the addresses that the source told to be the owner's, with how many messages told it.
func keepOwn(ctx context.Context, r Reader, db *messages.DB, own map[string]int64) error {
	var list []messages.OwnAddress
	for address, count := range own {
		list = append(list, messages.OwnAddress{Address: address, Place: r.Path(), Messages: count})
	}
	if len(list) == 0 {
		return nil
	}
	return db.KeepIdentities(ctx, list, nil)
}

// settled is the summary with what the store found out.
func (s *Summary) settled(outcome *messages.Outcome) *Summary {
	settled := *s
	settled.Outcome, settled.Read = *outcome, s.Total
	settled.Rows[Reactions] -= outcome.LostReactions
	settled.Rows[LostTarget] += outcome.LostReactions
	return &settled
}

func (s *Summary) sum() (n int64) {
	for _, rows := range s.Rows {
		n += rows
	}
	return n
}

// collector is a Sink that stores.
type collector struct {
	ctx      context.Context
	w        *messages.Writer
	summary  *Summary
	progress func(done, total int64)
	chats    map[*Chat]place
	own      map[string]int64 // how many messages tell that an address is the owner's
}

// place is a chat in the store.
type place struct {
	source, conversation int64
}

func (c *collector) Message(m *Message) error {
	if err := c.ctx.Err(); err != nil {
		return err
	}
	fate := Messages
	if m.IsReaction() {
		fate = Reactions
	}
	c.summary.Rows[fate]++
	e := c.entry(m)
	if err := c.w.Present(m.GUID); err != nil {
		return err
	}
	if m.Partial {
		c.w.Partial(&e)
	}
	for i, part := range m.Parts {
		e.Part, e.Place, e.Kind, e.Text, e.Attachment, e.File = i, i, part.Kind, part.Text, part.Attachment, part.File
		e.Transcript = part.Transcript
		if err := c.w.Add(&e); err != nil {
			return err
		}
	}
	return nil
}

func (c *collector) Seen(m *Message) {
	e := c.entry(m)
	c.w.Partial(&e)
}

// entry is what all parts of a message have in common.
func (c *collector) entry(m *Message) messages.Entry {
	p := c.place(m.Chat)
	return messages.Entry{Source: p.source, Conversation: p.conversation, Row: m.Row, GUID: m.GUID, Date: m.Time.UnixNano(), Sender: m.Sender,
		TargetGUID: m.ReplyTo, TargetPart: messages.WholeMessage}
}

func (c *collector) place(chat *Chat) place {
	p, known := c.chats[chat]
	if !known {
		p = place{c.w.Source(chat.Source, chat.Extent), c.w.Conversation(chat.Group, messages.Members(chat.Members...))}
		c.chats[chat] = p
	}
	return p
}

func (c *collector) Count(f Fate, n int64) { c.summary.Rows[f] += n }

func (c *collector) Own(address string) { c.own[address]++ }

func (c *collector) Name(address, name string) { c.w.Name(address, name) }

func (c *collector) Note(format string, args ...any) {
	c.summary.Notes = append(c.summary.Notes, fmt.Sprintf(format, args...))
}

func (c *collector) Progress(done, total int64) {
	if c.progress != nil {
		c.progress(done, total)
	}
}
