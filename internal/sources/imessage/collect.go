package imessage

import (
	"context"
	"errors"
	"maps"

	"go.uber.org/zap"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/imessage/sqlitepages"
)

// Collect makes the database match the source, in one transaction. It keeps the readable rows of a damaged source, and
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
	c := &collector{source: s, options: options, old: decodeState(data), unread: map[string][]sqlitepages.Range{}, unsettled: map[int64]bool{}}
	c.survey = c.startSurvey(ctx)
	var surveyError error // why what is known of an earlier collect is of no use
	if c.old != nil && c.survey() == nil {
		c.old, surveyError = nil, c.surveyError
	}
	if err = c.prepare(ctx); err == nil {
		err = s.checkUnchanged()
	}
	if err != nil {
		return c.summary, s.explain(err)
	}
	if c.isUnchanged() {
		held, err := db.Held(ctx, s.name)
		if err != nil || held.Gone == 0 || options.KeepGone { // otherwise the kept rows are removed now
			return c.unchanged(held), err
		}
	}
	if c.old == nil {
		options.Logger().Info("reading all rows: nothing is known of an earlier collect that says which may have changed", zap.NamedError("survey", surveyError))
	}
	c.summary.Outcome, err = db.Collect(ctx, options.KeepGone, func(tx *messages.Tx) error { return c.fill(ctx, tx) })
	if err == nil {
		c.settle()
	}
	return c.summary, err
}

// startSurvey surveys the pages of the source in the background. The function it returns waits for the result.
func (c *collector) startSurvey(ctx context.Context) func() map[string][]sqlitepages.Leaf {
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.leaves, c.surveyError = c.source.survey(ctx)
	}()
	return func() map[string][]sqlitepages.Leaf {
		<-done
		return c.leaves
	}
}

// prepare reads what determines which rows may have changed and which chats they belong to.
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

// isUnchanged reports whether the store already matches the source.
func (c *collector) isUnchanged() bool {
	return c.old != nil && len(c.suspects) == 0 && c.old.Include == c.options.Include && c.old.Rules == len(rules) &&
		maps.Equal(c.old.Handles, c.directory.handleSums()) && maps.Equal(c.old.Chats, c.directory.chatSums())
}

// unchanged returns the summary of a source that has not changed.
func (c *collector) unchanged(outcome messages.Outcome) sources.Summary {
	s := sources.Summary{Rows: settledRows(c.old.Rows, &outcome), Outcome: outcome, Unknown: countUnknown(c.old.Unknown)}
	s.Total = s.Rows.Sum()
	s.Damaged = sources.ListRows(c.old.Damaged)
	c.options.Progress(s.Total, s.Total)
	return s
}
