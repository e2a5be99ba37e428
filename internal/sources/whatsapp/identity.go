package whatsapp

import (
	"fmt"
	"strings"
	"time"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
)

// prefix begins the names of the sources of this format.
const prefix = "whatsapp "

// separator precedes the number of a source whose chat has the title of another chat.
const separator = "\t"

// samples are messages spread evenly over a file.
type samples struct {
	list   []item
	stride int64
	next   int64 // messages until the next sample
}

// mostSamples is how many messages are enough to find what two exports have in common.
const mostSamples = 512

func (s *samples) add(at *item) {
	if s.next > 0 {
		s.next--
		return
	}
	if len(s.list) == mostSamples {
		for i := range mostSamples / 2 {
			s.list[i] = s.list[2*i]
		}
		s.list, s.stride = s.list[:mostSamples/2], 2*s.stride+1
	}
	s.list = append(s.list, *at)
	s.next = s.stride
}

// identify decides which chat this is: the one collected before with which it has messages in common, whatever the name of
// either, or a new one.
func (e *emitter) identify() error {
	e.known, e.chat.Source = e.title, prefix+e.title
	names := e.sink.Collected(prefix)
	if len(names) == 0 || len(e.samples.list) == 0 {
		return nil
	}
	best, namesakes := 0, 0
	for _, name := range names {
		title, _, _ := strings.Cut(strings.TrimPrefix(name, prefix), separator)
		namesake := title == e.title
		if namesake {
			namesakes++
		}
		n, err := e.common(name, title)
		if err != nil {
			return err
		}
		if n > best || n == best && n > 0 && name == prefix+e.title {
			best, e.known, e.chat.Source = n, title, name
		}
	}
	if best > 0 || namesakes == 0 {
		return nil
	}
	// It may be a file that is read otherwise than before: in another zone, or with another owner.
	texts := map[string]bool{}
	for i := range e.samples.list {
		if b := e.reader.body(e.samples.list[i].text); len(b.parts) > 0 {
			texts[b.parts[len(b.parts)-1].Text] = true
		}
	}
	n, err := e.sink.HoldsTexts(prefix+e.title, texts)
	if err == nil && 2*n < len(texts) {
		e.chat.Source = fmt.Sprint(prefix, e.title, separator, namesakes+1)
	}
	return err
}

// leastCommon is how many messages show that a chat of another name is this one, if at least half of the messages between
// them are in both: the same words may be sent to several chats at once.
const leastCommon = 3

// common returns how many of the samples a source has under a title; 0 if they are too few for the same chat.
func (e *emitter) common(source, title string) (n int, err error) {
	var guids []string
	for i := range e.samples.list {
		at := &e.samples.list[i]
		address := e.address(at.sender)
		if !e.chat.Group && address != messages.Owner {
			address = e.spelledIn(title, address)
		}
		var keys sources.Keys
		guids = append(guids, keys.GUID(prefix+title, address, at.stamp.time(e.order, e.zone).Truncate(time.Minute), e.reader.body(at.text).words))
	}
	held, err := e.sink.Holds(source, guids)
	if err != nil {
		return 0, err
	}
	first, last := -1, -1
	others := false // somebody other than the owner wrote one
	for i := range held {
		if held[i] {
			n++
			if last = i; first < 0 {
				first = i
			}
			others = others || e.address(e.samples.list[i].sender) != messages.Owner
		}
	}
	if title != e.title && (n < leastCommon || !others || 2*n < last-first+1) {
		return 0, nil
	}
	return n, nil
}

// spelledIn returns the address that the other person of a direct chat had when the chat had this title.
func (e *emitter) spelledIn(title, address string) string {
	if title != e.title && address == e.title {
		return title
	}
	return address
}
