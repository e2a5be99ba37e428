package imessage

import (
	"context"

	"ventriloquist/internal/store"
)

// Summary tells where the rows of a source went: the numbers of Rows add up to Total.
type Summary struct {
	Total int64
	Rows  [fates]int64
	store.Outcome
}

// Options are the choices of Collect.
type Options struct {
	// KeepGone keeps the messages of rows that the source no longer has.
	KeepGone bool
	// Progress, if not nil, is told how many of the rows were read.
	Progress func(done, total int64)
}

// Collect makes the store hold what the source holds, in one transaction.
func Collect(ctx context.Context, s *Source, db *store.DB, options Options) (Summary, error) {
	var summary Summary
	c := collector{source: s.name, summary: &summary, progress: options.Progress}
	if c.progress == nil {
		c.progress = func(int64, int64) {}
	}
	err := c.prepare(ctx, s)
	if err != nil {
		return summary, s.explain(err)
	}
	var reading error
	summary.Outcome, err = db.Replace(ctx, options.KeepGone, func(w *store.Writer) error {
		c.w, c.number = w, w.Source(c.source, store.Whole)
		reading = s.eachMessage(ctx, c.row)
		return reading
	})
	if reading != nil && c.storing == nil {
		return summary, s.explain(reading)
	}
	if err != nil {
		return summary, err
	}
	lost := summary.LostReactions + summary.LostRemovals
	summary.Rows[Tapback] -= summary.LostReactions
	summary.Rows[Removal] -= summary.LostRemovals
	summary.Rows[LostTarget] += lost
	return summary, nil
}

// collector is one run of Collect.
type collector struct {
	source    string
	number    int64 // of the source in the store
	directory *directory
	reader    reader
	w         *store.Writer
	summary   *Summary
	progress  func(done, total int64)
	storing   error // an error of the store, not of the source
}

func (c *collector) prepare(ctx context.Context, s *Source) (err error) {
	if c.summary.Total, err = s.countRows(ctx); err != nil {
		return err
	}
	c.progress(0, c.summary.Total)
	if c.directory, err = s.readDirectory(ctx); err != nil {
		return err
	}
	if err = s.readEras(ctx, c.directory); err != nil {
		return err
	}
	c.reader.attachments, err = s.readAttachments(ctx)
	return err
}

// row stores one row, or notes why not.
func (c *collector) row(r *row) error {
	c.w.Present(r.guid)
	chat := c.directory.chatOf(r.id)
	fate := r.exclude(c.directory, chat)
	if fate == Message || fate == Tapback || fate == Removal {
		var err error
		if fate, err = c.content(r, chat, fate); err != nil {
			c.storing = err
			return err
		}
	}
	c.summary.Rows[fate]++
	const step = 1000
	if done := c.done(); done%step == 0 || done == c.summary.Total {
		c.progress(done, c.summary.Total)
	}
	return nil
}

func (c *collector) done() (rows int64) {
	for _, n := range c.summary.Rows {
		rows += n
	}
	return rows
}

// content stores a row that is a message or a reaction.
func (c *collector) content(r *row, chat *chat, fate Fate) (Fate, error) {
	sender, known := r.sender(c.directory, chat)
	if !known {
		return NoSender, nil
	}
	e := store.Entry{Source: c.number, Row: r.id, GUID: r.guid, Date: r.date, Sender: sender}
	if fate != Message {
		return c.tapback(r, chat, fate, e)
	}
	pieces, shortened, fate := c.reader.pieces(r)
	if fate != Message {
		return fate, nil
	}
	e.Conversation = c.conversation(chat, r)
	e.Shortened = shortened
	if r.thread != "" {
		e.TargetGUID, e.TargetPart = r.thread, parseThreadPart(r.threadPart)
	}
	for place, p := range pieces {
		e.Place, e.Part, e.Kind, e.Text, e.Attachment, e.Transcript = place, p.part, p.kind, p.text, p.attachment, p.transcript
		if err := c.w.Add(&e); err != nil {
			return fate, err
		}
	}
	return fate, nil
}

// tapback stores a reaction, or the taking back of one.
func (c *collector) tapback(r *row, chat *chat, fate Fate, e store.Entry) (Fate, error) {
	e.Kind, e.Removal = store.Reaction, fate == Removal
	kind := r.tapback
	if e.Removal {
		kind -= takenBack
	}
	e.Text = tapbackText(kind, r.emoji)
	if e.Text == "" && !e.Removal {
		return Empty, nil
	}
	if e.TargetGUID, e.TargetPart = parseTarget(r.target); e.TargetGUID == "" {
		return LostTarget, nil
	}
	e.Conversation = c.conversation(chat, r)
	return fate, c.w.Add(&e)
}

func (c *collector) conversation(chat *chat, r *row) int64 {
	return c.w.Conversation(chat.group, chat.membersAt(moment{r.date, r.id}))
}
