package jsonl

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
)

// chat is what the survey learns about a chat.
type chat struct {
	sources.Chat
	programs map[string]*sources.Chat // the chat as of another program
	declared bool                     // a line says who is in it
	speakers map[string]bool
	rows     int
	from     int            // messages with a number from this one on may have another number: a line before them is damaged
	last     time.Time      // of the message before
	answered map[int]string // the identifiers of the messages with replies, by number
}

func (c *chat) speaks(address string) {
	if c.declared {
		return
	}
	if !c.speakers[address] {
		c.speakers[address] = true
		c.Members = append(c.Members, address)
	}
	others := len(c.Members)
	if c.speakers[messages.Owner] {
		others--
	}
	c.Group = others > 1
}

// survey is the first pass.
type survey struct {
	reader *Reader
	chats  map[string]*chat
	keys   sources.Keys
	owner  bool  // speaks somewhere
	ours   bool  // lines have identifiers, as this program writes them
	read   int64 // lines that are right
	wrong  error // of the first line that is not
	lost   int   // damaged lines of which it is not known in which chat they were
}

// at returns the chat with a name.
func (s *survey) at(name string) *chat {
	c := s.chats[name]
	if c == nil {
		c = &chat{speakers: map[string]bool{}, answered: map[int]string{}, from: -1}
		s.chats[name] = c
	}
	return c
}

func (s *survey) line(_ int64, r *row, wrong error) error {
	if r == nil {
		return nil
	}
	if wrong != nil {
		s.damaged(r, wrong)
		return nil
	}
	s.read++
	if s.ours = s.ours || r.id != "" || r.kind == chatKind; r.kind == deletedKind {
		return nil
	}
	c := s.at(r.chat)
	if r.kind == chatKind {
		c.declare(r)
		return nil
	}
	sender := s.sender(r)
	s.owner = s.owner || sender == messages.Owner
	c.speaks(sender)
	guid := s.guid(&s.keys, r)
	if _, there := c.answered[c.rows]; there {
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

// damaged records a line that is not read. Where it shows its chat, it keeps its number there.
func (s *survey) damaged(r *row, wrong error) {
	if s.wrong == nil {
		s.wrong = wrong
	}
	if r.has.chat && r.kind == "" {
		s.at(r.chat).rows++
		return
	}
	s.lost++
	for _, c := range s.chats {
		if c.from < 0 {
			c.from = c.rows
		}
	}
}

// declare takes the line about a chat.
func (c *chat) declare(r *row) {
	c.declared, c.Members, c.Absent, c.Group = true, r.members, r.absent, len(r.members) > 1
	if r.group != nil {
		c.Group = *r.group
	}
}

// sender returns the address of the sender. Files that this program wrote have addresses, and say which messages are the owner's.
func (s *survey) sender(r *row) string {
	switch {
	case r.me:
		return messages.Owner
	case r.id != "":
		return r.name
	}
	return s.reader.reading.Sender(r.name)
}

// guid returns the identifier of a message.
func (s *survey) guid(keys *sources.Keys, r *row) string {
	if r.id != "" {
		return r.id
	}
	return keys.GUID(r.chat, r.name, r.at, r.text)
}

// NoProgram is the program of exported messages that do not say of which program they are.
const NoProgram = "export"

// name names the source of the chats.
func (s *survey) name() {
	program := "jsonl"
	if s.ours {
		program = NoProgram
	}
	for _, c := range s.chats {
		c.Source, c.Extent = program+" "+s.reader.absolute, messages.Whole
	}
}

// of returns the chat of the messages of a program.
func (c *chat) of(program, path string) *sources.Chat {
	if program == "" {
		return &c.Chat
	}
	one := c.programs[program]
	if one == nil {
		copied := c.Chat
		one = &copied
		one.Source = program + "-" + NoProgram + " " + path
		if c.programs == nil {
			c.programs = map[string]*sources.Chat{}
		}
		c.programs[program] = one
	}
	return one
}

// emitter is the second pass.
type emitter struct {
	*survey
	sink     sources.Sink
	total    int64
	at       map[*chat]int
	again    sources.Keys
	seen     sources.Seen
	unsure   int // replies that are dropped
	replaced int
	deleted  *sources.Chat
}

func (e *emitter) line(number int64, r *row, wrong error) error {
	if number%1024 == 0 || number == e.total {
		e.sink.Progress(number, e.total)
	}
	switch {
	case r == nil:
		e.sink.Count(sources.Empty, 1)
		return nil
	case wrong != nil:
		if r.has.chat && r.kind == "" {
			e.count(e.chats[r.chat])
		}
		e.sink.Unreadable(wrong.Error(), 1)
		return nil
	case r.kind == chatKind:
		for address, name := range r.names {
			e.sink.Name(address, name)
		}
		e.sink.Count(sources.Envelope, 1)
		return nil
	case r.kind == deletedKind:
		return e.delete(number, r)
	}
	return e.message(number, r)
}

// count returns the number of the next message of a chat.
func (e *emitter) count(c *chat) int {
	if e.at == nil {
		e.at = make(map[*chat]int)
	}
	n := e.at[c]
	e.at[c]++
	return n
}

// delete takes a line about a message that was unsent.
func (e *emitter) delete(number int64, r *row) error {
	if e.deleted == nil {
		e.deleted = &sources.Chat{Source: NoProgram + " " + e.reader.absolute, Extent: messages.Whole}
	}
	e.sink.Count(sources.Deleted, 1)
	return e.sink.Seen(&sources.Message{Chat: e.deleted, GUID: r.id, Row: number, Time: time.Unix(0, 0), Retracted: true})
}

func (e *emitter) message(number int64, r *row) error {
	c := e.chats[r.chat]
	guid := e.guid(&e.again, r)
	n := e.count(c)
	if _, there := c.answered[n]; there {
		c.answered[n] = guid
	}
	if !r.hasZone {
		r.at = sources.InOrder(r.at, c.last)
	}
	c.last = r.at
	m := sources.Message{Chat: c.of(r.program, e.reader.absolute), GUID: guid, Row: number, Time: r.at, Sender: e.sender(r), ReplyTo: r.answeredID, Versions: r.edits,
		Parts: []sources.Part{{Kind: kinds[r.kind], Text: r.text, Attachment: r.attachment, File: r.file, Transcript: r.transcript}}}
	if r.replaced {
		e.replaced++
	}
	if r.answered != nil {
		switch target := *r.answered; {
		case target >= c.rows && e.lost == 0:
			err := fmt.Errorf(`%s:%d: "reply_to" is %d, but the chat %q has %d messages`, e.reader.path, number, target, r.chat, c.rows)
			e.sink.Unreadable(err.Error(), 0) // the words stay
		case c.from >= 0 && target >= c.from || target >= c.rows:
			e.unsure++
		case target != n:
			m.ReplyTo = c.answered[target]
		}
	}
	switch {
	case strings.TrimSpace(r.text) == "" && m.Parts[0].Attachment == "" && r.id == "":
		e.sink.Count(sources.Empty, 1)
		return nil
	case r.id != "" && !e.seen.IsNew(sources.Hashed(r.id)):
		e.sink.Count(sources.Duplicates, 1)
		return nil
	case m.Parts[0].Kind == messages.Reaction && m.ReplyTo == "":
		e.sink.Unreadable(fmt.Errorf("%s:%d: %w", e.reader.path, number, errReaction).Error(), 1)
		return nil
	}
	return e.sink.Message(&m)
}

var errReaction = errors.New(`the reaction has no "reply_to"`)

// notes tells what was replaced and dropped.
func (e *emitter) notes() {
	if e.replaced > 0 {
		e.sink.Note("%s: %d lines have bytes that are no characters; these became U+FFFD", e.reader.path, e.replaced)
	}
	if e.unsure > 0 {
		e.sink.Note("%s: %d replies are without the message that they answer: its number is not certain behind a damaged line", e.reader.path, e.unsure)
	}
}
