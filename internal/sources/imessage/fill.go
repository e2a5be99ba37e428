package imessage

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/imessage/sqlitepages"
)

// fill writes the suspects to the store.
func (c *collector) fill(ctx context.Context, tx *messages.Tx) error {
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
	if err := c.nameGroups(tx); err != nil {
		return err
	}
	readable := sqlitepages.Subtract(c.suspects, c.unread["message"])
	err = tx.Sweep(c.number, storeRanges(readable), func(o *messages.OldRow) {
		if c.summary.Changed++; c.old != nil {
			c.rows[oldFate(o)]--
		}
	})
	if err != nil {
		return err
	}
	for _, row := range slices.Concat(c.fileless, c.doubtful) { // read again next time
		c.unread["message"] = append(c.unread["message"], sqlitepages.Range{First: row, Last: row})
	}
	c.directory.chatOfMessage = newChatOfMessage() // frees the memory for millions of messages, which is no longer needed
	if c.survey() != nil && (len(c.summary.Unreadable) > 0 || c.rows.Sum() == c.summary.Total) {
		tx.SetState(c.number, c.newState().encode)
	}
	return c.source.checkUnchanged()
}

// keepCounts starts from the counts of the last collect, without what is noted of the rows that are read again.
func (c *collector) keepCounts() {
	c.rows = c.old.Rows
	for _, row := range c.old.Damaged {
		if !inRanges(c.suspects, row) {
			c.damaged = append(c.damaged, row)
		}
	}
	for _, row := range c.old.Undated {
		if !inRanges(c.suspects, row) {
			c.undated = append(c.undated, row)
		}
	}
	for row, value := range c.old.Unknown {
		if !inRanges(c.suspects, row) {
			c.noteUnknown(row, value)
		}
	}
}

// fillRows reads the suspects in one goroutine, decodes them in another, and stores them in a third.
func (c *collector) fillRows(outer context.Context, tx *messages.Tx) error {
	ctx, stop := context.WithCancel(outer)
	defer stop()
	rows, batches := make(chan []placedRow, 4), make(chan []decodedRow, 4)
	var reading error
	go func() {
		defer close(rows)
		reading = c.readRows(ctx, rows)
	}()
	go func() {
		defer close(batches)
		c.decodeRows(ctx, rows, batches)
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
	slices.Sort(c.undated)
	if storing != nil && outer.Err() == nil && errors.Is(reading, context.Canceled) {
		return storing // which stopped the reader
	}
	return errors.Join(storing, c.source.explain(reading))
}

// batchRows is large enough that handing a batch over costs nothing, and small enough that it stays in the processor's
// cache.
const batchRows = 256

// readRows sends the suspects in batches.
func (c *collector) readRows(ctx context.Context, batches chan<- []placedRow) error {
	b := make([]placedRow, 0, batchRows)
	send := func() error {
		select {
		case batches <- b:
			b = make([]placedRow, 0, batchRows)
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	visit := func(r *row, find finder) error {
		if r.filesError != nil {
			if err := c.missFiles(r); err != nil {
				return err
			}
		}
		p, err := c.place(r, find)
		if err != nil {
			return err
		}
		if b = append(b, p); len(b) < batchRows {
			return nil
		}
		return send()
	}
	err := c.source.eachMessage(ctx, c.suspects, c.messageLeaves, visit, c.hide, func(row int64) { c.doubtful = append(c.doubtful, row) })
	c.noteHidden()
	return errors.Join(err, send())
}

// decodeRows decodes the rows of batches. It ends when there are no more batches, even if ctx is canceled: then their sender has ended.
func (c *collector) decodeRows(ctx context.Context, batches <-chan []placedRow, decoded chan<- []decodedRow) {
	for b := range batches {
		list := make([]decodedRow, len(b))
		for i := range b {
			list[i] = c.decode(&b[i])
		}
		select {
		case decoded <- list:
		case <-ctx.Done():
		}
	}
}

// hide records rows that damage hides. Rows that follow each other are one place.
func (c *collector) hide(d damage) {
	c.unread["message"] = append(c.unread["message"], d.Range)
	if n := len(c.hidden); n > 0 && c.hidden[n-1].Last+1 == d.First {
		c.hidden[n-1].Last = d.Last
		return
	}
	c.hidden = append(c.hidden, d)
}

// namedPlaces is how many damaged places a summary names.
const namedPlaces = 20

// noteHidden puts what could not be read of messages and their attachments into the summary.
func (c *collector) noteHidden() {
	for i := range c.hidden[:min(len(c.hidden), namedPlaces)] {
		c.summary.Unreadable = append(c.summary.Unreadable, c.hidden[i].describe("message"))
	}
	if more := len(c.hidden) - namedPlaces; more > 0 {
		c.summary.Unreadable = append(c.summary.Unreadable, fmt.Sprintf("message, %d more places", more))
	}
	if n := len(c.fileless); n > 0 {
		c.summary.Unreadable = append(c.summary.Unreadable, fmt.Sprintf("attachment, those of %d messages from row %d to %d: %v", n, c.fileless[0], c.fileless[n-1], c.fileDamage))
	}
}

// missFiles handles a row whose attachments cannot be read. If they are known from the last collect, the row stays as it
// is; else it goes without, and the next collect reads it again.
func (c *collector) missFiles(r *row) error {
	if c.old != nil || !isDamage(r.filesError) {
		return r.filesError
	}
	c.fileless, c.fileDamage = append(c.fileless, r.id), r.filesError
	return nil
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
	if d.undated {
		c.undated = append(c.undated, d.Row.Row)
	}
	if d.future {
		c.future++
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

// newState returns the state after a collect. What could not be read counts as unknown, so that it is read next time.
func (c *collector) newState() *state {
	st := &state{Format: stateFormat, Rules: len(rules), Include: c.options.Include, Handles: c.directory.handleSums(),
		Chats: c.directory.chatSums(), Rows: c.rows, Damaged: c.damaged, Unknown: c.unknown, Undated: c.undated}
	for id := range c.unsettled {
		delete(st.Chats, id)
	}
	if c.missedRows { // which rows these changes concern is known only in part
		st.Rules, st.Include, st.Handles = c.old.Rules, c.old.Include, c.old.Handles
	}
	for i := range c.joins {
		st.Joins[i] = c.joins[i].data
	}
	for i, table := range surveyed {
		sqlitepages.Invalidate(c.leaves[table], c.unread[table])
		st.Leaves[i] = sqlitepages.AppendLeaves(nil, c.leaves[table])
	}
	return st
}
