package jsonl

import (
	"fmt"
	"strings"
	"time"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/usererr"
)

// row is one line of the file.
type row struct {
	chat, name, text string
	at               time.Time
	answered         *int
}

// survey is the first pass.
type survey struct {
	reader *Reader
	chats  map[string]*chat
	keys   sources.Keys
	owner  bool // speaks somewhere
}

func (s *survey) line(number int64, r *row) error {
	if r == nil {
		return nil
	}
	c := s.chats[r.chat]
	if c == nil {
		c = &chat{speakers: map[string]bool{}, answered: map[int]string{}}
		c.Source, c.Extent = s.reader.name, messages.Whole
		s.chats[r.chat] = c
	}
	sender := s.reader.reading.Sender(r.name)
	s.owner = s.owner || sender == messages.Owner
	c.speaks(sender)
	if guid := s.keys.GUID(r.chat, r.name, r.at, r.text); r.isAnswered(c) {
		c.answered[c.rows] = guid
	}
	if r.answered != nil {
		if _, there := c.answered[*r.answered]; !there {
			c.answered[*r.answered] = "" // set in the second pass, if it comes first
		}
	}
	c.rows++
	return nil
}

func (r *row) isAnswered(c *chat) bool {
	_, there := c.answered[c.rows]
	return there
}

// emitter is the second pass.
type emitter struct {
	*survey
	sink  sources.Sink
	total int64
	at    map[*chat]int
	again sources.Keys
}

func (e *emitter) line(number int64, r *row) error {
	if number%1024 == 0 || number == e.total {
		e.sink.Progress(number, e.total)
	}
	if r == nil {
		e.sink.Count(sources.Empty, 1)
		return nil
	}
	c := e.chats[r.chat]
	guid := e.again.GUID(r.chat, r.name, r.at, r.text)
	if e.at == nil {
		e.at = make(map[*chat]int)
	}
	n := e.at[c]
	e.at[c]++
	if _, there := c.answered[n]; there {
		c.answered[n] = guid
	}
	c.last = sources.InOrder(r.at, c.last)
	m := sources.Message{Chat: &c.Chat, GUID: guid, Row: number, Time: c.last, Sender: e.reader.reading.Sender(r.name),
		Parts: []sources.Part{{Kind: messages.Text, Text: r.text}}}
	if r.answered != nil {
		if *r.answered >= c.rows {
			err := fmt.Errorf(`%s:%d: "reply_to" is %d, but the chat %q has %d messages`, e.reader.path, number, *r.answered, r.chat, c.rows)
			return usererr.With(err, "the first message of a chat has the number 0")
		}
		if *r.answered != n {
			m.ReplyTo = c.answered[*r.answered]
		}
	}
	if strings.TrimSpace(r.text) == "" {
		e.sink.Count(sources.Empty, 1)
		return nil
	}
	return e.sink.Message(&m)
}
