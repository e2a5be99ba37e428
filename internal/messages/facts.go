package messages

import (
	"database/sql"
	"slices"
)

// factsOf returns the event and the versions of a row, after the policy has been applied.
func (t *Tx) factsOf(r *Row, forgotten bool) (event *Event, versions []Version) {
	if r.Event != nil {
		e := *r.Event
		if t.keepEvent(&e) {
			event = &e
		}
	}
	if forgotten {
		return event, nil
	}
	versions = slices.Clone(r.Versions)
	for i := range versions {
		versions[i].Text = todaysEmoji(t.text(versions[i].Text))
	}
	return event, versions
}

// sameFacts reports whether the file holds the event and the versions of a row, given its records. Only rows that became
// no message have an event, and a record has a bit for versions.
func (t *Tx) sameFacts(r *Row, forgotten bool, old []record) (bool, error) {
	event, versions := t.factsOf(r, forgotten)
	if len(old) == 0 {
		return event == nil && len(versions) == 0, nil
	}
	guid := packGUID(r.GUID)
	if event != nil || old[0].kind == leftOut {
		if same, err := t.sameEvent(r.Source, guid, event); err != nil || !same {
			return false, err
		}
	}
	if len(versions) == 0 {
		return true, nil // sameRecords reports whether there were any
	}
	return t.sameVersions(r.Source, guid, versions)
}

func (t *Tx) sameEvent(source int64, guid any, event *Event) (bool, error) {
	var events []Event
	err := t.query(`SELECT source_row, date, chat, kind, actor, coalesce(subject, ''), coalesce(text, '') FROM event WHERE source = ? AND guid = ?`, func(rows *sql.Rows) error {
		var e Event
		var row int64
		err := rows.Scan(&row, &e.Date, &e.Chat, &e.Kind, &e.Actor, &e.Subject, &e.Text)
		events = append(events, e)
		return err
	}, source, guid)
	if err != nil || event == nil && len(events) > 0 || event != nil && (len(events) != 1 || events[0] != *event) {
		return false, err
	}
	return true, nil
}

func (t *Tx) sameVersions(source int64, guid any, versions []Version) (bool, error) {
	var stored []Version
	err := t.query(`SELECT part, number, date, text FROM version WHERE source = ? AND guid = ? ORDER BY part, number`, func(rows *sql.Rows) error {
		var v Version
		err := rows.Scan(&v.Part, &v.Number, &v.Date, &v.Text)
		stored = append(stored, v)
		return err
	}, source, guid)
	return slices.Equal(stored, versions), err
}

// writeFacts replaces the event and the versions of a row.
func (t *Tx) writeFacts(r *Row, old []record, forgotten bool) error {
	if len(old) > 0 {
		for _, guid := range []string{old[0].guid, r.GUID} {
			if err := t.removeFacts(r.Source, guid); err != nil {
				return err
			}
		}
	}
	event, versions := t.factsOf(r, forgotten)
	if event == nil && len(versions) == 0 {
		return nil
	}
	guid := packGUID(r.GUID)
	if e := event; e != nil {
		err := t.run(`INSERT OR REPLACE INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`, r.Source, guid, r.Row, e.Date, e.Chat, e.Kind, e.Actor,
			nullable(e.Subject), nullable(e.Text))
		if err != nil {
			return err
		}
	}
	for _, v := range versions {
		if err := t.run(`INSERT OR REPLACE INTO version VALUES (?, ?, ?, ?, ?, ?)`, r.Source, guid, v.Part, v.Number, v.Date, v.Text); err != nil {
			return err
		}
	}
	return nil
}

// removeFacts deletes the event and the versions of a row.
func (t *Tx) removeFacts(source int64, guid string) error {
	packed := packGUID(guid)
	if err := t.run(`DELETE FROM event WHERE source = ? AND guid = ?`, source, packed); err != nil {
		return err
	}
	return t.run(`DELETE FROM version WHERE source = ? AND guid = ?`, source, packed)
}
