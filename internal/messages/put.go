package messages

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Put stores a row of a source, in place of what the file held of it.
func (t *Tx) Put(r *Row) (Change, error) {
	if err := t.ctx.Err(); err != nil {
		return Change{}, err
	}
	change, err := t.putRow(r)
	return change, t.wrong(err)
}

func (t *Tx) putRow(r *Row) (change Change, err error) {
	o := t.sources[r.Source]
	if o == nil || !o.opened {
		return change, unknownSource(r.Source)
	}
	if o.extent == Numbered && (r.Row < 0 || r.Row > LastRow) {
		return change, fmt.Errorf("row %d of %s is out of range", r.Row, o.name)
	}
	key := t.keyOf(o, r)
	twice := o.see(key, r.Row)
	if len(r.Parts) > 0 {
		o.some, o.first, o.last = true, min(o.first, r.Date), max(o.last, r.Date)
	}
	change.Forgotten = t.isForgotten(r)
	new := t.recordsOf(o, key, r, change.Forgotten)
	if change.Forgotten && o.extent != Numbered {
		t.forgotten += int64(len(r.Parts))
		new = nil
	}
	if r.Retracted {
		if err := t.retract(r.GUID); err != nil {
			return change, err
		}
	}
	var old []record
	if twice || !o.isNew {
		if old, err = t.readRecords(key); err != nil {
			return change, err
		}
	}
	if r.Partial && len(old) > 0 && !change.Forgotten {
		return change, t.placePartial(key, new, old, r, o)
	}
	if len(old) > 0 {
		change.Old = t.oldRow(old)
	}
	same, err := t.sameFacts(r, change.Forgotten, old)
	if err != nil {
		return change, err
	}
	if o.hasHashed {
		if err := t.takeOver(o, key, r, new); err != nil {
			return change, err
		}
	}
	if change.Changed = !same || !sameRecords(old, new); !change.Changed {
		return change, t.touchLine(key, new)
	}
	return change, t.replace(o, key, r, old, new, change.Forgotten)
}

// keyOf returns the key of a row that is put.
func (t *Tx) keyOf(o *origin, r *Row) int64 {
	if o.extent == Numbered {
		return rowKey(o.id, r.Row)
	}
	return guidKey(o.id, r.GUID)
}

// replace writes the records of a row in place of the old ones.
func (t *Tx) replace(o *origin, key int64, r *Row, old, new []record, forgotten bool) error {
	if len(old) > 0 {
		if old[0].guid != r.GUID {
			if err := t.leave(o, key, old[0].guid); err != nil {
				return err
			}
		}
		if err := t.remove(key, old); err != nil {
			return err
		}
	}
	if err := t.touch(o, key, old, new); err != nil {
		return err
	}
	if err := t.insert(new); err != nil {
		return err
	}
	if err := t.noteTarget(key, r, new); err != nil {
		return err
	}
	if err := t.writeFacts(r, old, forgotten); err != nil {
		return err
	}
	return t.arrive(o, key, r.GUID)
}

// touch records that a row has changed.
func (t *Tx) touch(o *origin, key int64, old, new []record) error {
	if !o.isNew {
		if t.changed[key] = true; len(new) > 0 {
			t.put[sumOf(new[0].guid)] = true
		}
	}
	if !t.bulk {
		if err := t.run(`INSERT OR IGNORE INTO touched VALUES (?)`, key); err != nil {
			return err
		}
	}
	if !t.several {
		return nil
	}
	for _, list := range [][]record{old, new} {
		if len(list) > 0 {
			if err := t.run(`INSERT OR IGNORE INTO touched_guid VALUES (?)`, packGUID(list[0].guid)); err != nil {
				return err
			}
		}
	}
	return nil
}

// recordsOf returns the records of a row: one for each part, or a single one for a row that was left out.
func (t *Tx) recordsOf(o *origin, key int64, r *Row, forgotten bool) []record {
	base := record{chat: r.Chat, date: r.Date, guid: r.GUID}
	if o.extent != Numbered {
		base.line = optional(lineOf(t.collect, r.Row))
	}
	if forgotten {
		return forgottenRecord(key, r)
	}
	base.sender = t.handle(cmp.Or(t.standIn(r.Sender), r.Sender)) // a row that is left out may be from a forgotten person
	if len(r.Parts) == 0 {
		if o.extent != Numbered {
			return nil
		}
		base.id, base.kind, base.part = key, leftOut, int64(r.LeftOut)
		return []record{base}
	}
	if r.Shortened {
		base.state |= shortened
	}
	if r.Partial || r.Derived {
		base.state |= partial
	}
	if len(r.Versions) > 0 {
		base.state |= edited
	}
	if r.TargetGUID != "" {
		target := guidKey(o.id, r.TargetGUID)
		if r.TargetRow > 0 && o.extent == Numbered {
			target = rowKey(o.id, r.TargetRow)
		}
		base.target, base.targetPart, base.quote = optional(target), optional(int64(r.TargetPart)), optional(target)
	}
	parts := foldParts(r.Parts)
	list := make([]record, len(parts))
	for i := range parts {
		p := t.redacted(&parts[i])
		e := base
		e.id, e.part, e.kind, e.text = key+int64(i), int64(p.Number), int64(p.Kind), p.Text
		if !p.Kind.IsAttachment() {
			e.text = todaysEmoji(p.Text)
		}
		if r.Removal {
			e.kind = removalKind
		}
		if p.Attachment != "" {
			e.attachment, e.transcript, e.root, e.path = p.Attachment, p.Transcript, t.root(&p.File), p.File.shortened(p.Text)
			if e.path == "" {
				e.root = 0
			}
		}
		list[i] = e
	}
	return list
}

// foldParts joins the texts of parts beyond the maximum to the last part.
func foldParts(parts []Part) []Part {
	if len(parts) <= MostParts {
		return parts
	}
	folded := slices.Clone(parts[:MostParts])
	words := make([]string, 0, len(parts)-MostParts+1)
	for _, p := range parts[MostParts-1:] {
		words = append(words, p.Text)
	}
	folded[MostParts-1].Text = strings.Join(words, "\n")
	return folded
}

// placePartial keeps what the file holds of a row that an export states only partly, at its new position.
func (t *Tx) placePartial(key int64, new, old []record, r *Row, o *origin) error {
	line := lineOf(t.collect, r.Row)
	if old[0].chat != r.Chat || old[0].date != r.Date {
		if err := t.touch(o, key, old, new); err != nil {
			return err
		}
	}
	return t.run(`UPDATE message SET chat = ?, date = ?, line = ? WHERE id BETWEEN ? AND ?`, r.Chat, r.Date, line, key, lastID(key))
}

// touchLine records the collect that last put an export's row: of its copies it is the latest.
func (t *Tx) touchLine(key int64, new []record) error {
	if len(new) == 0 || !new[0].line.Valid {
		return nil
	}
	if t.several {
		if err := t.run(`INSERT OR IGNORE INTO touched_guid VALUES (?)`, packGUID(new[0].guid)); err != nil {
			return err
		}
	}
	return t.run(`UPDATE message SET line = ? WHERE id BETWEEN ? AND ?`, new[0].line.Int64, key, lastID(key))
}

// takeOver deletes the kept copy of a numbered row that the source has again, and points its replies at the row.
func (t *Tx) takeOver(o *origin, key int64, r *Row, new []record) error {
	hashed := guidKey(o.id, r.GUID)
	old, err := t.readRecords(hashed)
	if err != nil || len(old) == 0 {
		return err
	}
	if err := t.touch(o, hashed, old, new); err != nil {
		return err
	}
	if err := t.remove(hashed, old); err != nil {
		return err
	}
	if err := t.removeFacts(o.id, r.GUID); err != nil {
		return err
	}
	t.ahead.forget()
	return t.run(`UPDATE message SET target = ? WHERE target = ?`, key, hashed)
}
