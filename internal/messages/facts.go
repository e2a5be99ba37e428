package messages

// factTables keep what is known of messages and conversations beside what becomes lines.
const factTables = `
CREATE TABLE event (source INTEGER NOT NULL, guid NOT NULL, source_row INTEGER NOT NULL, date INTEGER NOT NULL,
  chat INTEGER NOT NULL, kind TEXT NOT NULL, actor TEXT NOT NULL, subject TEXT, text TEXT,
  PRIMARY KEY (source, guid)) WITHOUT ROWID;
CREATE TABLE version (source INTEGER NOT NULL, guid NOT NULL, part INTEGER NOT NULL, number INTEGER NOT NULL,
  date INTEGER NOT NULL, text TEXT NOT NULL, PRIMARY KEY (source, guid, part, number)) WITHOUT ROWID;
`

// Event is something that happened to a conversation and is no message: who joined, what it was called.
type Event struct {
	Source  int64 // from Writer.Source
	GUID    string
	Row     int64
	Date    int64  // nanoseconds since 1970 UTC
	Chat    int64  // the source's number of the conversation
	Kind    string // "added", "renamed", …
	Actor   string // who did it: an address, or Owner
	Subject string // to whom, "" for nobody
	Text    string // the new name
}

// Version is the text of a part of an edited message as it once was; the last version is what the message says.
type Version struct {
	Source int64 // from Writer.Source
	GUID   string
	Part   int
	Number int   // from 0, the oldest
	Date   int64 // nanoseconds since 1970 UTC
	Text   string
}

// AddEvent takes an event.
func (w *Writer) AddEvent(e Event) { w.events = append(w.events, e) }

// AddVersion takes a version of an edited message.
func (w *Writer) AddVersion(v Version) { w.versions = append(w.versions, v) }

// clearFacts drops the events and versions of the sources that are collected.
func (w *Writer) clearFacts() error {
	for source := range w.sources.open {
		for _, statement := range []string{`DELETE FROM event WHERE source = ?`, `DELETE FROM version WHERE source = ?`} {
			if _, err := w.tx.ExecContext(w.ctx, statement, source); err != nil {
				return err
			}
		}
	}
	return nil
}

// writeFacts writes the events and versions; with keepGone those of earlier times stay that are not told anew.
func (w *Writer) writeFacts(keepGone bool) error {
	if !keepGone {
		if err := w.clearFacts(); err != nil {
			return err
		}
	}
	for _, e := range w.events {
		_, err := w.tx.ExecContext(w.ctx, `INSERT OR REPLACE INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`, e.Source, packGUID(e.GUID),
			e.Row, e.Date, e.Chat, e.Kind, e.Actor, nullable(e.Subject), nullable(e.Text))
		if err != nil {
			return err
		}
	}
	for _, v := range w.versions {
		_, err := w.tx.ExecContext(w.ctx, `INSERT OR REPLACE INTO version VALUES (?, ?, ?, ?, ?, ?)`, v.Source, packGUID(v.GUID), v.Part,
			v.Number, v.Date, v.Text)
		if err != nil {
			return err
		}
	}
	return nil
}
