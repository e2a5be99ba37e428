package sources

import (
	"cmp"
	"context"
	"fmt"

	"go.uber.org/zap"

	"ventriloquist/internal/messages"
)

// Export is a Source backed by a Reader.
type Export struct {
	Reader
	// Key, if not empty, identifies the export's files: an export that was collected under this Key is not read again.
	Key string
}

var exportFates = []Fate{Messages, Continued, Reactions, LostTarget, Events, Deleted, Omitted, Broadcast, Duplicates, NoSender, NoChat, NeverSent, Removals, Empty,
	UnknownKind, Envelope, Unread}

// Fates are the possible fates of a line.
func (e Export) Fates() []Fate { return exportFates }

// Collect makes the database hold what the export holds, unless it already does.
func (e Export) Collect(ctx context.Context, db *messages.DB, o Options) (Summary, error) {
	if e.Key != "" {
		if known, ok, err := unchanged(ctx, db, e.Key); ok || err != nil {
			o.Logger().Info("the export is unchanged since its last collect", zap.Int64("units", known.Total))
			return known, err
		}
	}
	var summary Summary
	people := known{own: map[string]int64{}}
	outcome, err := db.Collect(ctx, o.KeepGone, func(tx *messages.Tx) (err error) {
		c := collector{ctx: ctx, store: newStore(tx), summary: &summary, progress: o.Progress, noted: map[string]noted{}, known: people}
		sink, finish := Undated(&c)
		if summary.Total, err = e.Read(ctx, sink); err == nil {
			err = finish()
		}
		err = cmp.Or(c.store.close(), err)
		people = c.known
		c.tell(tx)
		if e.Key != "" {
			tx.SetCollected(e.Key, func(outcome *messages.Outcome) []byte { return summary.withOutcome(outcome).encode() })
		}
		return err
	})
	if err != nil {
		return summary, err
	}
	summary = *summary.withOutcome(&outcome)
	o.Logger().Info("read the export", zap.Int64("units", summary.Total), zap.Int64("messages", summary.Messages), zap.Int64("gone", summary.Gone))
	if err := e.keepPeople(ctx, db, &people); err != nil {
		return summary, err
	}
	if sum := summary.Rows.Sum(); sum != summary.Total {
		return summary, fmt.Errorf("%s: %d of %d %s were accounted for: please report this", e.Path(), sum, summary.Total, e.Unit())
	}
	return summary, nil
}

// keepPeople stores the addresses that the export attributes to the owner, with how many messages do so, and those that it
// attributes to one person.
func (e Export) keepPeople(ctx context.Context, db *messages.DB, k *known) error {
	var list []messages.OwnAddress
	for address, count := range k.own {
		list = append(list, messages.OwnAddress{Address: address, Place: e.Path(), Messages: count})
	}
	if len(list) == 0 && len(k.same) == 0 {
		return nil
	}
	return db.KeepIdentities(ctx, list, k.same)
}

// withOutcome returns the summary with the database's results.
func (s *Summary) withOutcome(outcome *messages.Outcome) *Summary {
	whole := *s
	whole.Outcome, whole.Read, whole.Changed = *outcome, s.Total, s.Total
	whole.Rows[Reactions] -= outcome.LostReactions
	whole.Rows[LostTarget] += outcome.LostReactions
	return &whole
}

// collector is a Sink that stores messages.
type collector struct {
	ctx        context.Context
	store      *store
	summary    *Summary
	progress   func(done, total int64)
	names      map[string]string // of addresses
	incomplete bool
	noted      map[string]noted
	known
}

// known is what an export states about people.
type known struct {
	own  map[string]int64 // how many messages attribute an address to the owner
	same []messages.SamePerson
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
	return c.store.put(m, m.Partial)
}

// Seen takes a message whose content the export omits entirely: the content from an earlier export stays.
func (c *collector) Seen(m *Message) error {
	seen := *m
	seen.Parts = nil
	return c.store.put(&seen, true)
}

func (c *collector) Err() error { return c.store.err() }

// tell passes on what was read besides messages.
func (c *collector) tell(tx *messages.Tx) {
	if c.incomplete {
		tx.Incomplete()
	}
	for address, name := range c.names {
		tx.Name(address, name)
	}
}

func (c *collector) Count(f Fate, n int64) { c.summary.Rows[f] += n }

func (c *collector) Collected(prefix string) []string { return c.store.wait().SourceNames(prefix) }

func (c *collector) Holds(source string, guids []string) ([]bool, error) {
	return c.store.wait().Holds(source, guids)
}

func (c *collector) HoldsTexts(source string, texts map[string]bool) (int, error) {
	return c.store.wait().HoldsTexts(source, texts)
}

func (c *collector) Called(source, name string) ([]string, error) {
	return c.store.wait().Called(source, name)
}

// listedDamage is the maximum number of damaged spots that are named.
const listedDamage = 20

func (c *collector) Unreadable(what string, units int64) {
	c.incomplete = true
	c.summary.Rows[Unread] += units
	switch n := len(c.summary.Unreadable); {
	case n < listedDamage:
		c.summary.Unreadable = append(c.summary.Unreadable, what)
	case n == listedDamage:
		c.summary.Unreadable = append(c.summary.Unreadable, "and more")
	}
}

func (c *collector) Own(address string) { c.own[address]++ }

func (c *collector) Same(address, other string) {
	c.same = append(c.same, messages.SamePerson{Address: address, Person: other}, messages.SamePerson{Address: other, Person: other})
}

func (c *collector) Name(address, name string) {
	if name == "" || name == address {
		return
	}
	if c.names == nil {
		c.names = make(map[string]string)
	}
	c.names[address] = name
}

// listedNotes is the maximum number of notes of one form.
const listedNotes = 20

// noted counts the notes of one form.
type noted struct {
	count int
	last  int    // the place of the last one that is listed
	note  string // its text
}

// Note adds a note. Of many of one form, the first ones are listed, and the last of these says how many more there are.
func (c *collector) Note(format string, args ...any) {
	n := c.noted[format]
	if n.count++; n.count <= listedNotes {
		n.last, n.note = len(c.summary.Notes), fmt.Sprintf(format, args...)
		c.summary.Notes = append(c.summary.Notes, n.note)
	} else {
		c.summary.Notes[n.last] = fmt.Sprintf("%s (and %d more such notes)", n.note, n.count-listedNotes)
	}
	c.noted[format] = n
}

func (c *collector) Progress(done, total int64) {
	if c.progress != nil {
		c.progress(done, total)
	}
}
