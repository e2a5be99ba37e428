package signal

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"ventriloquist/internal/lines"
	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
)

// RecognizeCLI reports whether a file is what signal-cli receives, as JSON.
func RecognizeCLI(h *sources.Head) bool {
	line, _, _ := bytes.Cut(bytes.TrimLeft(h.Text, "\uFEFF \r\n"), []byte("\n"))
	return bytes.HasPrefix(line, []byte("{")) && bytes.Contains(line, []byte(`"envelope"`))
}

// CLIReader reads the lines that signal-cli writes as it receives messages.
type CLIReader struct {
	*sources.Files
	reading sources.Reading
}

// OpenCLI returns a reader for the file at place.
func OpenCLI(place string, reading sources.Reading) (*CLIReader, error) {
	files, err := sources.OpenFiles(place)
	if err != nil {
		return nil, err
	}
	return &CLIReader{files, reading.Remembering()}, nil
}

// Unit is the unit that Read counts.
func (r *CLIReader) Unit() string { return "lines" }

// Read reads the lines twice: first for the people and for what changes a message, then for the messages.
func (r *CLIReader) Read(ctx context.Context, sink sources.Sink) (int64, error) {
	defer r.Report(sink)
	e := cliEmitter{emitter: newExported(r.Path(), r.reading, sink), names: map[*person]string{}, direct: map[*person]*cliChat{}, groups: map[string]*cliChat{},
		edits: map[target]*changes{}, reactions: map[reactionTo]int64{}}
	for _, file := range r.Names() {
		if err := r.each(ctx, file, func(number int64, line []byte) error {
			if s, _, err := e.parse(line); err == nil && s != nil {
				e.survey(s)
			}
			return nil
		}); err != nil {
			return 0, err
		}
	}
	e.finish()
	for _, file := range r.Names() {
		if err := r.each(ctx, file, func(number int64, line []byte) error {
			e.total++
			s, fate, err := e.parse(line)
			switch {
			case err != nil:
				sink.Unreadable(fmt.Sprintf("%s:%d: %v", r.At(file), number, err), 1)
			case s == nil:
				sink.Count(fate, 1)
			default:
				return e.take(s, number)
			}
			return nil
		}); err != nil {
			return e.total, err
		}
	}
	sink.Progress(e.total, e.total)
	return e.total, nil
}

// each passes the lines of a file to visit, except empty ones.
func (r *CLIReader) each(ctx context.Context, file string, visit func(number int64, line []byte) error) error {
	in, err := r.Open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	_, err = lines.Each(ctx, in, r.At(file), func(number int64, line []byte) error {
		if len(bytes.TrimSpace(line)) == 0 {
			return nil
		}
		return visit(number, line)
	})
	return err
}

// envelope is what a line holds.
type envelope struct {
	Source, SourceNumber, SourceUUID, SourceName string
	DataMessage                                  *cliMessage
	EditMessage                                  *cliEdit
	StoryMessage                                 json.RawMessage
	SyncMessage                                  *struct{ SentMessage *cliSent }
}

// cliSent is a message that another device of the owner sent.
type cliSent struct {
	Destination, DestinationNumber, DestinationUUID string
	EditMessage                                     *cliEdit
	cliMessage
}

// cliEdit is a new text of an earlier message.
type cliEdit struct {
	TargetSentTimestamp int64
	DataMessage         cliMessage
}

// cliMessage is the content of a message.
type cliMessage struct {
	Timestamp int64
	Message   string
	GroupInfo *struct{ GroupID, GroupName string }
	Reaction  *struct {
		Emoji, TargetAuthor, TargetAuthorNumber, TargetAuthorUUID string
		TargetSentTimestamp                                       int64
		IsRemove                                                  bool
	}
	Quote *struct {
		ID                               int64
		Author, AuthorNumber, AuthorUUID string
	}
	Mentions []struct {
		UUID          string
		Start, Length int
	}
	Attachments  []struct{ ContentType, Filename, Caption string }
	Sticker      json.RawMessage
	RemoteDelete *struct{ Timestamp int64 }
	PollCreate   *struct {
		Question string
		Options  []string
	}
	StoryContext json.RawMessage
}

// said is what a line says: a message, or a change of one.
type said struct {
	*cliMessage
	chat *cliChat
	from *person
	edit int64 // when the message that it edits was sent; 0 if it is a message of its own
}

// cliChat is a chat, and the people in it.
type cliChat struct {
	chat
	people []*person
	name   string
}

// target is a message: its chat, its author, and when it was sent.
type target struct {
	chat   *cliChat
	author *person
	at     int64
}

// reactionTo is what somebody feels about a message.
type reactionTo struct {
	target
	from *person
}

// changes are the later texts of a message.
type changes struct {
	edits []edit
	taken bool // with the message
}

// cliEmitter passes the messages to the sink.
type cliEmitter struct {
	*emitter
	names     map[*person]string
	direct    map[*person]*cliChat
	groups    map[string]*cliChat
	edits     map[target]*changes
	reactions map[reactionTo]int64 // when it was last chosen or taken back
}

// parse reads a line. Fate is what becomes of one that says nothing.
func (e *cliEmitter) parse(line []byte) (s *said, fate sources.Fate, err error) {
	var l struct {
		Envelope *envelope
		Account  string
		Params   *struct {
			Envelope *envelope
			Account  string
		}
	}
	if err := json.Unmarshal(line, &l); err != nil {
		return nil, 0, err
	}
	if l.Params != nil {
		l.Envelope, l.Account = cmp.Or(l.Envelope, l.Params.Envelope), cmp.Or(l.Account, l.Params.Account)
	}
	v := l.Envelope
	if v == nil {
		return nil, 0, errors.New("it is no message that signal-cli received")
	}
	if phone := phoneOf(l.Account); phone != "" && e.people.ownPhone == "" {
		e.people.ownPhone = phone
	}
	from := e.person(v.SourceUUID, cmp.Or(v.SourceNumber, v.Source))
	switch {
	case v.StoryMessage != nil:
		return nil, sources.Broadcast, nil
	case v.SyncMessage != nil && v.SyncMessage.SentMessage != nil:
		m := v.SyncMessage.SentMessage
		return e.say(owner, e.person(m.DestinationUUID, cmp.Or(m.DestinationNumber, m.Destination)), &m.cliMessage, m.EditMessage)
	case v.DataMessage == nil && v.EditMessage == nil:
		return nil, sources.Events, nil
	case from == nil:
		return nil, sources.NoSender, nil
	}
	if v.SourceName != "" {
		e.names[from] = v.SourceName
	}
	return e.say(from, from, v.DataMessage, v.EditMessage)
}

// say finds the chat in which a message was sent; other is the other person of a chat of two.
func (e *cliEmitter) say(from, other *person, m *cliMessage, changed *cliEdit) (*said, sources.Fate, error) {
	s := &said{cliMessage: m, from: from}
	if changed != nil {
		s.cliMessage, s.edit = &changed.DataMessage, changed.TargetSentTimestamp
	}
	switch {
	case s.cliMessage == nil:
		return nil, sources.Empty, nil
	case !canBe(s.Timestamp):
		return nil, 0, errors.New("it has no date that can be")
	case s.GroupInfo != nil && s.GroupInfo.GroupID != "":
		id := s.GroupInfo.GroupID
		if e.groups[id] == nil {
			e.groups[id] = &cliChat{chat: chat{key: "group " + id}}
		}
		s.chat = e.groups[id]
		s.chat.Group, s.chat.name = true, cmp.Or(s.GroupInfo.GroupName, s.chat.name)
	case other == nil:
		return nil, sources.NoChat, nil
	default:
		if e.direct[other] == nil {
			e.direct[other] = &cliChat{chat: chat{other: other}, people: []*person{other}}
		}
		s.chat = e.direct[other]
	}
	return s, sources.Messages, nil
}

// person returns the person with this account and number; nil if both are empty.
func (e *cliEmitter) person(account, number string) *person {
	d := e.people
	aci, phone := aciOf(account), phoneOf(number)
	if accountID.MatchString(number) {
		aci = cmp.Or(aci, aciOf(number))
	}
	p := cmp.Or(d.byACI[aci], d.byPhone[phone])
	if p == nil {
		if p = d.find(aci, phone); p == nil {
			return nil
		}
	}
	if p.address == messages.Owner {
		p = owner
	}
	if aci != "" {
		d.byACI[aci] = p
		if p != owner {
			p.key, p.address = aci, cmp.Or(phone, p.address)
		}
	}
	if phone != "" {
		d.byPhone[phone] = p
	}
	return p
}

// survey takes who takes part in a chat, and what changes a message.
func (e *cliEmitter) survey(s *said) {
	known := false
	for _, p := range s.chat.people {
		known = known || p == s.from
	}
	if !known && s.from != owner {
		s.chat.people = append(s.chat.people, s.from)
	}
	switch {
	case s.Reaction != nil:
		if to, is := e.reactionOf(s); is {
			e.reactions[to] = max(e.reactions[to], s.Timestamp)
		}
	case s.edit != 0:
		t := target{s.chat, s.from, s.edit}
		if e.edits[t] == nil {
			e.edits[t] = &changes{}
		}
		e.edits[t].edits = append(e.edits[t].edits, edit{Body: s.Message, BodyRanges: s.ranges(), Timestamp: s.Timestamp})
	}
}

func (e *cliEmitter) reactionOf(s *said) (to reactionTo, is bool) {
	r := s.Reaction
	author := e.person(r.TargetAuthorUUID, cmp.Or(r.TargetAuthorNumber, r.TargetAuthor))
	return reactionTo{target{s.chat, author, r.TargetSentTimestamp}, s.from}, author != nil
}

// finish makes the chats, once all people are known.
func (e *cliEmitter) finish() {
	if e.people.ownPhone != "" {
		e.sink.Own(e.people.ownPhone)
	}
	finish := func(c *cliChat) {
		c.Chat.Source, c.Extent = "signal-cli "+c.key, messages.Span
		for _, p := range c.people {
			c.add(p)
			if name := e.names[p]; name != "" && p != owner {
				e.sink.Name(p.address, name)
				p.name = name
			}
			if p != owner && p.address != addressOf(p.key) && p.address != p.key {
				e.sink.Same(addressOf(p.key), p.address)
			}
		}
		c.Name = c.name
	}
	for p, c := range e.direct {
		c.key = p.key
		finish(c)
	}
	for _, c := range e.groups {
		finish(c)
	}
}

// take takes what a line says.
func (e *cliEmitter) take(s *said, number int64) error {
	c := &s.chat.chat
	m := sources.Message{Chat: &c.Chat, Row: number, Sender: s.from.address}
	switch {
	case s.Reaction != nil:
		return e.react(s, &m)
	case s.RemoteDelete != nil:
		at := s.RemoteDelete.Timestamp
		m.GUID, m.Retracted, m.Time = guid(c, s.from, strconv.FormatInt(at, 10)), true, timeOf(at)
		e.sink.Count(sources.Deleted, 1)
		return e.sink.Seen(&m)
	}
	n := s.row()
	t := target{s.chat, s.from, n.sentAt}
	if changed := e.edits[t]; changed != nil {
		if changed.taken {
			e.sink.Count(sources.Continued, 1)
			return nil
		}
		changed.taken = true
		if s.edit == 0 {
			n.EditHistory = append([]edit{{Body: n.body, BodyRanges: n.BodyRanges, Timestamp: n.sentAt}}, changed.edits...)
		} else {
			n.EditHistory = changed.edits
		}
		last := changed.edits[len(changed.edits)-1]
		n.body, n.BodyRanges = last.Body, last.BodyRanges
	}
	m.GUID, m.Time = guid(c, s.from, strconv.FormatInt(n.sentAt, 10)), timeOf(n.sentAt)
	return e.message(c, &n, &m)
}

// react takes a reaction that was not changed or taken back later.
func (e *cliEmitter) react(s *said, m *sources.Message) error {
	to, known := e.reactionOf(s)
	switch {
	case !known:
		e.sink.Count(sources.LostTarget, 1)
		return nil
	case s.Reaction.IsRemove, e.reactions[to] != s.Timestamp:
		e.sink.Count(sources.Removals, 1)
		return nil
	}
	m.ReplyTo = guid(&s.chat.chat, to.author, strconv.FormatInt(to.at, 10))
	m.GUID, m.Time = sources.Hashed(m.ReplyTo, s.from.key, "reaction"), timeOf(s.Timestamp)
	m.Parts = []sources.Part{{Kind: messages.Reaction, Text: s.Reaction.Emoji}}
	if s.Reaction.Emoji == "" || !e.seen.IsNew(m.GUID) {
		e.sink.Count(sources.Duplicates, 1)
		return nil
	}
	return e.sink.Message(m)
}
