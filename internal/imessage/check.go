package imessage

import (
	"slices"

	"ventriloquist/internal/imessage/pages"
	"ventriloquist/internal/store"
)

// check counts the rows that changed, and refuses changes that may have changed who was in a group when.
func (a *renewal) check(changes []store.Change) error {
	rows := make([]int64, len(changes))
	for i := range changes {
		if o := changes[i].Old; o != nil {
			rows[i] = o.Row
		}
	}
	chats, err := a.oldChats(rows)
	if err != nil {
		return err
	}
	for i := range changes {
		c := &changes[i]
		if c.Old != nil {
			a.summary.Rows[oldFate(c.Old)]--
		}
		if c.New != nil {
			a.summary.Rows[newFate(c)]++
		}
		gone := c.New == nil && len(c.Old.Entries) > 0
		if gone && a.options.KeepGone || !a.harmless(c, chats) {
			return store.ErrRewrite
		}
	}
	if err := a.source.stay(); err != nil {
		return err
	}
	a.summary.Changed = int64(len(changes))
	total, err := a.source.countRows(a.ctx)
	if err == nil && total != a.summary.rows() {
		return store.ErrRewrite
	}
	return err
}

func oldFate(o *store.OldRow) Fate {
	switch {
	case o.LeftOut && o.Why == store.LostTarget:
		return LostTarget
	case o.LeftOut:
		return Fate(o.Why)
	case o.Entries[0].Removal:
		return Removal
	case o.Entries[0].Kind == store.Reaction:
		return Tapback
	}
	return Message
}

func newFate(c *store.Change) Fate {
	if c.Lost {
		return LostTarget
	}
	return Fate(c.New.Why)
}

// checkRelinked refuses messages that stand in other chats than they did, if they tell who was in a group: also those
// that became no message tell that.
func (a *renewal) checkRelinked() error {
	chats, err := a.oldChats(a.relinked)
	if err != nil {
		return err
	}
	for _, id := range a.relinked {
		r, exists := a.rows[id]
		if !exists {
			continue
		}
		for _, c := range append(chats[id], a.directory.chatOf(id)) {
			if c != nil && c.group && !a.tellsNothing(&r, c) {
				return store.ErrRewrite
			}
		}
	}
	return nil
}

// tellsNothing tells whether a row says nothing of who was in a group.
func (a *renewal) tellsNothing(r *row, c *chat) bool {
	address := ""
	if !r.fromMe {
		address = a.directory.handles[r.handle].address
	}
	return r.itemType != itemMember && r.itemType != itemLeft && c.isQuiet(moment{r.date, r.id}, address, a.directory)
}

// oldChats returns the chats that rows stood in.
func (a *renewal) oldChats(rows []int64) (map[int64][]*chat, error) {
	chats := make(map[int64][]*chat)
	for _, row := range rows {
		chats[row] = nil
	}
	old := joinList{data: a.old.Links}
	err := old.each(func(j join) {
		if list, wanted := chats[j.message]; wanted {
			chats[j.message] = append(list, a.directory.chats[j.other])
		}
	})
	return chats, err
}

// harmless tells whether a change leaves the members of all groups as they were at any time: it is no row that tells of
// members, its sender is among today's, and it is not older than the group's last change.
func (a *renewal) harmless(c *store.Change, old map[int64][]*chat) bool {
	if o := c.Old; o != nil {
		for _, chat := range old[o.Row] {
			if chat == nil || !chat.group {
				continue
			}
			if o.LeftOut && (Fate(o.Why) == Event || c.New == nil) {
				return false
			}
			for i := range o.Entries {
				e := &o.Entries[i]
				if !chat.isQuiet(moment{e.Date, e.Row}, e.Sender, a.directory) {
					return false
				}
			}
		}
	}
	if c.New == nil {
		return true
	}
	chat, r := a.directory.chatOf(c.New.Row), a.rows[c.New.Row]
	return chat == nil || !chat.group || a.tellsNothing(&r, chat)
}

// isQuiet tells whether a row of a group at a moment, by somebody, says nothing of who was in it.
func (c *chat) isQuiet(at moment, sender string, d *directory) bool {
	if len(c.eras) > 1 && !c.eras[1].end.before(at) {
		return false
	}
	if sender == "" {
		return true
	}
	key := d.keyOf(sender)
	return slices.ContainsFunc(c.members, func(p person) bool { return p.key == key })
}

// keyOf returns the key of whoever has an address.
func (d *directory) keyOf(address string) string {
	for _, p := range d.handles {
		if p.address == address {
			return p.key
		}
	}
	return ""
}

// state is the account of the source after the changes.
func (a *renewal) state(o *store.Outcome) []byte {
	st := &state{Format: stateFormat, Program: program(), Include: a.options.Include, Leaves: map[string][]byte{}, Links: a.links.data,
		Attached: a.attached.data, Recoverable: a.recoverable.data, Handles: a.directory.handleSums(), Chats: a.directory.chatSums(),
		Eras: a.old.Eras, Damaged: a.damaged, Unknown: a.unknown}
	for table, list := range a.leaves {
		st.Leaves[table] = pages.AppendLeaves(nil, list)
	}
	st.Rows, st.Messages, st.Conversations = a.summary.Rows, o.Messages, o.Conversations
	return st.encode()
}
