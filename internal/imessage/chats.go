package imessage

import (
	"context"
	"database/sql"
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
	eras       []era    // of a group: its members in the course of time, see members.go
}

// link says that a message stands in a chat.
type link struct{ message, chat int64 }

// directory is everything about who and where.
type directory struct {
	handles map[int64]person
	chats   map[int64]*chat
	links   []link // sorted; without those that are recently deleted
	deleted map[int64]bool
}

func (s *Source) readDirectory(ctx context.Context) (*directory, error) {
	d := &directory{handles: map[int64]person{}, chats: map[int64]*chat{}, deleted: map[int64]bool{}}
	for _, step := range []func(context.Context, *directory) error{
		s.readHandles, s.readChats, s.readMembers, s.readLinks} {
		if err := step(ctx, d); err != nil {
			return nil, err
		}
	}
	d.fillMembers()
	return d, nil
}

// each calls scan for every row of a query. It looks at the context only now and then: given to the query, it would cost
// a goroutine a row.
func (s *Source) each(ctx context.Context, query string, scan func(*sql.Rows) error) error {
	rows, err := s.tx.Query(query)
	if err != nil {
		return err
	}
	defer rows.Close()
	const step = 1000
	for n := 0; rows.Next(); n++ {
		if n%step == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (s *Source) readHandles(ctx context.Context, d *directory) error {
	query := fmt.Sprintf(`SELECT ROWID, %s, %s FROM handle`, s.text("handle", "id"), s.text("handle", "person_centric_id"))
	return s.each(ctx, query, func(rows *sql.Rows) error {
		var id int64
		var p person
		var centric string
		if err := rows.Scan(&id, &p.address, &centric); err != nil {
			return err
		}
		p.address = strings.TrimSpace(p.address)
		if p.key = strings.ToLower(p.address); centric != "" {
			p.key = "person " + centric
		}
		if p.address != "" {
			d.handles[id] = p
		}
		return nil
	})
}

func (s *Source) readChats(ctx context.Context, d *directory) error {
	query := fmt.Sprintf(`SELECT ROWID, %s, %s, %s, %s FROM chat`, s.integer("chat", "style"), s.text("chat", "chat_identifier"),
		s.text("chat", "room_name"), s.text("chat", "group_id"))
	return s.each(ctx, query, func(rows *sql.Rows) error {
		c := new(chat)
		var style int64
		var room string
		if err := rows.Scan(&c.id, &style, &c.identifier, &room, &c.groupID); err != nil {
			return err
		}
		c.group = style == styleGroup || style != styleDirect && room != ""
		d.chats[c.id] = c
		return nil
	})
}

func (s *Source) readMembers(ctx context.Context, d *directory) error {
	if !s.has("chat_handle_join", "chat_id", "handle_id") {
		return nil
	}
	return s.each(ctx, `SELECT chat_id, handle_id FROM chat_handle_join ORDER BY chat_id, handle_id`, func(rows *sql.Rows) error {
		var chatID, handle int64
		if err := rows.Scan(&chatID, &handle); err != nil {
			return err
		}
		c, p := d.chats[chatID], d.handles[handle]
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
// rows; a link that is also among the recoverable ones is that of a recently deleted message.
func (s *Source) readLinks(ctx context.Context, d *directory) error {
	recoverable := make(map[link]bool)
	if s.has("chat_recoverable_message_join", "chat_id", "message_id") {
		err := s.each(ctx, `SELECT message_id, chat_id FROM chat_recoverable_message_join`, func(rows *sql.Rows) error {
			var l link
			if err := rows.Scan(&l.message, &l.chat); err != nil {
				return err
			}
			recoverable[l], d.deleted[l.message] = true, true
			return nil
		})
		if err != nil {
			return err
		}
	}
	return s.each(ctx, `SELECT message_id, chat_id FROM chat_message_join
		WHERE message_id IS NOT NULL AND chat_id IS NOT NULL ORDER BY message_id, chat_id`, func(rows *sql.Rows) error {
		var l link
		if err := rows.Scan(&l.message, &l.chat); err != nil {
			return err
		}
		if !recoverable[l] && d.chats[l.chat] != nil {
			d.links = append(d.links, l)
		}
		return nil
	})
}

// chatOf returns the chat that a message stands in, or nil. Of several, the first that has members.
func (d *directory) chatOf(message int64) *chat {
	at, _ := slices.BinarySearchFunc(d.links, message, func(l link, id int64) int {
		switch {
		case l.message < id:
			return -1
		case l.message > id:
			return 1
		}
		return 0
	})
	var found *chat
	for ; at < len(d.links) && d.links[at].message == message; at++ {
		c := d.chats[d.links[at].chat]
		if found == nil || len(found.members) == 0 && len(c.members) > 0 {
			found = c
		}
	}
	return found
}
