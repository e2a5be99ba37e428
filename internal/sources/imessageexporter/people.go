package imessageexporter

import (
	"cmp"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
)

// chat is a file with a chat, and what the first pass learns about it.
type chat struct {
	*sources.Chat
	name      string // of the file
	title     string // that of the file without what tells files apart
	page      bool
	named     bool              // the chat has a name of its own
	addresses []string          // of its people, where the file is named for them
	writers   map[string]bool   // the names of those who wrote, the owner's among them
	people    map[string]string // the addresses of those who wrote or reacted, by name; until they are found, the names
	keys      sources.Keys
	entries   int64
}

// copied is at the end of the name of a file's copy, and numbered at the end of the name of a chat that has one.
var (
	copied   = regexp.MustCompile(` \(\d+\)$`)
	numbered = regexp.MustCompile(` - \d+$`)
	others   = regexp.MustCompile(`,? and \d+ others$`)
)

// newChat returns the chat in a file.
func newChat(name string) *chat {
	title := norm.NFC.String(strings.TrimSuffix(path.Base(name), path.Ext(name)))
	title = copied.ReplaceAllString(title, "")
	c := &chat{name: name, title: title, page: isPage(name), people: map[string]string{}}
	if c.named = numbered.MatchString(title); c.named {
		return c
	}
	for _, address := range strings.Split(others.ReplaceAllString(title, ""), ", ") {
		if isAddress(address) {
			c.addresses = append(c.addresses, address)
		}
	}
	return c
}

// isAddress reports whether a name is a number or an e-mail address.
func isAddress(name string) bool {
	if strings.Contains(name, "@") && !strings.Contains(name, " ") {
		return true
	}
	digits := strings.TrimLeft(name, "+")
	return len(digits) >= 3 && strings.Trim(digits, "0123456789-() ") == "" && digits[0] != ' '
}

// me is what imessage-exporter calls the owner, unless it was told another name.
const me = "Me"

// findPeople finds the owner, and the members of the chats.
func (e *emitter) findPeople() error {
	if err := e.findOwner(); err != nil {
		return err
	}
	byKey := map[string]*sources.Chat{}
	for _, c := range e.reader.chats {
		c.Chat = byKey[c.title]
		if c.Chat == nil {
			c.Chat = &sources.Chat{Source: "imessage-exporter " + c.title, Extent: messages.Span}
			byKey[c.title] = c.Chat
		}
		e.members(c)
	}
	return nil
}

// findOwner finds what the texts call the owner. Pages tell the owner's messages from the others.
func (e *emitter) findOwner() error {
	e.owner = me
	var threads []sources.Thread
	unclear := false
	for _, c := range e.reader.chats {
		if c.page {
			continue
		}
		if c.writers[me] {
			return nil
		}
		names := slices.Sorted(maps.Keys(c.writers))
		threads = append(threads, sources.Thread{People: names, Title: c.title, Group: c.named || len(c.addresses) > 1})
		unclear = unclear || len(names) > 1
	}
	if len(threads) == 0 {
		return nil
	}
	owner, err := e.reader.reading.FindOwner(e.reader.Path(), threads, nil)
	if err != nil && unclear {
		return err
	}
	e.owner = cmp.Or(owner, me)
	return nil
}

// members finds the addresses of the people in a chat. In a chat of two, the file has the address of the other person.
func (e *emitter) members(c *chat) {
	var names []string
	for name, address := range c.people {
		if address == messages.Owner || e.isOwner(name) {
			c.people[name] = messages.Owner
		} else {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	c.Group = c.Group || c.named || len(c.addresses) > 1 || len(names) > 1
	for _, name := range names {
		address := name
		if !c.Group && len(c.addresses) == 1 {
			address = c.addresses[0]
		}
		c.people[name] = address
		if address != name {
			e.sink.Name(address, name)
		}
		c.add(address)
	}
	if c.named {
		c.Name = numbered.ReplaceAllString(c.title, "")
	}
	if slices.ContainsFunc(names, func(name string) bool { return !isAddress(name) }) && c.Group {
		return // of the addresses, nobody knows whose they are
	}
	for _, address := range c.addresses {
		if e.reader.reading.Sender(address) != messages.Owner {
			c.add(address)
		}
	}
	if len(c.Members) == 0 && !c.named && len(c.addresses) == 0 {
		c.add(c.title)
	}
}

func (c *chat) add(address string) {
	if !slices.Contains(c.Members, address) {
		c.Members = append(c.Members, address)
	}
}

func (e *emitter) isOwner(name string) bool {
	return name == e.owner || name == me || e.reader.reading.Sender(name) == messages.Owner
}
