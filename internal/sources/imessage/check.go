package imessage

import (
	"slices"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
)

// mostChanges is how many rows may have changed for it to be less work to bring each up to date than to write all anew.
const mostChanges = 20_000

// check counts the rows that changed, and refuses changes that may have changed who was in a group when, unless that was
// worked out anew.
func (a *renewal) check(changes []messages.Change) error {
	if len(changes) > mostChanges {
		return messages.ErrRewrite
	}
	var rows []int64
	for i := range changes {
		if o := changes[i].Old; o != nil {
			rows = append(rows, o.Row)
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
		if gone && a.options.KeepGone {
			return messages.ErrRewrite
		}
		a.shake(c, chats)
	}
	if len(a.shaken) > 0 {
		return errShaken
	}
	if err := a.source.stay(); err != nil {
		return err
	}
	a.summary.Changed = int64(len(changes))
	total, err := a.source.countRows(a.ctx)
	if err == nil && total != a.summary.Rows.Sum() {
		return messages.ErrRewrite
	}
	return err
}

func oldFate(o *messages.OldRow) sources.Fate {
	switch {
	case o.LeftOut && o.Why < 0:
		return strangeFates[o.Why]
	case o.LeftOut:
		return sources.Fate(o.Why)
	case o.Entries[0].Removal:
		return sources.Removals
	case o.Entries[0].Kind == messages.Reaction:
		return sources.Reactions
	}
	return sources.Messages
}

// strangeFates are the fates of rows that the store leaves out.
var strangeFates = map[int]sources.Fate{messages.LostTarget: sources.LostTarget, messages.ForgottenMessage: sources.Messages, messages.ForgottenReaction: sources.Reactions, messages.ForgottenRemoval: sources.Removals}

func newFate(c *messages.Change) sources.Fate {
	if c.Lost {
		return sources.LostTarget
	}
	return sources.Fate(c.New.Why)
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
				a.shakeGroup(c)
			}
		}
	}
	if len(a.shaken) > 0 {
		return errShaken
	}
	return nil
}

// shakeGroup notes that others may have been in a group at some time than was known, unless it was worked out anew.
func (a *renewal) shakeGroup(c *chat) {
	if !a.renewed[c.id] {
		a.shaken[c.id] = true
	}
}

// tellsNothing tells whether a row says nothing of who was in a group.
func (a *renewal) tellsNothing(r *row, c *chat) bool {
	return r.itemType != itemMember && r.itemType != itemLeft && c.isQuiet(moment{r.date, r.id}, r.address(a.directory), a.directory)
}

// oldChats returns the chats that rows stood in.
func (a *renewal) oldChats(rows []int64) (map[int64][]*chat, error) {
	chats := make(map[int64][]*chat)
	if len(rows) == 0 {
		return chats, nil
	}
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

// shake notes the groups of which a change may tell that others were in them at some time: unless it is no row that tells
// of members, its sender is among today's, and it is not older than the group's last change.
func (a *renewal) shake(c *messages.Change, old map[int64][]*chat) {
	if o := c.Old; o != nil {
		for _, chat := range old[o.Row] {
			if chat != nil && chat.group && !a.wasQuiet(c, chat) {
				a.shakeGroup(chat)
			}
		}
	}
	if c.New == nil {
		return
	}
	chat, r := a.directory.chatOf(c.New.Row), a.rows[c.New.Row]
	if chat != nil && chat.group && !a.tellsNothing(&r, chat) {
		a.shakeGroup(chat)
	}
}

// wasQuiet tells whether what a row told before says nothing of who was in a group.
func (a *renewal) wasQuiet(c *messages.Change, chat *chat) bool {
	if c.Old.LeftOut && (sources.Fate(c.Old.Why) == sources.GroupEvents || !c.SameMark()) {
		return false
	}
	for i := range c.Old.Entries {
		e := &c.Old.Entries[i]
		if !chat.isQuiet(moment{e.Date, e.Row}, e.Sender, a.directory) {
			return false
		}
	}
	return true
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
func (a *renewal) state(*messages.Outcome) []byte {
	st := &state{Format: stateFormat, Program: program(), Include: a.options.Include, Links: a.links.data,
		Attached: a.attached.data, Recoverable: a.recoverable.data, Handles: a.directory.handleSums(), Chats: a.directory.chatSums(),
		Eras: a.directory.savedEras(), Damaged: a.damaged, Unknown: a.unknown}
	st.setLeaves(a.leaves)
	st.Rows = a.summary.Rows
	return st.encode()
}
