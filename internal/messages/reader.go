package messages

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
)

// Reader reads conversations and their messages. Reactions that were taken back are absent.
type Reader struct {
	q        querier
	path     string
	handles  handles
	chats    map[int64]*chat
	canceled map[int64]bool // reactions that were taken back
	sources  map[int64]string
	identity func(address string) string
	joined   bool            // the chats of one group have the same members
	copies   map[int64]int64 // of the ids of copies: the id of the message that is shown, as FindCopies finds them
	decided  bool            // copies are complete
}

// Reader returns a reader for people as identity defines them: it returns the name of the person at an address, Owner for
// an address of the owner, and any unique text (such as the address) for a stranger. A person may take a reaction back
// from any of their addresses. A nil identity treats each address as a person.
func (db *DB) Reader(ctx context.Context, identity func(address string) string) (*Reader, error) {
	return db.reader(ctx, db.sql, identity)
}

func (db *DB) reader(ctx context.Context, q querier, identity func(address string) string) (*Reader, error) {
	r := &Reader{q: q, path: db.path, sources: make(map[int64]string), identity: identity}
	addresses, err := readAddresses(ctx, q)
	if err == nil {
		r.handles = newHandles(addresses)
		r.chats, err = readChats(ctx, q)
	}
	if err == nil {
		r.canceled, err = readCanceled(ctx, q, &r.handles, identity)
	}
	if err == nil {
		err = each(ctx, q, `SELECT id, name FROM source`, func(rows *sql.Rows) error {
			var id int64
			var name string
			err := rows.Scan(&id, &name)
			r.sources[id] = name
			return err
		})
	}
	if err != nil {
		return nil, explain(db.path, err)
	}
	return r, nil
}

// person returns the person at an address, as the identity defines people.
func (r *Reader) person(address string) string {
	if address == Owner || r.identity == nil {
		return address
	}
	return r.identity(address)
}

// connection returns a connection to read from, until release is called.
func (r *Reader) connection(ctx context.Context) (conn *sql.Conn, release func(), err error) {
	switch q := r.q.(type) {
	case *sql.Conn:
		return q, func() {}, nil
	case *sql.DB:
		if conn, err = q.Conn(ctx); err == nil {
			release = func() { conn.Close() }
		}
		return conn, release, err
	}
	return nil, nil, fmt.Errorf("%T is no connection", r.q)
}

// Names returns the names that sources have for the people at addresses, except where the name is the address itself.
func (r *Reader) Names(ctx context.Context) (map[string]string, error) {
	names := make(map[string]string)
	err := each(ctx, r.q, `SELECT address, name FROM handle WHERE name IS NOT NULL`, func(rows *sql.Rows) error {
		var address, name string
		err := rows.Scan(&address, &name)
		names[address] = name
		return err
	})
	if err != nil {
		return nil, explain(r.path, err)
	}
	return names, nil
}

// Addresses returns the addresses that take part in conversations, as sources spell them, without the owner's "".
func (r *Reader) Addresses() []string { return r.handles.addresses[1:] }

// Conversation is a set of participants, with the owner, at some time. Chats of the same people are one conversation, and
// a group whose members changed is several.
type Conversation struct {
	ID int64
	// Group reports whether the source stored it as a group. A group may have a single member left.
	Group bool
	Name  string // the name that its members gave the group, "" if they gave none
	// Members are the addresses as the source spells them, each once, without the owner of the source (who may still be
	// present under an address that only USER_IDENTIFIERS names). If a person has several addresses, the first counts.
	Members []Member
	// Messages is the number of messages.
	Messages int64

	spans []span
}

// span is the part of a chat that belongs to a conversation.
type span struct {
	chat        int64
	after, upTo moment // the end of the period before, and of this one
}

// Conversations returns all conversations that have messages.
func (r *Reader) Conversations(ctx context.Context) ([]Conversation, error) {
	list, err := r.conversations(ctx)
	if err != nil {
		return nil, explain(r.path, err)
	}
	return list, nil
}

func (r *Reader) conversations(ctx context.Context) ([]Conversation, error) {
	if !r.joined {
		if err := r.joinGroups(ctx); err != nil {
			return nil, err
		}
		r.joined = true
	}
	var list []Conversation
	known := make(map[string]int) // index of the conversation, by roster
	for _, id := range sortedKeys(r.chats) {
		c := r.chats[id]
		after := moment{-Forever, -Forever}
		ends := make(map[*period]moment, len(c.periods))
		for i := range c.periods {
			ends[&c.periods[i]] = after
			after = c.periods[i].until
		}
		err := eachPopulated(ctx, r.q, c, true, func(p *period, messages int64) {
			key := rosterKey(c.group, p.members)
			at, is := known[key]
			if !is {
				at = len(list)
				known[key] = at
				list = append(list, Conversation{ID: int64(at + 1), Group: c.group, Members: r.members(p.members)})
			}
			list[at].Name = cmp.Or(list[at].Name, c.name)
			list[at].Messages += messages
			list[at].spans = append(list[at].spans, span{c.id, ends[p], p.until})
		})
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (r *Reader) members(list []memberHandle) []Member {
	members := make([]Member, len(list))
	for i, m := range list {
		members[i] = Member{r.handles.addresses[m.handle], m.absent}
	}
	return members
}

func sortedKeys[V any](m map[int64]V) []int64 { return slices.Sorted(maps.Keys(m)) }
