package imessage

import (
	"context"
	"errors"
	"slices"
	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/imessage/sqlitepages"
)

// fill writes the suspects to the store.
func (c *collector) fill(ctx context.Context, tx *messages.Tx, survey func() map[string][]sqlitepages.Leaf) error {
	var err error
	if c.number, err = tx.Source(c.source.name, messages.Numbered); err != nil {
		return err
	}
	if c.old != nil {
		c.keepCounts()
	}
	if err := c.fillPeriods(ctx, tx); err != nil {
		return c.source.explain(err)
	}
	if err := c.fillRows(ctx, tx); err != nil {
		return err
	}
	err = tx.Sweep(c.number, storeRanges(c.suspects), func(o *messages.OldRow) {
		if c.summary.Changed++; c.old != nil {
			c.rows[oldFate(o)]--
		}
	})
	if err != nil {
		return err
	}
	c.directory.chatOfMessage = newChatOfMessage() // frees the memory for millions of messages, which is no longer needed
	if survey() != nil && len(c.summary.Unreadable) == 0 && c.rows.Sum() == c.summary.Total {
		tx.SetState(c.number, func(o *messages.Outcome) []byte { return c.newState(c.settledRows(o)).encode() })
	}
	return c.source.checkUnchanged()
}

// keepCounts starts from the counts of the last collect, without the rows that are read again.
func (c *collector) keepCounts() {
	c.rows = c.old.Rows
	for _, row := range c.old.Damaged {
		if !inRanges(c.suspects, row) {
			c.damaged = append(c.damaged, row)
		}
	}
	for row, value := range c.old.Unknown {
		if !inRanges(c.suspects, row) {
			c.noteUnknown(row, value)
		}
	}
}

// fillRows reads and decodes the suspects in one goroutine and stores them in another.
func (c *collector) fillRows(outer context.Context, tx *messages.Tx) error {
	ctx, stop := context.WithCancel(outer)
	defer stop()
	batches := make(chan []decodedRow, 4)
	var reading error
	go func() {
		defer close(batches)
		reading = c.readRows(ctx, batches)
	}()
	storing := c.storeRows(tx, batches)
	if storing != nil {
		stop()
	}
	for range batches { // the reader must end before its source is used again
	}
	if len(c.summary.Unreadable) > 0 {
		tx.Incomplete()
	}
	slices.Sort(c.damaged)
	return errors.Join(storing, c.source.explain(reading))
}

// batchRows is large enough that handing a batch over costs nothing, and small enough that it stays in the processor's
// cache.
const batchRows = 512

// readRows sends the decoded suspects in batches.
func (c *collector) readRows(ctx context.Context, batches chan<- []decodedRow) error {
	var b []decodedRow
	send := func() error {
		select {
		case batches <- b:
			b = make([]decodedRow, 0, batchRows)
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	last := int64(0)
	damaged, err := c.source.eachMessage(ctx, c.suspects, func(r *row, files []attachment, find finder) error {
		last = r.id
		d, err := c.read(r, files, find)
		if err != nil {
			return err
		}
		if b = append(b, d); len(b) < batchRows {
			return nil
		}
		return send()
	})
	for what, err := range map[string]error{"attachment": damaged, afterRow(last): err} {
		if isDamage(err) {
			c.summary.Unreadable = append(c.summary.Unreadable, what+": "+err.Error())
		}
	}
	if isDamage(err) {
		err = nil
	}
	return errors.Join(err, send())
}

// storeRows stores the decoded rows of the batches.
func (c *collector) storeRows(tx *messages.Tx, batches <-chan []decodedRow) error {
	for b := range batches {
		for i := range b {
			if err := c.storeRow(tx, &b[i]); err != nil {
				return err
			}
		}
		c.options.Progress(c.summary.Read, c.summary.Total)
	}
	return nil
}

func (c *collector) storeRow(tx *messages.Tx, d *decodedRow) (err error) {
	if d.Source = c.number; d.chat != nil {
		if d.chat.stored == 0 {
			if d.chat.stored, err = tx.Chat(c.number, d.chat.id, d.chat.group); err != nil {
				return err
			}
		}
		d.Chat = d.chat.stored
	}
	change, err := tx.Put(&d.Row)
	if err != nil {
		return err
	}
	c.summary.Read++
	if c.rows[d.fate]++; c.old != nil && change.Old != nil {
		c.rows[oldFate(change.Old)]--
	}
	if change.Changed {
		c.summary.Changed++
	}
	if d.damaged {
		c.damaged = append(c.damaged, d.Row.Row)
	}
	if d.unknown != "" {
		c.noteUnknown(d.Row.Row, d.unknown)
	}
	return nil
}

// oldFate returns the previous fate of a row.
func oldFate(o *messages.OldRow) sources.Fate {
	switch {
	case o.LeftOut && o.Why < 0:
		return fatesOfForgotten[o.Why]
	case o.LeftOut:
		return sources.Fate(o.Why)
	case o.Removal:
		return sources.Removals
	case o.Kind == messages.Reaction:
		return sources.Reactions
	}
	return sources.Messages
}

// fatesOfForgotten maps what the store reports about rows that it leaves out to their fates.
var fatesOfForgotten = map[int]sources.Fate{messages.ForgottenMessage: sources.Messages, messages.ForgottenReaction: sources.Reactions, messages.ForgottenRemoval: sources.Removals}
