package messages

import (
	"cmp"
	"context"
	"database/sql"
	"path/filepath"
)

// WholeMessage as a TargetPart names a row as such: its first message.
const WholeMessage = -1

// Entry is a message on its way into the store.
type Entry struct {
	Source       int64 // from Writer.Source; 0 is one without a name, read whole
	Conversation int64 // from Writer.Conversation
	Row          int64
	GUID         string
	Part         int
	Place        int   // order in the row's body
	Date         int64 // nanoseconds since 1970 UTC
	Sender       string
	Kind         Kind
	Text         string
	Attachment   string
	Transcript   string
	File         FilePlace // of an attachment
	// TargetGUID and TargetPart name what a reply or a reaction answers. Where the row has no such part its first message
	// is meant, unless the row lost parts.
	TargetGUID string
	TargetPart int
	// Removal makes it the taking back of a reaction instead of a message; Text is the reaction, or empty if only known to
	// be some emoji.
	Removal bool
	// Shortened tells that other parts of the row were unsent.
	Shortened bool
}

// Outcome counts what became of the entries.
type Outcome struct {
	Messages      int64 // messages now in the store
	Conversations int64
	// LostReactions and LostRemovals were dropped because what they react to is not in the store.
	LostReactions, LostRemovals int64
	// Gone is how many rows of the last time are no longer in the source, nor in another; Kept says that they were kept.
	Gone int64
	Kept bool
	// Forgotten is how many messages stayed out because somebody was forgotten.
	Forgotten int64
}

// Writer takes all that one source, or several, hold now. What other sources gave stays.
type Writer struct {
	keeper
	handles
	ctx           context.Context
	path          string
	tx            *sql.Tx
	stage         *Inserter
	conversations map[string]int64
	rosters       []roster
	sources       sources
	names         map[string]string // of addresses
	partial       map[string]lesser
	fuller        bool // the store holds a better copy of some message than is added
	retracted     []string
	roots         map[string]int64
	order         *order
	present       *presence // nil if the store holds nothing that could be gone
	events        []Event
	versions      []Version
	incomplete    bool
	leftOut       *Inserter
	state         func(*Outcome) []byte
	key           string // of what is collected, as for SetCollected
	summary       func(*Outcome) []byte
	stateOf       int64          // the source whose state that is
	reread        map[int64]bool // sources whose last reading is forgotten
	outvoted      bool           // another source knows that a message was unsent
	lostAnswers   bool           // what the store held has lost what it answers

	forgottenRows     map[string]*forgottenRow // by identifier
	forgottenMessages int64
}

// roster is a conversation before it is known to have messages.
type roster struct {
	group     bool
	members   []rosterMember
	forgotten bool // nobody is there but who was forgotten
}

type rosterMember struct {
	handle int64
	absent bool
}

// The temporary tables of a replacement. What is staged is sorted into its final order at the end.
const createStage = `
CREATE TEMP TABLE stage (conversation INTEGER, date INTEGER, source_row INTEGER, place INTEGER, guid, part INTEGER,
  sender INTEGER, kind INTEGER, text TEXT, attachment TEXT, transcript TEXT, root INTEGER, path TEXT, target_guid, target_part INTEGER,
  removal INTEGER, shortened INTEGER, origin INTEGER, old INTEGER);
CREATE TEMP TABLE partial (guid PRIMARY KEY) WITHOUT ROWID;
CREATE TEMP TABLE shared (guid PRIMARY KEY, origin INTEGER) WITHOUT ROWID;
CREATE TEMP TABLE unanswered (stage INTEGER PRIMARY KEY);
CREATE TEMP TABLE number (stage INTEGER PRIMARY KEY, id INTEGER, target INTEGER);
`

const stageColumns = 19

// Replace makes the store hold, of the sources that fill names, what fill writes and nothing else, in one transaction:
// after an error it holds what it held before. With keepGone, messages of rows that fill does not report as Present stay.
func (db *DB) Replace(ctx context.Context, keepGone bool, fill func(*Writer) error) (Outcome, error) {
	if err := db.checkPolicy(ctx); err != nil {
		return Outcome{}, explain(db.path, err)
	}
	conn, err := db.sql.Conn(ctx) // temporary tables belong to one connection
	if err != nil {
		return Outcome{}, explain(db.path, err)
	}
	defer conn.Close()
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return Outcome{}, explain(db.path, err)
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, createStage); err != nil {
		return Outcome{}, explain(db.path, err)
	}
	stage, err := NewInserter(ctx, tx, "stage", stageColumns)
	if err != nil {
		return Outcome{}, explain(db.path, err)
	}
	defer stage.Close()
	leftOut, err := NewInserter(ctx, tx, "left_out", 5)
	if err != nil {
		return Outcome{}, explain(db.path, err)
	}
	defer leftOut.Close()
	files := &scratch{dir: filepath.Dir(db.path)}
	defer files.Close()
	w := &Writer{order: newOrder(files), keeper: newKeeper(db.policy), ctx: ctx, path: db.path, tx: tx, stage: stage, leftOut: leftOut, handles: newHandles([]string{Owner}),
		conversations: map[string]int64{}, names: map[string]string{}, partial: map[string]lesser{}, roots: map[string]int64{},
		reread: map[int64]bool{}, forgottenRows: map[string]*forgottenRow{}}
	if w.present, err = newPresence(ctx, tx, files); err != nil {
		return Outcome{}, explain(db.path, err)
	}
	if err := w.readSources(); err != nil {
		return Outcome{}, explain(db.path, err)
	}
	if err := fill(w); err != nil {
		return Outcome{}, err
	}
	outcome, err := w.finish(keepGone || w.incomplete)
	if err != nil {
		return Outcome{}, explain(db.path, err)
	}
	if err := tx.Commit(); err != nil {
		return Outcome{}, explain(db.path, err)
	}
	return outcome, nil
}

// Incomplete tells that the source could not be read to its end: what is not Present may still be there, and stays.
func (w *Writer) Incomplete() { w.incomplete = true }

// Present tells that the source still has this row, whether or not it becomes a message.
func (w *Writer) Present(guid string) error {
	if w.present != nil {
		return w.present.add(guid)
	}
	return nil
}

// lesser is where a message stands of which a source says less than before.
type lesser struct{ conversation, row, date int64 }

// Partial tells that the source says less of the message of an entry than it may have said before: what the store holds of
// it stays, at the place that the entry has now, and what is added of it is taken only where the store holds nothing.
func (w *Writer) Partial(e *Entry) { w.partial[e.GUID] = lesser{e.Conversation, e.Row, e.Date} }

// Conversation returns the number of the conversation of these members (without the owner), each once or more. Order
// counts only between those who are there and those who are absent.
func (w *Writer) Conversation(group bool, members []Member) int64 {
	number := func(address string) int64 { return w.handle(cmp.Or(w.standIn(address), address)) }
	list := canonical(members, number, w.address)
	key := rosterKey(group, list)
	id, known := w.conversations[key]
	if !known {
		w.rosters = append(w.rosters, roster{group, list, w.onlyForgotten(members)})
		id = int64(len(w.rosters))
		w.conversations[key] = id
	}
	return id
}

// Name tells what a source calls the person of an address.
func (w *Writer) Name(address, name string) {
	if name != "" && name != address {
		w.names[address] = name
	}
}

// Add stages one message or removal.
func (w *Writer) Add(e *Entry) error {
	origin, err := w.originOf(e)
	if err != nil {
		return err
	}
	return w.add(e, origin, false)
}

// add stages an entry that the sources of origin hold; old tells that it is in the store already.
func (w *Writer) add(e *Entry, origin int64, old bool) error {
	if w.isForgotten(e) {
		w.forget(e)
		return nil
	}
	e = w.redacted(e)
	var target any
	if e.TargetGUID != "" {
		target = packGUID(e.TargetGUID)
		if err := w.order.answers.add(answer{sumOf(e.TargetGUID), uint32(w.order.entries.count()), int32(e.TargetPart), flagsOf(e, old)}); err != nil {
			return explain(w.path, err)
		}
	}
	err := w.order.entries.add(staged{date: e.Date, row: e.Row, guid: sumOf(e.GUID), conversation: int32(e.Conversation), part: int32(e.Part),
		place: int32(e.Place), flags: flagsOf(e, old)})
	if err != nil {
		return explain(w.path, err)
	}
	err = w.stage.Add(e.Conversation, e.Date, e.Row, e.Place, packGUID(e.GUID), e.Part,
		w.handle(e.Sender), int64(e.Kind), e.Text, nullable(e.Attachment), nullable(e.Transcript), w.root(&e.File), nullable(e.File.shortened(e.Text)),
		target, e.TargetPart, e.Removal, e.Shortened, origin, old)
	if err != nil {
		return explain(w.path, err)
	}
	return nil
}

func nullable(s string) any {
	if s == "" {
		return nil
	}
	return s
}
