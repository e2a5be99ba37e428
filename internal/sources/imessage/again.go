package imessage

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"math"
	"slices"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/imessage/sqlitepages"
)

// everything is all rows of a table.
var everything = sqlitepages.Range{First: math.MinInt64, Last: math.MaxInt64}

// again collects what has changed since an earlier collection; done is false if the source must be read as a whole.
func (c *collector) again(ctx context.Context, db *messages.DB) (done bool, err error) {
	reading, err := db.Reading(ctx, c.source.name)
	if err != nil {
		return false, err
	}
	old := decodeState(reading.State, c.options.Include)
	if old == nil {
		return false, nil
	}
	a := renewal{collector: c, db: db, old: old, reading: reading, leaves: c.source.survey(ctx), renewed: map[int64]bool{}, shaken: map[int64]bool{}}
	if a.leaves == nil {
		return false, ctx.Err()
	}
	if c.directory, err = c.source.readDirectory(ctx); err != nil {
		return false, err
	}
	if !holds(old.Handles, c.directory.handleSums()) {
		return false, nil
	}
	c.directory.useEras(old.Eras)
	err = a.run(ctx)
	if errors.Is(err, messages.ErrRewrite) || isDamage(err) {
		return false, nil
	}
	return err == nil, err
}

// renewal is a collection of what has changed.
type renewal struct {
	*collector
	ctx                          context.Context
	db                           *messages.DB
	old                          *state
	reading                      messages.Reading
	leaves                       map[string][]sqlitepages.Leaf
	links, attached, recoverable joinList
	suspects                     []sqlitepages.Range
	news                         bool           // of chats or handles, though they may have no messages
	relinked                     []int64        // messages that stand in other chats than they did
	rows                         map[int64]row  // that were read, by number
	renewed                      map[int64]bool // chats of which everything is read anew
	shaken                       map[int64]bool // groups in which others may have been at some time than was known
}

func (a *renewal) run(ctx context.Context) error {
	a.ctx = ctx
	if err := a.findSuspects(); err != nil {
		return err
	}
	chats, handles := differing(a.old.Chats, a.directory.chatSums()), differing(a.old.Handles, a.directory.handleSums())
	if !a.reading.Current && len(a.suspects)+len(chats)+len(handles) > 0 {
		return messages.ErrRewrite
	}
	a.news = len(chats)+len(handles) > 0
	if err := a.renew(chats); err != nil {
		return err
	}
	for {
		err := a.amend()
		if !errors.Is(err, errShaken) {
			return err
		}
		if err := a.renew(a.shaken); err != nil {
			return err
		}
	}
}

// errShaken says that some groups must be read as a whole: who was in them when may be different now.
var errShaken = errors.New("groups have changed")

// renew has all messages of some chats read, and works out anew who was in them when.
func (a *renewal) renew(chats map[int64]bool) error {
	if len(chats) == 0 {
		return nil
	}
	var rows []int64
	note := func(j join) {
		if chats[j.other] {
			rows = append(rows, j.message)
		}
	}
	if err := errors.Join(a.links.each(note), a.recoverable.each(note)); err != nil {
		return err
	}
	if len(rows) > a.mostSuspects() {
		return messages.ErrRewrite
	}
	var list []*chat
	for id := range chats {
		a.renewed[id] = true
		if c := a.directory.chats[id]; c != nil {
			list = append(list, c)
		}
	}
	a.suspect(rows)
	wanted := make(map[int64]bool, len(rows))
	for _, row := range rows {
		wanted[row] = true
	}
	if err := a.placeThem(wanted); err != nil {
		return err
	}
	a.shaken = map[int64]bool{}
	return a.source.readErasOf(a.ctx, a.directory, list, asJSON(rows))
}

// suspect adds rows to those that may have changed.
func (a *renewal) suspect(rows []int64) {
	for _, row := range rows {
		a.suspects = append(a.suspects, sqlitepages.Range{First: row, Last: row})
	}
	a.suspects = sqlitepages.Union(a.suspects)
}

// findSuspects finds the messages of which anything may have changed.
func (a *renewal) findSuspects() error {
	changed := make(map[string][]sqlitepages.Range)
	for i, table := range surveyed {
		before, _, err := sqlitepages.ParseLeaves(a.old.Leaves[i])
		if err != nil {
			return messages.ErrRewrite
		}
		changed[table] = sqlitepages.Changed(before, a.leaves[table])
	}
	var rows, more []int64
	var err error
	oldLinks, oldAttached := joinList{data: a.old.Links}, joinList{data: a.old.Attached}
	if a.links, rows, err = oldLinks.renew(a.ctx, a.source, chatJoin, changed[chatJoin.name]); err != nil {
		return err
	}
	a.relinked = slices.Clone(rows)
	if a.attached, more, err = oldAttached.renew(a.ctx, a.source, attachmentJoin, changed[attachmentJoin.name]); err != nil {
		return err
	}
	rows = append(rows, more...)
	oldRecoverable := joinList{data: a.old.Recoverable}
	if a.recoverable, more, err = oldRecoverable.renew(a.ctx, a.source, recoverableJoin, []sqlitepages.Range{everything}); err != nil {
		return err
	}
	rows = append(rows, more...)
	a.relinked = append(a.relinked, more...)
	if files := changed["attachment"]; len(files) > 0 {
		err = a.attached.each(func(j join) {
			if inRanges(files, j.other) {
				rows = append(rows, j.message)
			}
		})
		if err != nil {
			return err
		}
	}
	a.suspects = changed["message"]
	a.suspect(rows)
	return nil
}

// amend brings the store up to date with the suspects.
func (a *renewal) amend() error {
	a.summary = sources.Summary{Rows: a.old.Rows, Outcome: a.reading.Outcome}
	a.damaged, a.unknown, a.rows = nil, nil, map[int64]row{}
	for _, row := range a.old.Damaged {
		if !inRanges(a.suspects, row) {
			a.damaged = append(a.damaged, row)
		}
	}
	for row, value := range a.old.Unknown {
		if !inRanges(a.suspects, row) {
			a.note(&told{id: row, unknown: value})
		}
	}
	err := a.source.stay()
	if err == nil && (len(a.suspects) > 0 || a.news) {
		err = a.amendSuspects()
	}
	if err != nil {
		return err
	}
	a.summary.Total = a.summary.Rows.Sum()
	a.summary.Damaged = sources.ListRows(a.damaged)
	a.summary.Unknown = countUnknown(a.unknown)
	a.options.Progress(a.summary.Total, a.summary.Total)
	return nil
}

func (a *renewal) amendSuspects() error {
	told, err := a.readRanges(a.suspects)
	if err != nil {
		return err
	}
	if err := a.checkRelinked(); err != nil {
		return err
	}
	ranges := make([]messages.Range, len(a.suspects))
	for i, r := range a.suspects {
		ranges[i] = messages.Range{First: r.First, Last: r.Last}
	}
	a.summary.Read = int64(len(told))
	list := make([]messages.Told, len(told))
	for i := range told {
		a.note(&told[i].told)
		list[i] = told[i].forStore()
	}
	slices.Sort(a.damaged)
	outcome, err := a.db.Amend(a.ctx, a.source.name, ranges, list, a, a.check, a.state)
	if err == nil {
		a.summary.Outcome = outcome
	}
	return err
}

// mostSuspects is how many of the rows may have changed for it to be less work than reading all of them; and they must
// fit into memory, as all that is stored need not.
func (a *renewal) mostSuspects() int {
	return 1000 + int(min(a.old.Rows.Sum()/5, 50_000))
}

// read is what a row told, with its entries.
type read struct {
	told
	entries []messages.Entry
}

func (r *read) forStore() messages.Told {
	t := messages.Told{Row: r.id, GUID: r.guid, Date: r.date, Sender: r.sender, Entries: r.entries, Why: int(r.fate), Event: r.event, Versions: r.versions,
		Retracted: r.fate == sources.Unsent}
	if r.era != nil {
		t.Group, t.Members = r.era.group, r.era.members
	}
	t.Shortened = len(r.entries) > 0 && r.entries[0].Shortened
	return t
}

// readRanges reads the rows of the ranges.
func (a *renewal) readRanges(ranges []sqlitepages.Range) ([]read, error) {
	var rows []row
	for _, r := range ranges {
		err := a.source.each(a.ctx, a.source.selectRows()+" WHERE ROWID BETWEEN ? AND ?", func(v record) error {
			if rows = append(rows, scanRow(v)); len(rows) > a.mostSuspects() {
				return messages.ErrRewrite
			}
			return nil
		}, r.First, r.Last)
		if err != nil {
			return nil, err
		}
	}
	return a.tell(rows)
}

// numbersIn is what a query is given to look up many rows at once.
const numbersIn = ` IN (SELECT value FROM json_each(?))`

func asJSON(list any) driver.Value {
	data, err := json.Marshal(list)
	if err != nil {
		return "[]"
	}
	return string(data)
}

// tell works out what rows tell.
func (a *renewal) tell(rows []row) ([]read, error) {
	ids := make([]int64, len(rows))
	wanted := make(map[int64]bool, len(rows))
	for i := range rows {
		ids[i] = rows[i].id
		wanted[ids[i]] = true
		a.rows[ids[i]] = rows[i].bare()
	}
	if err := a.placeThem(wanted); err != nil {
		return nil, err
	}
	files, err := a.source.readAttachments(a.ctx, asJSON(ids))
	if err != nil {
		return nil, err
	}
	list := make([]read, 0, len(rows))
	for i := range rows {
		var b batch
		a.read(&rows[i], files[rows[i].id], &b)
		list = append(list, read{b.rows[0], b.entries})
	}
	return list, nil
}

// placeThem finds the chats of messages.
func (a *renewal) placeThem(wanted map[int64]bool) error {
	d := a.directory
	gone := make(map[join]bool)
	err := a.recoverable.each(func(j join) {
		if !wanted[j.message] {
			return
		}
		if a.options.Include[sources.RecentlyDeleted] {
			d.place(j.message, d.chats[j.other])
			return
		}
		gone[join{0, j.message, j.other}], d.deleted[j.message] = true, true
	})
	if err != nil {
		return err
	}
	return a.links.each(func(j join) {
		if wanted[j.message] && !gone[join{0, j.message, j.other}] {
			d.place(j.message, d.chats[j.other])
		}
	})
}

// Read returns what rows tell, for the store.
func (a *renewal) Read(ids []int64) ([]messages.Told, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var rows []row
	err := a.source.each(a.ctx, a.source.selectRows()+" WHERE ROWID"+numbersIn, func(v record) error {
		rows = append(rows, scanRow(v))
		return nil
	}, asJSON(ids))
	if err != nil {
		return nil, err
	}
	told, err := a.tell(rows)
	list := make([]messages.Told, len(told))
	for i := range told {
		list[i] = told[i].forStore()
	}
	return list, err
}

// Find returns the row ids of identifiers, for the store.
func (a *renewal) Find(guids []string) (map[string]int64, error) {
	found := make(map[string]int64, len(guids))
	if len(guids) == 0 {
		return found, nil
	}
	err := a.source.each(a.ctx, "SELECT guid, ROWID FROM message WHERE guid"+numbersIn, func(r record) error {
		found[r.text(0)] = r.int(1)
		return nil
	}, asJSON(guids))
	return found, err
}
