package androidsms

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/mediatype"
)

// The boxes of a phone: type of an sms, msg_box of an mms. Other boxes hold drafts and unsent messages.
const (
	inbox = "1"
	sent  = "2"
)

// The values of an addr's type.
const addressFrom = "137"

// self is the placeholder of the owner's own number.
const self = "insert-address-token"

// message is an sms or an mms.
type message struct {
	fate    sources.Fate
	date    string // milliseconds since 1970
	members []string
	sender  string
	name    string // of the other person, if there is only one
	parts   []sources.Part
}

// sms is a row with a short message.
func sms(values map[string]string) *message {
	m := &message{date: values["date"], members: split(values["address"]), name: values["contact_name"]}
	switch values["type"] {
	case inbox:
		if len(m.members) > 0 {
			m.sender = m.members[0]
		}
	case sent:
	default:
		m.fate = sources.NeverSent
		return m
	}
	if body := values["body"]; strings.TrimSpace(body) != "" {
		m.parts = append(m.parts, sources.Part{Text: body})
	}
	return m.checked(values["type"] == inbox)
}

// checked filters out messages with no words or no people.
func (m *message) checked(received bool) *message {
	switch {
	case len(m.members) == 0, received && m.sender == "":
		m.fate = sources.NoSender
	case len(m.parts) == 0:
		m.fate = sources.Empty
	}
	return m
}

// split splits an attribute that holds the addresses of several people.
func split(addresses string) (list []string) {
	var seen set
	for address := range strings.SplitSeq(addresses, "~") {
		if address = strings.TrimSpace(address); address != "" && address != self && seen.add(address) {
			list = append(list, address)
		}
	}
	return list
}

// set is a set of addresses.
type set map[string]bool

// add adds an address, and reports whether it is new.
func (s *set) add(address string) bool {
	if (*s)[address] {
		return false
	}
	if *s == nil {
		*s = make(set)
	}
	(*s)[address] = true
	return true
}

// mms is a row with a message that has files or several recipients.
type mms struct {
	values    map[string]string
	parts     []map[string]string
	addresses []map[string]string
}

// own finds the owner's numbers, which an MMS lists among its recipients.
type own struct {
	reading sources.Reading
	sink    sources.Sink
	learned map[string]bool // senders of sent messages, and recipients of messages that had no other recipient
}

// learn records that an address is the owner's.
func (o *own) learn(address string) {
	o.learned[o.reading.Address(address)] = true
	o.sink.Own(address)
}

func (o *own) is(address string) bool {
	return o.learned[o.reading.Address(address)] || o.reading.Sender(address) == messages.Owner
}

// people returns the sender and the recipients of an mms, according to its addresses.
func (m *mms) people() (from string, to []string) {
	var seen set
	for _, a := range m.addresses {
		for _, address := range split(a["address"]) {
			if a["type"] == addressFrom {
				from = address
			} else if seen.add(address) {
				to = append(to, address)
			}
		}
	}
	return from, to
}

func (m *mms) message(r *Reader, o *own) *message {
	out := &message{date: m.values["date"], members: split(m.values["address"]), name: m.values["contact_name"]}
	box := m.values["msg_box"]
	if box != inbox && box != sent {
		out.fate = sources.NeverSent
		return out
	}
	received := box == inbox
	from, to := m.people()
	if !received && from != "" && !slices.Contains(to, from) && !(len(to) == 0 && slices.Equal(out.members, []string{from})) {
		o.learn(from) // some phones write the owner's number as the sender
	}
	if received && len(to) == 1 && len(out.members) < 2 && !slices.Contains(out.members, to[0]) {
		o.learn(to[0])
	}
	out.members = membersOf(out.members, from, to, received, o)
	if received {
		if out.sender = from; len(out.members) == 1 {
			out.sender = out.members[0]
		}
	}
	if subject := m.values["sub"]; strings.TrimSpace(subject) != "" && !strings.EqualFold(strings.ReplaceAll(subject, " ", ""), "nosubject") {
		out.parts = append(out.parts, sources.Part{Text: subject})
	}
	for _, p := range m.parts {
		if part, some := r.part(p); some {
			out.parts = append(out.parts, part)
		}
	}
	return out.checked(received)
}

// membersOf returns the other members of an mms: on most phones the ones that it names itself, or the ones in its
// addresses if it names only the sender or no one. The owner's own number may be among either.
func membersOf(named []string, from string, to []string, received bool, o *own) []string {
	members := slices.Clone(named)
	if len(named) == 0 || len(named) == 1 && received && len(to) > 1 {
		members = append(members, to...)
	}
	if from != "" && len(members) != 1 {
		members = append(members, from)
	}
	slices.Sort(members)
	members = slices.Compact(members)
	if len(members) > 1 {
		members = slices.DeleteFunc(members, o.is)
	}
	return members
}

// part is a part of an mms: words or a file. The screen layout is a part too, which is left out.
func (r *Reader) part(values map[string]string) (p sources.Part, some bool) {
	kind := strings.ToLower(values["ct"])
	switch {
	case strings.HasPrefix(kind, "application/smil"):
		return p, false
	case strings.HasPrefix(kind, "text/plain"):
		return sources.Part{Text: values["text"]}, strings.TrimSpace(values["text"]) != ""
	}
	name := ""
	for _, key := range []string{"cl", "name", "fn", "cid"} {
		if name = strings.Trim(strings.TrimSpace(values[key]), "<>"); name != "" {
			break
		}
	}
	return sources.Part{Kind: mediatype.Of(kind, "", name), Text: name, File: r.placeOf(values["data"], name)}, true
}

// emitter passes the messages to the sink.
type emitter struct {
	reader    *Reader
	sink      sources.Sink
	begun     bool
	row       int64
	count     int64 // the row of the last message, according to the file
	from      int64 // the row of the last message of the file before
	replaced  int   // elements with something that is no character
	mms       *mms
	own       own
	chats     map[string]*sources.Chat
	chatBytes int // of the keys of chats
	seen      sources.Seen
	keys      sources.Keys // of messages without a date
}

// began is the year of the first short message.
const began = 1992

// parseDate parses a date: milliseconds since 1970. There may be none.
func parseDate(date string) (at time.Time, err error) {
	if sources.IsNoTime(date) {
		return at, nil
	}
	if at, err = sources.ParseTime(json.RawMessage(date), time.UTC); err == nil {
		err = sources.CheckDate(at, "SMS", began)
	}
	return at, err
}

func (e *emitter) emit(m *message) error {
	if e.row%1024 == 0 {
		e.sink.Progress(e.row, e.count)
	}
	if m.fate != sources.Messages {
		e.sink.Count(m.fate, 1)
		return nil
	}
	at, err := parseDate(m.date)
	if err != nil {
		e.sink.Unreadable(fmt.Sprintf("the date of message %d: %v", e.row, err), 1)
		return nil
	}
	chat, key := e.chat(m.members)
	if e.chatBytes > largestChats {
		return fmt.Errorf("%w: the addresses of all chats together are longer than %d MiB", errLimit, largestChats>>20)
	}
	if len(m.members) == 1 && m.name != "" && m.name != "(Unknown)" {
		e.sink.Name(m.members[0], m.name)
	}
	sender := m.sender
	if sender != "" {
		sender = e.reader.reading.Address(sender)
	}
	words := []string{"sms", key, sender, m.date}
	for _, p := range m.parts {
		words = append(words, p.Kind.String(), p.Text)
	}
	guid := ""
	if at.IsZero() {
		guid = e.keys.GUID("sms "+key, sender, at, strings.Join(words, "\n"))
	} else {
		guid = sources.Hashed(words...)
	}
	out := sources.Message{Chat: chat, GUID: guid, Row: e.row, Time: at, Sender: m.sender, Parts: m.parts}
	if !e.seen.IsNew(out.GUID) { // restored phones have messages twice
		e.sink.Count(sources.Duplicates, 1)
		return nil
	}
	for i := range out.Parts {
		if out.Parts[i].Kind.IsAttachment() {
			out.Parts[i].Attachment = fmt.Sprintf("%s/%d", out.GUID, i)
		}
	}
	return e.sink.Message(&out)
}

// chat returns the chat with these people, and a key that does not depend on how their numbers are spelled.
func (e *emitter) chat(members []string) (chat *sources.Chat, key string) {
	spelled := make(map[string]string, len(members))
	for _, member := range slices.Sorted(slices.Values(members)) {
		spelled[e.reader.reading.Address(member)] = member
	}
	forms := slices.Sorted(maps.Keys(spelled))
	sorted := make([]string, len(forms))
	for i, form := range forms {
		sorted[i] = spelled[form]
	}
	key = strings.Join(forms, "~")
	if chat = e.chats[key]; chat == nil {
		chat = &sources.Chat{Source: e.reader.name, Extent: messages.Whole, Group: len(sorted) > 1, Members: sorted}
		e.chats[key] = chat
		e.chatBytes += len(key)
	}
	return chat, key
}
