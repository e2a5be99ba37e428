package messages

import (
	"database/sql"
	"slices"
	"strings"
)

// SourceNames returns the names of the sources that begin with prefix, sorted.
func (t *Tx) SourceNames(prefix string) (names []string) {
	for _, o := range t.sources {
		if strings.HasPrefix(o.name, prefix) {
			names = append(names, o.name)
		}
	}
	slices.Sort(names)
	return names
}

// Holds reports which of some messages, by their identifiers, the file holds of an export.
func (t *Tx) Holds(source string, guids []string) (held []bool, err error) {
	held = make([]bool, len(guids))
	o := t.sourceNamed(source)
	if o == nil {
		return held, nil
	}
	if err := t.flush(); err != nil {
		return nil, t.wrong(err)
	}
	for i, guid := range guids {
		n, err := t.integer(`SELECT EXISTS (SELECT 1 FROM message WHERE id = ?)`, guidKey(o.id, guid))
		if err != nil {
			return nil, t.wrong(err)
		}
		held[i] = n != 0
	}
	return held, nil
}

// HoldsTexts returns how many of some texts occur among the messages of a source.
func (t *Tx) HoldsTexts(source string, texts map[string]bool) (n int, err error) {
	o := t.sourceNamed(source)
	if o == nil {
		return 0, nil
	}
	if err := t.flush(); err != nil {
		return 0, t.wrong(err)
	}
	found := map[string]bool{}
	err = t.query(`SELECT m.text FROM message m JOIN chat c ON c.id = m.chat WHERE c.source = ? AND m.text <> ''`, func(rows *sql.Rows) error {
		var text string
		if err := rows.Scan(&text); err != nil {
			return err
		}
		if texts[text] {
			found[text] = true
		}
		return nil
	}, o.id)
	return len(found), t.wrong(err)
}

// Called returns the addresses of the members of a source's chats that sources call by a name, sorted.
func (t *Tx) Called(source, name string) (addresses []string, err error) {
	o := t.sourceNamed(source)
	if o == nil {
		return nil, nil
	}
	err = t.query(`SELECT DISTINCT h.address FROM handle h JOIN member m ON m.handle = h.id JOIN period p ON p.id = m.period JOIN chat c ON c.id = p.chat
		WHERE c.source = ? AND h.name = ?`, func(rows *sql.Rows) error {
		var address string
		err := rows.Scan(&address)
		addresses = append(addresses, address)
		return err
	}, o.id, name)
	slices.Sort(addresses)
	return addresses, t.wrong(err)
}
