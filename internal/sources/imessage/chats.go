package imessage

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// The values of chat.style.
const (
	styleGroup  = 43
	styleDirect = 45
)

func (s *Source) readDirectory(ctx context.Context) (*directory, error) {
	d := &directory{handles: map[int64]person{}, chats: map[int64]*chat{}, deleted: map[int64]bool{}, chatOfMessage: newChatOfMessage()}
	for _, step := range []func(context.Context, *directory) error{
		s.readHandles, s.readChats, s.readMembers} {
		if err := step(ctx, d); err != nil {
			return nil, err
		}
	}
	d.fillMembers()
	return d, nil
}

func (s *Source) readHandles(ctx context.Context, d *directory) error {
	query := fmt.Sprintf(`SELECT ROWID, %s, %s FROM handle`, s.text("handle", "id"), s.text("handle", "person_centric_id"))
	return s.each(ctx, query, func(r record) error {
		p := person{address: strings.TrimSpace(r.text(1))}
		if p.key = strings.ToLower(p.address); r.text(2) != "" {
			p.key = "person " + r.text(2)
		}
		if p.address != "" {
			d.handles[r.int(0)] = p
		}
		return nil
	})
}

func (s *Source) readChats(ctx context.Context, d *directory) error {
	query := fmt.Sprintf(`SELECT ROWID, %s, %s, %s, %s, %s FROM chat`, s.integer("chat", "style"), s.text("chat", "chat_identifier"),
		s.text("chat", "room_name"), s.text("chat", "group_id"), s.text("chat", "display_name"))
	return s.each(ctx, query, func(r record) error {
		c := &chat{id: r.int(0), identifier: r.text(2), groupID: r.text(4), title: strings.TrimSpace(r.text(5))}
		c.group = r.int(1) == styleGroup || r.int(1) != styleDirect && r.text(3) != ""
		d.chats[c.id] = c
		return nil
	})
}

func (s *Source) readMembers(ctx context.Context, d *directory) error {
	if !s.has("chat_handle_join", "chat_id", "handle_id") {
		return nil
	}
	return s.each(ctx, `SELECT chat_id, handle_id FROM chat_handle_join ORDER BY chat_id, handle_id`, func(r record) error {
		c, p := d.chats[r.int(0)], d.handles[r.int(1)]
		if c != nil && p.address != "" && !slices.ContainsFunc(c.members, func(q person) bool { return q.key == p.key }) {
			c.members = append(c.members, p)
		}
		return nil
	})
}

// fillMembers finds members for chats that list none: the members of another chat of the same group or, for a direct
// chat, the address in its identifier.
func (d *directory) fillMembers() {
	twins := make(map[string]*chat)
	for _, c := range d.sortedChats() {
		for _, name := range c.names() {
			if twins[name] == nil && len(c.members) > 0 {
				twins[name] = c
			}
		}
	}
	for _, c := range d.sortedChats() {
		if len(c.members) > 0 {
			continue
		}
		for _, name := range c.names() {
			if twin := twins[name]; twin != nil && c.group {
				c.members = twin.members
				break
			}
		}
		if !c.group && c.identifier != "" {
			c.members = []person{{key: strings.ToLower(c.identifier), address: c.identifier}}
		}
	}
}

// names returns the names that the rows of one group have in common.
func (c *chat) names() []string {
	var names []string
	if c.group && c.groupID != "" {
		names = append(names, "group "+c.groupID)
	}
	if c.group && c.identifier != "" {
		names = append(names, "chat "+c.identifier)
	}
	return names
}

func (d *directory) sortedChats() []*chat {
	list := make([]*chat, 0, len(d.chats))
	for _, c := range d.chats {
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b *chat) int { return int(a.id - b.id) })
	return list
}

// placeMessages finds the chats of the wanted messages. A message may have several links if one conversation has several
// rows. A link that also appears among the recoverable ones belongs to a recently deleted message. With deleted set, such
// links count like any other.
func (d *directory) placeMessages(joins *[len(joinTables)]packedJoins, wanted func(message int64) bool, deleted bool) error {
	type link struct{ message, chat int64 }
	recoverable := make(map[link]bool)
	err := joins[recoverables].each(func(j join) {
		switch {
		case !wanted(j.message):
		case deleted:
			d.place(j.message, d.chats[j.other])
		default:
			recoverable[link{j.message, j.other}], d.deleted[j.message] = true, true
		}
	})
	if err != nil {
		return err
	}
	return joins[chats].each(func(j join) {
		if wanted(j.message) && !recoverable[link{j.message, j.other}] {
			d.place(j.message, d.chats[j.other])
		}
	})
}

// keyOf returns the key of the person with an address. If handles differ, the first one counts.
func (d *directory) keyOf(address string) string {
	first := int64(-1)
	for id, p := range d.handles {
		if p.address == address && (first < 0 || id < first) {
			first = id
		}
	}
	return d.handles[first].key
}
