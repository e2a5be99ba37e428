package telegram

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/usererr"
)

// chat is what the first pass learns about a chat.
type chat struct {
	sources.Chat
	kind  string
	title string
	key   string // its peer, as replies name it
	base  string // identifies it in messages.db: its key, unless it was collected from HTML first
	// samples are taken if chats were collected from HTML.
	samples Samples
	who     []peer // who speaks or reacts, in order
	seen    map[peer]bool
	last    time.Time // of the message before
}

// survey is the first pass.
type survey struct {
	chats []*chat
	names map[peer]string
	owner peer
	phone string // the owner's, if the export names it
	// phones are the numbers of contacts.
	phones map[peer]string
	total  int64
	read   int64 // messages
	// damaged is the first damaged part.
	damaged string
	html    bool // chats were collected from HTML
}

func (r *Reader) survey(ctx context.Context, sink sources.Sink) (*survey, error) {
	s := &survey{names: map[peer]string{}, phones: map[peer]string{}, html: len(sink.Collected(Prefix+HTMLKey)) > 0}
	heads := map[int]chatHead{}
	err := r.each(ctx, visitor{
		owner:   func(id, phone string) { s.owner, s.phone = peer("user"+id), phone },
		contact: func(id, phone string) { s.phones[peer("user"+id)] = phone },
		message: s.message,
		chat:    func(number int, head chatHead) { heads[number] = head },
		damaged: func(what string) {
			s.damaged = cmp.Or(s.damaged, what)
			s.total++
		},
		brief: true,
	})
	if err != nil && !errors.As(err, new(*cutOff)) {
		return nil, err
	}
	if s.read == 0 && s.damaged != "" {
		return nil, usererr.With(errors.New(s.damaged), "none of its messages can be read: export again, as JSON")
	}
	for number, head := range heads {
		if err := s.at(number).head(head, sink); err != nil {
			return nil, err
		}
	}
	return s, s.people(r)
}

// at returns the chat with a number.
func (s *survey) at(number int) *chat {
	for number >= len(s.chats) {
		s.chats = append(s.chats, &chat{seen: map[peer]bool{}})
	}
	return s.chats[number]
}

func (s *survey) message(number int, m *message) error {
	c := s.at(number)
	s.total++
	s.read++
	if m.kind != "message" {
		return nil
	}
	c.speaks(m.fromID)
	s.name(m.fromID, m.from)
	if s.html {
		c.samples.Add(m.id, strings.TrimSpace(m.text))
	}
	for _, r := range m.reactions {
		for _, by := range r.recent {
			s.total++
			c.speaks(by.fromID)
			s.name(by.fromID, by.from)
		}
	}
	return nil
}

func (c *chat) speaks(p peer) {
	if isPerson(p) && !c.seen[p] {
		c.seen[p] = true
		c.who = append(c.who, p)
	}
}

// isPerson reports whether a peer is a person rather than a channel: channels also post in groups.
func isPerson(p peer) bool { return strings.HasPrefix(string(p), "user") }

func (s *survey) name(p peer, name string) {
	if name != "" && p != "" {
		s.names[p] = name
	}
}

// The types of chats. Channels are not conversations.
var (
	directKinds  = []string{"personal_chat", "bot_chat", "saved_messages"}
	channelKinds = []string{"private_channel", "public_channel", "replies", "verification_codes"}
)

// head takes the export's data about a chat.
func (c *chat) head(h chatHead, sink sources.Sink) (err error) {
	c.kind, c.title = h.kind, h.name
	c.Group = !slices.Contains(directKinds, h.kind)
	c.Name = h.name
	switch {
	case !c.Group:
		c.key = "user" + h.id
		if n, err := strconv.ParseInt(h.id, 10, 64); err == nil && n >= oldUsers && !c.seen[peer(c.key)] {
			if old := fmt.Sprint("user", n%oldUsers); c.seen[peer(old)] {
				c.key = old
			}
		}
	case h.kind == "private_group":
		c.key = "chat" + h.id
	default:
		c.key = "channel" + h.id
	}
	if c.base, err = c.samples.Identify(sink, HTMLKey, c.key); c.base == "" {
		c.base = c.key
	}
	c.Source, c.Extent = Prefix+c.base, messages.Span
	return err
}

// people determines who the owner is, and who is in the chats.
func (s *survey) people(r *Reader) error {
	if s.owner == "" {
		s.owner = s.findOwner(r.reading)
	}
	if s.owner == "" && slices.ContainsFunc(s.chats, func(c *chat) bool { return c.Group && len(c.who) > 0 && !slices.Contains(channelKinds, c.kind) }) {
		var names []string
		for _, p := range slices.Sorted(maps.Keys(s.names)) {
			names = append(names, fmt.Sprintf("%q (%s)", s.names[p], p))
		}
		const shown = 8
		if more := len(names) - shown; more > 0 {
			names = append(names[:shown], fmt.Sprint(more, " others"))
		}
		return usererr.With(fmt.Errorf("%s: cannot tell who of %s is you", r.Path(), strings.Join(names, ", ")),
			"name yourself: %[1]v NAME or %[1]v user123456789, or MY_NAME or USER_IDENTIFIERS in .env; the export of a whole account names you itself", usererr.Option("me"))
	}
	for _, c := range s.chats {
		for _, p := range c.who {
			if p != s.owner {
				c.Members = append(c.Members, string(p))
			}
		}
		if other := peer(c.key); !c.Group && other != s.owner && !slices.Contains(c.Members, c.key) {
			c.Members = append(c.Members, c.key)
		}
		if !c.Group && c.title != "" && s.names[peer(c.key)] == "" && peer(c.key) != s.owner {
			s.names[peer(c.key)] = c.title
		}
	}
	return nil
}

// findOwner finds the owner by the names that the user stated, else as the participant in direct chats who is not the
// other person.
func (s *survey) findOwner(reading sources.Reading) peer {
	for _, p := range slices.Sorted(maps.Keys(s.names)) {
		if reading.Sender(string(p)) == messages.Owner || reading.Sender(s.names[p]) == messages.Owner {
			return p
		}
	}
	for _, c := range s.chats {
		if c.kind == "saved_messages" {
			return peer(c.key)
		}
	}
	for _, c := range s.chats {
		for _, p := range c.who {
			if !c.Group && string(p) != c.key {
				return p
			}
		}
	}
	return ""
}
