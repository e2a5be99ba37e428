package whatsapp

import (
	"fmt"
	"slices"
	"strings"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/usererr"
)

// people determines who is in the chat, and which of them is the owner.
func (r *Reader) people(e *emitter) error {
	s := e.survey
	title := e.text.title
	if title == "" && s.notice != "" && s.said[s.notice] == 0 {
		title = s.notice // the name of the group, or of a member who never wrote
	}
	isOwner := func(name string) bool { return r.reading.Sender(name) == messages.Owner }
	own := slices.IndexFunc(s.senders, isOwner)
	e.chat.Group = s.isGroup(title)
	e.chat.Name = title
	other := title
	if other == "" {
		other = s.notice
	}
	switch {
	case own >= 0:
		e.owner = s.senders[own]
	case s.mine != "":
		e.owner = s.mine
	case !e.chat.Group && other != "" && len(s.senders) == 2 && sameName(s.senders[0], other):
		e.owner = s.senders[1]
	case !e.chat.Group && other != "" && len(s.senders) == 2 && sameName(s.senders[1], other):
		e.owner = s.senders[0]
	case !e.chat.Group && other != "" && len(s.senders) == 1 && !sameName(s.senders[0], other):
		e.owner = s.senders[0]
	case !e.chat.Group && other != "" && len(s.senders) == 1, len(s.senders) == 0:
	default:
		return usererr.With(fmt.Errorf("%s: cannot tell who of %s is you", e.text.path, strings.Join(quoted(s.senders), ", ")),
			"name yourself: %v NAME, or MY_NAME or USER_IDENTIFIERS in .env", usererr.Option("me"))
	}
	if e.owner != "" && own < 0 {
		e.sink.Note("%s: you are taken for %q (%v NAME says otherwise)", e.text.path, e.owner, usererr.Option("me"))
	}
	for _, name := range s.senders {
		if address := e.address(name); address != messages.Owner {
			e.chat.Members = append(e.chat.Members, address)
		}
	}
	if !e.chat.Group && len(e.chat.Members) == 0 && other != "" {
		e.chat.Members = []string{other}
	}
	if title == "" {
		title = strings.Join(e.chat.Members, ", ")
	}
	e.title = title
	e.chat.Extent = messages.Span
	return nil
}

// isGroup reports whether a chat of two is a group: a direct chat has the other person as its title.
func (s *survey) isGroup(title string) bool {
	switch {
	case len(s.senders) > 2:
		return true
	case slices.ContainsFunc(s.senders, func(name string) bool { return sameName(name, title) }):
		return false
	}
	return s.inGroup || len(s.senders) == 2 && s.notice != "" && s.said[s.notice] == 0
}

const shownNames = 8

func quoted(names []string) []string {
	var list []string
	for _, name := range names[:min(len(names), shownNames)] {
		list = append(list, fmt.Sprintf("%q", name))
	}
	if len(names) > shownNames {
		list = append(list, fmt.Sprintf("%d others", len(names)-shownNames))
	}
	return list
}
