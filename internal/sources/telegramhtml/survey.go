package telegramhtml

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/htmlstream"
	"ventriloquist/internal/sources/telegram"
)

// chat is a chat, and what the first pass learns about it.
type chat struct {
	sources.Chat
	folder  string
	pages   []string
	missing []string
	title   string
	kind    kind
	key     string // identifies it in messages.db
	known   bool   // it was collected before
	who     map[string]bool
	// addresses are the addresses of people by their names.
	addresses map[string]string
	samples   telegram.Samples
}

// kind is the kind of a chat, as far as its pages show it.
type kind int

const (
	unknown kind = iota
	direct
	group
	channel
)

// survey is the first pass.
type survey struct {
	reader *Reader
	owner  string // the owner's name
	phone  string
	// phones are the numbers of contacts by their names; "" for a name that several contacts have.
	phones  map[string]string
	total   int64
	read    int64 // messages that have a date, or need none
	damaged string
	notes   []string
}

// chat reads who takes part in a chat.
func (s *survey) chat(ctx context.Context, c *chat) error {
	return s.reader.each(ctx, c, func(_ string, n *htmlstream.Node) error {
		switch {
		case n.Is("page_header"):
			c.title = cmp.Or(c.title, strings.TrimSpace(n.Find("text").Words()))
			return nil
		case n.Is("pagination"):
			c.follow(n.Attr("href"))
			return nil
		}
		s.total++
		m := read(n)
		if m.service || m.date != "" {
			s.read++
		}
		if m.service {
			c.notice(m.body)
			return nil
		}
		if m.from != "" {
			c.who[m.from] = true
		}
		for _, r := range m.reactions {
			s.total++
			if r.by != "" {
				c.who[r.by] = true
			}
		}
		c.samples.Add(m.id, words(m.body.Child("text")))
		return nil
	}, func(what string, n *htmlstream.Node) {
		if s.damaged = cmp.Or(s.damaged, what); n.Is("message") {
			s.total++
			if m := read(n); m.from != "" { // messages that are joined to it may follow
				c.who[m.from] = true
			}
		}
	})
}

// follow notes a page that the last page of a chat refers to and that is missing.
func (c *chat) follow(href string) {
	n, is := pageNumber(href)
	if page := path.Join(c.folder, href); is && c.folder != "" && n > 1 && !slices.Contains(c.pages, page) && !slices.Contains(c.missing, page) {
		c.missing = append(c.missing, page)
	}
}

// notice learns from a service message what kind of chat this is.
func (c *chat) notice(body *htmlstream.Node) {
	if c.kind != unknown {
		return
	}
	text := words(body)
	for _, part := range []string{" created group «", " changed group ", " removed group photo", " joined group by ", " converted this group to a supergroup",
		" converted a basic group to this supergroup "} {
		if strings.Contains(text, part) {
			c.kind = group
		}
	}
	if strings.HasPrefix(text, "Channel «") && strings.HasSuffix(text, "» created") || strings.HasPrefix(text, "Channel title changed to «") || text == "Channel photo changed" {
		c.kind = channel
	}
}

// people determines who the owner is, who is in the chats, and which of them were collected before.
func (s *survey) people(sink sources.Sink) (err error) {
	var threads []sources.Thread
	for _, c := range s.reader.chats {
		if c.kind == unknown && c.who[c.title] && len(c.who) <= 2 {
			c.kind = direct
		}
		if c.kind != channel {
			threads = append(threads, sources.Thread{People: names(c.who), Title: c.title, Group: c.kind != direct})
		}
	}
	if s.owner == "" {
		s.owner, err = s.reader.reading.FindOwner(s.reader.path, threads, nil)
		if err != nil && slices.ContainsFunc(threads, func(t sources.Thread) bool { return t.Group || len(t.People) > 1 }) {
			return err
		}
	}
	if s.phone != "" {
		sink.Own(s.phone)
	}
	taken := map[string]*chat{}
	for _, c := range s.reader.chats {
		if c.kind == unknown && (len(c.who) == 0 || len(c.who) == 1 && c.who[s.owner]) {
			c.kind = direct
		}
		if err := c.identify(sink, taken); err != nil {
			return err
		}
		c.Group = c.kind != direct
		if c.Group {
			c.Name = c.title
		}
		c.Source, c.Extent = telegram.Prefix+c.key, messages.Span
		if err := s.members(c, sink); err != nil {
			return err
		}
	}
	return nil
}

// identify finds the chat among those collected before; otherwise it gets a key of its name.
func (c *chat) identify(sink sources.Sink, taken map[string]*chat) (err error) {
	own := telegram.HTMLKey + c.title
	if c.key, err = c.samples.Identify(sink, "", own); err != nil {
		return err
	}
	if c.known = c.key != ""; c.known {
		switch {
		case strings.HasPrefix(c.key, "user"):
			c.kind = direct
		case strings.HasPrefix(c.key, "chat"), strings.HasPrefix(c.key, "channel"):
			c.kind = max(c.kind, group)
		}
		return nil
	}
	collected := sink.Collected(telegram.Prefix + own)
	for n := 1; c.key == ""; n++ {
		key := own
		if n > 1 {
			key = fmt.Sprint(own, "\t", n)
		}
		other := taken[key]
		if other != nil && other.samples.BeginLike(&c.samples) || other == nil && !slices.Contains(collected, telegram.Prefix+key) {
			c.key = key
		}
	}
	if taken[c.key] == nil {
		taken[c.key] = c
	}
	return nil
}

// members finds the addresses of the people in a chat.
func (s *survey) members(c *chat, sink sources.Sink) error {
	if !c.Group && c.title != "" && c.title != s.owner && !c.who[c.title] && len(c.who) <= 1 {
		c.who[c.title] = true // who writes nothing
	}
	c.addresses = map[string]string{s.owner: messages.Owner}
	for _, name := range names(c.who) {
		if name == s.owner {
			continue
		}
		address, err := c.address(name, sink)
		if err != nil {
			return err
		}
		c.addresses[name] = address
		c.Members = append(c.Members, address)
		sink.Name(address, name)
		if phone := s.phones[name]; phone != "" {
			sink.Same(address, phone)
		}
	}
	return nil
}

// address returns the address of somebody: Telegram's identifier if the chat was collected from JSON, else the name.
func (c *chat) address(name string, sink sources.Sink) (string, error) {
	if !c.known {
		return name, nil
	}
	if !c.Group && strings.HasPrefix(c.key, "user") {
		return c.key, nil
	}
	address := ""
	called, err := sink.Called(telegram.Prefix+c.key, name)
	for _, a := range called {
		if !strings.HasPrefix(a, "user") {
			continue
		}
		if address != "" { // two have this name
			return name, nil
		}
		address = a
	}
	return cmp.Or(address, name), err
}
