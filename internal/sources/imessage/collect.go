package imessage

import (
	"context"
	"errors"
	"sync"

	"go.uber.org/zap"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/imessage/sqlitepages"
)

// Collect makes the database hold what the source holds, in one transaction. Readable rows of a damaged source are kept, and
// the summary names what could not be read.
func (s *Source) Collect(ctx context.Context, db *messages.DB, options sources.Options) (sources.Summary, error) {
	if options.Progress == nil {
		options.Progress = func(int64, int64) {}
	}
	summary, err := s.collect(ctx, db, options)
	if err != nil && s.stay() != nil {
		options.Logger().Info("the database changed while it was read: reading a copy", zap.Error(err))
		if err := errors.Join(s.disconnect(), s.copyAndConnect(ctx)); err != nil {
			return summary, s.explain(err)
		}
		s.frozen = ""
		summary, err = s.collect(ctx, db, options)
	}
	if err != nil {
		return summary, err
	}
	options.Logger().Info("collected", zap.Int64("rows", summary.Total), zap.Int64("read", summary.Read), zap.Int64("changed", summary.Changed),
		zap.Int64("gone", summary.Gone), zap.Int64("damaged", summary.Damaged.Count), zap.Strings("unreadable", summary.Unreadable))
	return summary, s.keepIdentities(ctx, db, summary.Changed < summary.Total)
}

func (s *Source) collect(ctx context.Context, db *messages.DB, options sources.Options) (sources.Summary, error) {
	c := collector{source: s, options: options}
	done, err := c.again(ctx, db)
	if err == nil && !done {
		options.Logger().Info("reading all rows: what changed since the last collect cannot be told, or is too much")
		c = collector{source: s, options: options}
		err = c.whole(ctx, db)
	}
	return c.summary, err
}

// whole collects all rows.
func (c *collector) whole(ctx context.Context, db *messages.DB) (err error) {
	if err := c.prepare(ctx); err != nil {
		return c.source.explain(err)
	}
	c.summary.Outcome, err = db.Replace(ctx, c.options.KeepGone, func(w *messages.Writer) error { return c.fill(ctx, w) })
	c.summary.Damaged = sources.ListRows(c.damaged)
	c.summary.Unknown = countUnknown(c.unknown)
	applyOutcome(&c.summary)
	c.summary.Read, c.summary.Changed = c.summary.Total, c.summary.Total
	return err
}

// collector is one run of Collect.
type collector struct {
	source    *Source
	options   sources.Options
	directory *directory
	reader    reader
	summary   sources.Summary
	number    int64            // of the source in the store
	damaged   []int64          // rows whose body is damaged
	unknown   map[int64]string // rows with a value that is not known, and that value
}

// prepare reads what tells where rows belong.
func (c *collector) prepare(ctx context.Context) error {
	s := c.source
	var err error
	if c.summary.Total, err = s.countRows(ctx); c.survive("the number of rows", err) != nil {
		return err
	}
	c.options.Progress(0, c.summary.Total)
	if c.directory, err = s.readDirectory(ctx); err != nil {
		return err
	}
	if err := c.survive("chat_message_join", s.readLinks(ctx, c.directory, c.options.Include[sources.RecentlyDeleted])); err != nil {
		return err
	}
	return c.survive("who was in which group", s.readEras(ctx, c.directory))
}

// survive takes damage of the file as an end of what is being read, and returns other errors.
func (c *collector) survive(what string, err error) error {
	if !isDamage(err) {
		return err
	}
	c.summary.Unreadable = append(c.summary.Unreadable, what+": "+err.Error())
	return nil
}

// fill reads and decodes the rows on one side and stores them on the other.
func (c *collector) fill(outer context.Context, w *messages.Writer) error {
	ctx, stop := context.WithCancel(outer)
	defer stop()
	c.number = w.Source(c.source.name, messages.Whole)
	batches := make(chan *batch, 4)
	var reading error
	var leaves map[string][]sqlitepages.Leaf
	var side sync.WaitGroup
	side.Go(func() { leaves = c.source.survey(ctx) })
	go func() {
		defer close(batches)
		reading = c.readRows(ctx, batches)
	}()
	storing := c.storeRows(w, batches)
	if storing != nil {
		stop()
	}
	for range batches { // the reader ends before its source is used again
	}
	side.Wait()
	if storing != nil {
		return storing
	}
	if reading != nil {
		return c.source.explain(reading)
	}
	c.directory.places = newPlaces() // of millions of messages, and no longer needed
	if err := c.remember(outer, w, leaves); err != nil {
		return c.source.explain(err)
	}
	return c.source.stay()
}

// remember leaves in the store what tells the next collection what has changed.
func (c *collector) remember(ctx context.Context, w *messages.Writer, leaves map[string][]sqlitepages.Leaf) error {
	st, err := c.newState(ctx, leaves)
	if st == nil || err != nil {
		return err
	}
	w.SetState(c.number, func(o *messages.Outcome) []byte {
		s := c.summary
		s.Outcome = *o
		applyOutcome(&s)
		st.Rows = s.Rows
		return st.encode()
	})
	return nil
}

// note keeps what the summary and the next collection want to know of a row.
func (c *collector) note(t *told) {
	if t.damaged {
		c.damaged = append(c.damaged, t.id)
	}
	if t.unknown != "" {
		if c.unknown == nil {
			c.unknown = make(map[int64]string)
		}
		c.unknown[t.id] = t.unknown
	}
}

// batch is what many rows have told.
type batch struct {
	rows    []told
	entries []messages.Entry // of the rows, one after another
}

// told is what a row has told.
type told struct {
	id       int64
	guid     string
	date     int64
	sender   string // as far as it is known
	fate     sources.Fate
	entries  int  // how many of the batch's
	era      *era // of the entries
	event    *messages.Event
	versions []messages.Version
	damaged  bool
	unknown  string
}

// batchRows is so many that handing them over costs nothing, and so few that they stay in the processor's cache.
const batchRows = 512

// readRows sends what the rows tell, batch after batch.
func (c *collector) readRows(ctx context.Context, batches chan<- *batch) error {
	b := new(batch)
	send := func() error {
		select {
		case batches <- b:
			b = &batch{rows: make([]told, 0, batchRows), entries: make([]messages.Entry, 0, batchRows*9/8)}
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	last := int64(0)
	attachments, err := c.source.eachMessage(ctx, func(r *row, files []attachment) error {
		last = r.id
		c.read(r, files, b)
		if len(b.rows) < batchRows {
			return nil
		}
		return send()
	})
	err = errors.Join(c.survive("attachment", attachments), c.survive(afterRow(last), err))
	return errors.Join(err, send())
}

// storeRows stores what batches tell.
func (c *collector) storeRows(w *messages.Writer, batches <-chan *batch) error {
	for b := range batches {
		at := 0
		for i := range b.rows {
			t := &b.rows[i]
			if err := c.storeRow(w, t, b.entries[at:at+t.entries]); err != nil {
				return err
			}
			at += t.entries
		}
		c.options.Progress(c.summary.Rows.Sum(), c.summary.Total)
	}
	if len(c.summary.Unreadable) > 0 {
		w.Incomplete()
	}
	return nil
}

func (c *collector) storeRow(w *messages.Writer, t *told, entries []messages.Entry) error {
	if err := w.Present(t.guid); err != nil {
		return err
	}
	c.summary.Rows[t.fate]++
	c.note(t)
	if t.fate == sources.Unsent {
		w.Retract(t.guid)
	}
	if t.fate != sources.Messages && t.fate != sources.Reactions && t.fate != sources.Removals {
		if err := w.LeftOut(c.number, t.id, int(t.fate), t.date, t.sender); err != nil {
			return err
		}
	}
	if len(entries) > 0 && t.era.conversation == 0 {
		t.era.conversation = w.Conversation(t.era.group, t.era.members)
	}
	for i := range entries {
		e := &entries[i]
		e.Source, e.Conversation = c.number, t.era.conversation
		if err := w.Add(e); err != nil {
			return err
		}
	}
	if t.event != nil {
		t.event.Source = c.number
		w.AddEvent(*t.event)
	}
	for _, v := range t.versions {
		v.Source = c.number
		w.AddVersion(v)
	}
	return nil
}
