package signal

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"slices"
	"strings"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
)

// person is somebody with an account.
type person struct {
	key     string // the same on all devices: the account's identifier, else the number
	address string // messages.Owner for the owner
	name    string
}

// chat is a conversation.
type chat struct {
	sources.Chat
	key    string  // the same on all devices
	other  *person // of a conversation of two
	listed []string
	today  []string // the addresses of those who are listed
	last   int64    // when its last message was sent, in milliseconds since 1970
}

// directory is the people and the conversations of a database.
type directory struct {
	reader   *Reader
	exported bool // there is no database
	ownACI   string
	ownPhone string
	chats    map[string]*chat   // by the conversation's identifier
	byID     map[string]*person // by that of their conversation
	byACI    map[string]*person
	byPhone  map[string]*person
}

// details are what the JSON of a conversation holds that may be in no column.
type details struct {
	ServiceID, UUID, PNI, E164, GroupID, Username     string
	Name, ProfileName, ProfileFamilyName              string
	NicknameGivenName, NicknameFamilyName             string
	SystemGivenName, SystemFamilyName, SystemNickname string
	Members                                           []string
	MembersV2                                         []struct{ ACI, UUID, UserID string }
}

// aciOf returns the form of an account's identifier in which case makes no difference.
func aciOf(text string) string { return strings.ToLower(strings.TrimSpace(text)) }

// phoneOf returns a number in the form +1555…, or "". Old databases lost the plus sign.
func phoneOf(text string) string {
	digits := strings.TrimPrefix(strings.TrimSpace(text), "+")
	if len(digits) < 5 || len(digits) > 15 || strings.Trim(digits, "0123456789") != "" {
		return ""
	}
	return "+" + digits
}

// column returns an expression for a column of a table that may be missing.
func (r *Reader) column(table, name string) string {
	if r.columns[table][name] {
		return table + "." + name
	}
	return "NULL"
}

// readDirectory reads the people, the conversations, and who is in them.
func (r *Reader) readDirectory(ctx context.Context, sink sources.Sink) (*directory, error) {
	d := &directory{reader: r, chats: map[string]*chat{}, byID: map[string]*person{}, byACI: map[string]*person{}, byPhone: map[string]*person{}}
	if err := d.readOwner(ctx); err != nil {
		return nil, err
	}
	if d.ownPhone != "" {
		sink.Own(d.ownPhone)
	}
	query := `SELECT id, json, ` + r.column("conversations", "type") + `, coalesce(` + r.column("conversations", "serviceId") + `, ` + r.column("conversations", "uuid") + `), ` +
		r.column("conversations", "e164") + `, ` + r.column("conversations", "groupId") + `, ` + r.column("conversations", "name") + `, ` + r.column("conversations", "profileFullName") + ` FROM conversations`
	err := r.db.Tolerate(ctx, query, func(rows *sql.Rows) error {
		var id, content, kind, aci, phone, group, name, profile sql.NullString
		if err := rows.Scan(&id, &content, &kind, &aci, &phone, &group, &name, &profile); err != nil {
			return err
		}
		var more details
		_ = json.Unmarshal([]byte(content.String), &more) // what is damaged is empty
		more.ServiceID, more.E164 = cmp.Or(aci.String, more.ServiceID, more.UUID), cmp.Or(phone.String, more.E164)
		if kind.String == "group" {
			d.addGroup(id.String, cmp.Or(group.String, more.GroupID, id.String), cmp.Or(name.String, more.Name), &more)
		} else {
			d.addPerson(sink, id.String, cmp.Or(more.name(), name.String, profile.String), &more)
		}
		return nil
	})
	if err == nil {
		err = d.addMembers(ctx)
	}
	return d, err
}

// readOwner reads whose account it is: items has the identifier and the number, each with the number of the device behind a dot.
func (d *directory) readOwner(ctx context.Context) error {
	if d.reader.columns["items"]["json"] {
		err := d.reader.db.Tolerate(ctx, `SELECT id, json FROM items WHERE id IN ('uuid_id', 'number_id')`, func(rows *sql.Rows) error {
			var id, content sql.NullString
			err := rows.Scan(&id, &content)
			var item struct{ Value string }
			_ = json.Unmarshal([]byte(content.String), &item)
			value, _, _ := strings.Cut(item.Value, ".")
			if id.String == "uuid_id" {
				d.ownACI = aciOf(value)
			} else {
				d.ownPhone = phoneOf(value)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	if d.ownACI != "" || !d.reader.columns["messages"]["sourceServiceId"] {
		return nil
	}
	return d.reader.db.Tolerate(ctx, `SELECT sourceServiceId FROM messages WHERE type = 'outgoing' AND sourceServiceId IS NOT NULL LIMIT 1`, func(rows *sql.Rows) error {
		var aci sql.NullString
		err := rows.Scan(&aci)
		d.ownACI = aciOf(aci.String)
		return err
	})
}

// name returns what the owner calls a person, else what they call themselves.
func (m *details) name() string {
	join := func(given, family string) string { return strings.TrimSpace(given + " " + family) }
	return strings.Trim(cmp.Or(join(m.NicknameGivenName, m.NicknameFamilyName), m.Name, m.SystemNickname, join(m.SystemGivenName, m.SystemFamilyName),
		join(m.ProfileName, m.ProfileFamilyName), m.Username), "\u2068\u2069 ")
}

// addPerson adds a person, and the conversation with them.
func (d *directory) addPerson(sink sources.Sink, id, name string, m *details) {
	aci, phone := aciOf(m.ServiceID), phoneOf(cmp.Or(m.E164, id))
	p := d.newPerson(aci, phone)
	if p.key == "" {
		p.key, p.address = "conversation "+id, addressOf(id)
	}
	p.name = name
	for _, known := range []string{aci, aciOf(m.PNI)} {
		if known != "" {
			d.byACI[known] = p
		}
	}
	if phone != "" {
		d.byPhone[phone] = p
	}
	d.byID[id] = p
	c := &chat{key: p.key, other: p, Chat: d.newChat(p.key)}
	c.Members = []string{p.address}
	d.chats[id] = c
	if p.address == messages.Owner {
		return
	}
	if name != "" && name != phone {
		sink.Name(p.address, name)
	}
	if aci != "" && phone != "" {
		sink.Same(addressOf(aci), phone)
	}
}

// addressOf returns the address of somebody whose number is not known.
func addressOf(aci string) string { return "signal:" + aci }

// newPerson returns somebody with this account and number, of which one may be empty.
func (d *directory) newPerson(aci, phone string) *person {
	p := &person{key: cmp.Or(aci, phone), address: phone}
	if phone == "" && aci != "" {
		p.address = addressOf(aci)
	}
	if aci != "" && aci == d.ownACI || phone != "" && phone == d.ownPhone || p.address != "" && d.reader.reading.Sender(p.address) == messages.Owner {
		p.key, p.address = ownKey, messages.Owner
	}
	return p
}

// ownKey is the key of the owner.
const ownKey = "owner"

func (d *directory) newChat(key string) sources.Chat {
	if d.exported {
		return exportedChat(key)
	}
	return sources.Chat{Source: "signal " + d.reader.path, Extent: messages.Whole}
}

func (d *directory) addGroup(id, group, name string, m *details) {
	c := &chat{key: "group " + group, Chat: d.newChat("group " + group), listed: m.Members}
	c.Group, c.Name = true, strings.Trim(name, "\u2068\u2069 ")
	for _, member := range m.MembersV2 {
		c.listed = append(c.listed, cmp.Or(member.ACI, member.UUID, member.UserID))
	}
	d.chats[id] = c
}

// addMembers adds the members of groups: those that are listed, and whoever wrote in them.
func (d *directory) addMembers(ctx context.Context) error {
	for _, c := range d.chats {
		for _, member := range c.listed {
			c.add(d.find(member))
		}
		c.listed, c.today = nil, slices.Clone(c.Members)
	}
	err := d.reader.db.Tolerate(ctx, `SELECT DISTINCT conversationId, `+d.reader.senders()+` FROM messages WHERE type = 'incoming' ORDER BY 1, 2, 3`, func(rows *sql.Rows) error {
		var id, aci, phone sql.NullString
		err := rows.Scan(&id, &aci, &phone)
		if c := d.chats[id.String]; c != nil && c.Group {
			c.add(d.find(aci.String, phone.String))
		}
		return err
	})
	if err != nil {
		return err
	}
	return d.addMembership(ctx)
}

func (c *chat) add(p *person) {
	if p != nil && p.address != messages.Owner && !slices.Contains(c.Members, p.address) {
		c.Members = append(c.Members, p.address)
	}
}

// find returns the person with one of these identifiers: of the account or of the conversation, or the number. It returns nil if all are
// empty.
func (d *directory) find(ids ...string) *person {
	var aci, phone string
	for _, id := range ids {
		known := d.byID[id]
		if number := phoneOf(id); known == nil && number != "" {
			known, phone = d.byPhone[number], cmp.Or(phone, number)
		} else if known == nil && id != "" {
			known, aci = d.byACI[aciOf(id)], cmp.Or(aci, aciOf(id))
		}
		if known != nil {
			return known
		}
	}
	if aci == "" && phone == "" {
		return nil
	}
	p := d.newPerson(aci, phone)
	if aci != "" {
		d.byACI[aci] = p
	}
	if phone != "" {
		d.byPhone[phone] = p
	}
	return p
}
