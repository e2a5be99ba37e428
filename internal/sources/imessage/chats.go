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

// person is what a handle stands for in a list of members: handles of one person, by Apple's own account or because they
// are the same address on several services, have equal keys.
type person struct {
	key     string
	address string
}

// chat is a row of chat, with who is in it today.
type chat struct {
	id         int64
	group      bool
	identifier string
	groupID    string
	members    []person // each person once, the owner not
	eras       []era    // its members in the course of time, the latest first: see members.go
	number     uint32   // among the chats that have messages, from 1
}

// directory is everything about who and where.
type directory struct {
	handles map[int64]person
	chats   map[int64]*chat
	deleted map[int64]bool // messages that are recently deleted
	places  places         // of the other messages
	links   joinList       // chat_message_join
}

func (s *Source) readDirectory(ctx context.Context) (*directory, error) {
	d := &directory{handles: map[int64]person{}, chats: map[int64]*chat{}, deleted: map[int64]bool{}, places: newPlaces()}
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
	query := fmt.Sprintf(`SELECT ROWID, %s, %s, %s, %s FROM chat`, s.integer("chat", "style"), s.text("chat", "chat_identifier"),
		s.text("chat", "room_name"), s.text("chat", "group_id"))
	return s.each(ctx, query, func(r record) error {
		c := &chat{id: r.int(0), identifier: r.text(2), groupID: r.text(4)}
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

// fillMembers finds members for chats that list none: those of another chat of the same group, or, of a direct chat, the
// address that it is called by.
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

// names are what ties the rows of one group together.
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

// readLinks reads which chats the messages stand in. A message may have several links, when one conversation has several
// rows; a link that is also among the recoverable ones is that of a recently deleted message. With deleted those count as
// any other.
func (s *Source) readLinks(ctx context.Context, d *directory, deleted bool) error {
	type link struct{ message, chat int64 }
	recoverable := make(map[link]bool)
	if s.has("chat_recoverable_message_join", "chat_id", "message_id") {
		err := s.each(ctx, `SELECT message_id, chat_id FROM chat_recoverable_message_join ORDER BY message_id, chat_id`, func(r record) error {
			l := link{r.int(0), r.int(1)}
			if deleted {
				d.place(l.message, d.chats[l.chat])
				return nil
			}
			recoverable[l], d.deleted[l.message] = true, true
			return nil
		})
		if err != nil {
			return err
		}
	}
	rowID := "0"
	if s.roots[chatJoin.name] != 0 {
		rowID = "ROWID"
	}
	query := fmt.Sprintf(`SELECT message_id, chat_id, %s FROM chat_message_join
		WHERE message_id IS NOT NULL AND chat_id IS NOT NULL ORDER BY 3`, rowID)
	return s.each(ctx, query, func(r record) error {
		l := link{r.int(0), r.int(1)}
		if !recoverable[l] {
			d.place(l.message, d.chats[l.chat])
		}
		if rowID != "0" {
			d.links.add(join{r.int(2), l.message, l.chat})
		}
		return nil
	})
}
