package imessage

import (
	"context"
	"errors"
	"maps"
	"slices"

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
	if err != nil && s.checkUnchanged() != nil {
		options.Logger().Info("the database changed while it was read: reading a copy", zap.Error(err))
		if err := errors.Join(s.disconnect(), s.copyAndConnect(ctx)); err != nil {
			return summary, s.explain(err)
		}
		s.immutableStamp = ""
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
	data, err := db.State(ctx, s.name)
	if err != nil {
		return sources.Summary{}, err
	}
	c := &collector{source: s, options: options, old: decodeState(data)}
	survey := c.startSurvey(ctx)
	if c.old != nil && survey() == nil {
		c.old = nil
	}
	err = c.prepare(ctx)
	if isDamage(err) && c.old != nil { // then as much is read as can be
		c.old, c.joins = nil, [len(joinTables)]packedJoins{}
		err = c.prepare(ctx)
	}
	if err == nil {
		err = s.checkUnchanged()
	}
	if err != nil {
		return c.summary, s.explain(err)
	}
	if c.isUnchanged() {
		held, err := db.Held(ctx, s.name)
		if err != nil || held.Gone == 0 || options.KeepGone { // else what was kept goes now
			return c.unchanged(held), err
		}
	}
	if c.old == nil {
		options.Logger().Info("reading all rows: nothing is known of an earlier collect that says which may have changed")
	}
	c.summary.Outcome, err = db.Collect(ctx, options.KeepGone, func(tx *messages.Tx) error { return c.fill(ctx, tx, survey) })
	if err == nil {
		c.settle()
	}
	return c.summary, err
}

// collector is one run of Collect.
type collector struct {
	source    *Source
	options   sources.Options
	old       *state // of the last collect; nil if nothing is known of it
	leaves    map[string][]sqlitepages.Leaf
	joins     [len(joinTables)]packedJoins
	suspects  []sqlitepages.Range // the messages of which anything may have changed
	directory *directory
	reader    reader
	number    int64 // of the source in the store
	summary   sources.Summary
	rows      sources.FateCounts // what became of rows by themselves
	damaged   []int64            // rows whose body is damaged
	unknown   map[int64]string   // rows with a value that is not known, and that value
}

// startSurvey looks at the pages of the source on the side; what it returns waits for that.
func (c *collector) startSurvey(ctx context.Context) func() map[string][]sqlitepages.Leaf {
	done := make(chan map[string][]sqlitepages.Leaf, 1)
	go func() { done <- c.source.survey(ctx) }()
	waited := false
	return func() map[string][]sqlitepages.Leaf {
		if !waited {
			c.leaves, waited = <-done, true
		}
		return c.leaves
	}
}

// prepare reads what tells which rows may have changed, and where they belong.
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
	if c.old != nil {
		for i := range c.joins {
			c.joins[i].data = c.old.Joins[i]
		}
	}
	if err := c.findSuspects(ctx); err != nil {
		return err
	}
	if err := s.readGUIDs(ctx); err != nil {
		return err
	}
	return c.directory.placeMessages(&c.joins, func(m int64) bool { return inRanges(c.suspects, m) }, c.options.Include[sources.RecentlyDeleted])
}

// readJoins reads the tables of joins as a whole.
func (c *collector) readJoins(ctx context.Context) error {
	for i, table := range joinTables {
		if err := c.survive(table.name, c.source.eachJoin(ctx, table, allJoins, c.joins[i].add)); err != nil {
			return err
		}
	}
	return nil
}

// survive takes damage of the file as an end of what is being read, and returns other errors.
func (c *collector) survive(what string, err error) error {
	if !isDamage(err) {
		return err
	}
	c.summary.Unreadable = append(c.summary.Unreadable, what+": "+err.Error())
	return nil
}

// isUnchanged reports whether the store holds what the source holds.
func (c *collector) isUnchanged() bool {
	return c.old != nil && len(c.suspects) == 0 && c.old.Include == c.options.Include &&
		maps.Equal(c.old.Handles, c.directory.handleSums()) && maps.Equal(c.old.Chats, c.directory.chatSums())
}

// unchanged is the summary of a source that is as it was.
func (c *collector) unchanged(outcome messages.Outcome) sources.Summary {
	s := sources.Summary{Rows: c.old.Settled, Outcome: outcome, Unknown: countUnknown(c.old.Unknown)}
	s.Total = s.Rows.Sum()
	s.Damaged = sources.ListRows(c.old.Damaged)
	c.options.Progress(s.Total, s.Total)
	return s
}

// fill takes the suspects to the store.
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
	c.directory.chatOfMessage = newChatOfMessage() // of millions of messages, and no longer needed
	if survey() != nil && len(c.summary.Unreadable) == 0 && c.rows.Sum() == c.summary.Total {
		tx.SetState(c.number, func(o *messages.Outcome) []byte { return c.newState(c.settledRows(o)).encode() })
	}
	return c.source.checkUnchanged()
}

// keepCounts begins with what the last collect counted, without the rows that are read again.
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

// fillPeriods tells the store who was in which chat when, where that may have changed.
func (c *collector) fillPeriods(ctx context.Context, tx *messages.Tx) error {
	stale, err := c.staleGroups(ctx, tx)
	switch {
	case err != nil:
	case c.old != nil && len(stale) > 0:
		err = c.readErasOf(ctx, stale)
	default:
		err = c.source.readEras(ctx, c.directory, stale, nil)
	}
	if err := c.survive("who was in which group", err); err != nil {
		return err
	}
	changed := make(map[int64]bool)
	for _, chat := range stale {
		if _, known := tx.ChatNumber(c.number, chat.id); !known && chat.number == 0 {
			continue // nothing was ever said in it
		}
		if chat.stored, err = tx.Chat(c.number, chat.id, chat.group); err != nil {
			return err
		}
		if changed[chat.id], err = tx.SetPeriods(chat.stored, chat.periods()); err != nil {
			return err
		}
	}
	if c.old == nil || !tx.KeepsOut() {
		return nil
	}
	return c.suspectRowsOf(changed)
}

// readErasOf works out the eras of some chats.
func (c *collector) readErasOf(ctx context.Context, stale []*chat) error {
	set := make(map[int64]bool, len(stale))
	for _, chat := range stale {
		set[chat.id] = true
	}
	rows, wanted, err := c.rowsOf(set)
	if err != nil {
		return err
	}
	if err := c.directory.placeMessages(&c.joins, func(m int64) bool { return wanted[m] }, c.options.Include[sources.RecentlyDeleted]); err != nil {
		return err
	}
	return c.source.readEras(ctx, c.directory, stale, asJSON(rows))
}

// rowsOf are the messages that are linked to some chats.
func (c *collector) rowsOf(chats_ map[int64]bool) (rows []int64, set map[int64]bool, err error) {
	set = make(map[int64]bool)
	note := func(j join) {
		if chats_[j.other] && !set[j.message] {
			set[j.message] = true
			rows = append(rows, j.message)
		}
	}
	err = errors.Join(c.joins[chats].each(note), c.joins[recoverables].each(note))
	return rows, set, err
}

// suspectRowsOf has the rows of chats read in which others were than was known: somebody may have been forgotten who was
// alone with the owner.
func (c *collector) suspectRowsOf(changed map[int64]bool) error {
	for id, is := range changed {
		if !is {
			delete(changed, id)
		}
	}
	rows, _, err := c.rowsOf(changed)
	if err != nil {
		return err
	}
	rows = slices.DeleteFunc(rows, func(row int64) bool { return inRanges(c.suspects, row) })
	wanted := make(map[int64]bool, len(rows))
	for _, row := range rows {
		wanted[row] = true
	}
	c.damaged = slices.DeleteFunc(c.damaged, func(row int64) bool { return wanted[row] })
	c.suspect(rows)
	return nil
}

// batchRows is so many that handing them over costs nothing, and so few that they stay in the processor's cache.
const batchRows = 512

// fillRows reads and decodes the suspects on one side and stores them on the other.
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
	for range batches { // the reader ends before its source is used again
	}
	if len(c.summary.Unreadable) > 0 {
		tx.Incomplete()
	}
	slices.Sort(c.damaged)
	return errors.Join(storing, c.source.explain(reading))
}

// readRows sends what the suspects say, batch after batch.
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

// storeRows stores what batches say.
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

func (c *collector) noteUnknown(row int64, value string) {
	if c.unknown == nil {
		c.unknown = make(map[int64]string)
	}
	c.unknown[row] = value
}

// oldFate is what had become of a row.
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

// fatesOfForgotten are the fates of rows that the store leaves out.
var fatesOfForgotten = map[int]sources.Fate{messages.ForgottenMessage: sources.Messages, messages.ForgottenReaction: sources.Reactions, messages.ForgottenRemoval: sources.Removals}
