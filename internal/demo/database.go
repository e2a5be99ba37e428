package demo

import (
	"fmt"
	"slices"
	"strings"

	"ventriloquist/internal/sources/imessage/chatdb"
	"ventriloquist/internal/sources/imessage/tapback"
)

// WriteDatabase writes lines as a new chat.db at path, in Apple's schema.
func WriteDatabase(path string, lines []Line) error {
	w, err := chatdb.Create(path, chatdb.Latest)
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	d := database{Writer: w, handles: map[string]int64{}, nicks: map[string][]int64{}, chats: map[string]int64{}}
	d.addPeople()
	guids := make([]string, len(lines))
	for i := range lines {
		message, err := d.message(&lines[i], guids)
		if err != nil {
			w.Close()
			return fmt.Errorf("the bundled chat, line %d: %w", i+1, err)
		}
		guids[i] = w.Message(message)
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	return nil
}

type database struct {
	*chatdb.Writer
	handles map[string]int64   // by nickname
	nicks   map[string][]int64 // all handles of a person, by name
	chats   map[string]int64   // by set of members
}

func (d *database) addPeople() {
	for _, c := range contacts {
		for _, a := range c.addresses {
			d.handles[a.nick] = d.Handle(a.id, "iMessage")
			d.nicks[c.name] = append(d.nicks[c.name], d.handles[a.nick])
		}
	}
}

// chat returns the chat of a set of members, and creates it for its first message. A contact with two addresses is in it with
// both, as in Messages after the person changed addresses.
func (d *database) chat(members []string) int64 {
	key := strings.Join(members, "\n")
	if id, known := d.chats[key]; known {
		return id
	}
	c := chatdb.Chat{Group: len(members) > 2}
	for _, name := range members {
		c.Handles = append(c.Handles, d.nicks[name]...)
	}
	d.chats[key] = d.Chat(c)
	return d.chats[key]
}

func (d *database) message(line *Line, guids []string) (chatdb.Message, error) {
	if !slices.Contains(line.Members, line.Name) || !slices.Contains(line.Members, Owner) {
		return chatdb.Message{}, fmt.Errorf("%s or %s is not a member of the chat %v", line.Name, Owner, line.Members)
	}
	m := chatdb.Message{Chat: d.chat(line.Members), Date: line.Time}
	if line.Name == Owner {
		m.FromMe = true
	} else if m.Handle = d.handles[line.Nick]; m.Handle == 0 {
		return m, fmt.Errorf("%q has no address", line.Nick)
	}
	if line.Tapback != "" {
		if m.Tapback = tapback.Type(line.Tapback); m.Tapback == 0 || line.ReplyTo == nil {
			return m, fmt.Errorf("%q is not a tapback on a message", line.Tapback)
		}
		m.Target = "p:0/" + guids[*line.ReplyTo]
		return m, nil
	}
	m.Text = line.Text
	if line.ReplyTo != nil {
		m.ReplyTo = guids[*line.ReplyTo]
	}
	return m, nil
}
