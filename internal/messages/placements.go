package messages

import (
	"cmp"
	"database/sql"
	"encoding/binary"
	"math"
	"slices"
	"sort"
)

// room is how many ids a conversation of so many messages is given, so that others can follow them later.
func room(messages int64) int64 { return messages + messages/4 + 256 }

// readPlacements reads the conversations and where they lie.
func (a *Amendment) readPlacements() error {
	err := a.each(`SELECT id, first, last, is_group FROM conversation ORDER BY first`, func(rows *sql.Rows) error {
		p := &placement{limit: math.MaxInt64}
		a.conversations = append(a.conversations, p)
		return rows.Scan(&p.id, &p.first, &p.last, &p.group)
	})
	if err != nil {
		return err
	}
	byID := make(map[int64]*placement, len(a.conversations))
	for i, p := range a.conversations {
		byID[p.id] = p
		if i > 0 {
			a.conversations[i-1].limit = p.first
		}
	}
	err = a.each(`SELECT conversation, handle, absent FROM conversation_member ORDER BY conversation, place`, func(rows *sql.Rows) error {
		var id int64
		var m rosterMember
		if err := rows.Scan(&id, &m.handle, &m.absent); err != nil {
			return err
		}
		if p := byID[id]; p != nil {
			p.members = append(p.members, m)
		}
		return nil
	})
	a.rosters = make(map[string]*placement, len(a.conversations))
	for _, p := range a.conversations {
		a.rosters[rosterKey(p.group, p.members)] = p
	}
	return err
}

// placementOf returns the conversation that a message lies in.
func (a *Amendment) placementOf(id int64) *placement {
	at := sort.Search(len(a.conversations), func(i int) bool { return a.conversations[i].last >= id })
	if at == len(a.conversations) || id < a.conversations[at].first {
		return nil
	}
	return a.conversations[at]
}

// key is what the conversation of a row goes by.
func (a *Amendment) key(t *Told) string {
	return rosterKey(t.Group, canonical(t.Members, a.handle, a.address))
}

// placementFor returns the conversation of a row, which is made behind all others if it is new.
func (a *Amendment) placementFor(t *Told) *placement {
	key := a.key(t)
	if p := a.rosters[key]; p != nil {
		return p
	}
	p := &placement{id: 1, first: 1, limit: math.MaxInt64, group: t.Group, isNew: true}
	for _, q := range a.conversations {
		p.id = max(p.id, q.id+1)
	}
	if n := len(a.conversations); n > 0 {
		before := a.conversations[n-1]
		p.first = before.last + 1 + room(before.last-before.first+1)
		before.limit = p.first
	}
	p.last = p.first - 1
	p.members = canonical(t.Members, a.handle, a.address)
	a.conversations = append(a.conversations, p)
	a.rosters[key] = p
	return p
}

// rosterKey is the same for the same conversation and for no other.
func rosterKey(group bool, members []rosterMember) string {
	key := make([]byte, 0, 1+4*len(members))
	if group {
		key = append(key, 'g')
	}
	for _, m := range members {
		mark := uint64(m.handle) << 1
		if m.absent {
			mark++
		}
		key = binary.AppendUvarint(key, mark)
	}
	return string(key)
}

// canonical is the same for lists that say the same: neighbors that are all there, or all absent, are sorted, and who
// is absent need not be said behind the last who is there.
func canonical(members []Member, number func(address string) int64, address func(int64) string) []rosterMember {
	list := make([]rosterMember, 0, len(members))
	for _, m := range members {
		if m.Address != Owner {
			list = append(list, rosterMember{number(m.Address), m.Absent})
		}
	}
	for len(list) > 0 && list[len(list)-1].absent {
		list = list[:len(list)-1]
	}
	for from, to := 0, 0; from < len(list); from = to {
		for to = from; to < len(list) && list[to].absent == list[from].absent; to++ {
		}
		slices.SortFunc(list[from:to], func(a, b rosterMember) int { return cmp.Compare(address(a.handle), address(b.handle)) })
	}
	return slices.Compact(list)
}

// settle writes the conversations that were touched, and the addresses that are new.
func (a *Amendment) settle() error {
	for id := a.known; id < len(a.addresses); id++ {
		if _, err := a.tx.ExecContext(a.ctx, `INSERT INTO handle (id, address) VALUES (?, ?)`, id, a.addresses[id]); err != nil {
			return err
		}
	}
	for _, p := range a.conversations {
		if !p.touched {
			continue
		}
		var first, last sql.NullInt64
		err := a.tx.QueryRowContext(a.ctx, `SELECT min(id), max(id) FROM message WHERE id BETWEEN ? AND ?`, p.first, p.last).Scan(&first, &last)
		if err == nil {
			err = a.writePlacement(p, first.Int64, last.Int64, first.Valid)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// writePlacement writes a conversation; one without messages goes.
func (a *Amendment) writePlacement(p *placement, first, last int64, some bool) error {
	if _, err := a.tx.ExecContext(a.ctx, `DELETE FROM conversation WHERE id = ?`, p.id); err != nil {
		return err
	}
	if !some {
		p.last = p.first - 1
		_, err := a.tx.ExecContext(a.ctx, `DELETE FROM conversation_member WHERE conversation = ?`, p.id)
		return err
	}
	p.first, p.last = first, last
	if _, err := a.tx.ExecContext(a.ctx, `INSERT INTO conversation VALUES (?, ?, ?, ?)`, p.id, p.group, first, last); err != nil || !p.isNew {
		return err
	}
	for place, m := range p.members {
		if _, err := a.tx.ExecContext(a.ctx, `INSERT INTO conversation_member VALUES (?, ?, ?, ?)`, p.id, place, m.handle, m.absent); err != nil {
			return err
		}
	}
	return nil
}
