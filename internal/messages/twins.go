package messages

import (
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// A message may be in several chats, under other identifiers: in the backups of two telephones that spell a number in two
// ways, in exports from before and after a group was renamed, or once as RCS and once as SMS. Chats of the same people that
// hold the same words of the same person at the same time hold one message. Nothing in the file depends on it, for it
// depends on who is who.

// twins holds the messages back until no later one can be their copy.
type twins struct {
	reader *Reader
	active bool // the conversation has several chats
	held   []heldMessage
	// timeless are the ids of reactions whose program does not say when they were made, and which therefore come with the message they
	// are to. The same ones of other programs come later.
	timeless map[timelessReaction][]int64
	copies   map[int64]int64 // of the ids of copies: the id of the message that is shown; nil if nobody asks
	yield    func(*placedMessage) error
}

// timelessReaction is a reaction without its time.
type timelessReaction struct{ person, text, quoted string }

// heldMessage is a message, and the other chats that hold a copy of it.
type heldMessage struct {
	placedMessage
	others []*chat
}

func newTwins(r *Reader, active bool, yield func(*placedMessage) error) *twins {
	return &twins{reader: r, active: active, yield: yield}
}

// add takes the next message, in order of time.
func (t *twins) add(m *placedMessage) error {
	if !t.active {
		return t.yield(m)
	}
	if err := t.release(m.Date - minute - sameTime); err != nil {
		return err
	}
	if m.Kind == Reaction && !m.stream.timeless && t.isTimeless(m) {
		return nil
	}
	for i := range t.held {
		if t.isTwin(&t.held[i], m) {
			t.held[i].merge(m, t.copies)
			slices.SortStableFunc(t.held, func(a, b heldMessage) int { return a.compare(&b.placedMessage) })
			return nil
		}
	}
	t.held = append(t.held, heldMessage{placedMessage: *m})
	if m.Kind == Reaction && m.stream.timeless {
		if t.timeless == nil {
			t.timeless = make(map[timelessReaction][]int64)
		}
		key := t.withoutTime(m)
		t.timeless[key] = append(t.timeless[key], m.id)
	}
	return nil
}

// isTimeless reports whether a reaction came before, without its time.
func (t *twins) isTimeless(m *placedMessage) bool {
	key := t.withoutTime(m)
	earlier := t.timeless[key]
	if len(earlier) == 0 {
		return false
	}
	t.timeless[key] = earlier[1:]
	if t.copies != nil {
		t.copies[m.id] = earlier[0]
	}
	return true
}

func (t *twins) withoutTime(m *placedMessage) timelessReaction {
	return timelessReaction{t.reader.person(m.Sender), m.Text, norm.NFC.String(m.QuotedText)}
}

// release yields the messages before a date.
func (t *twins) release(before int64) error {
	n := 0
	for n < len(t.held) && t.held[n].Date < before {
		if err := t.yield(&t.held[n].placedMessage); err != nil {
			return err
		}
		n++
	}
	t.held = slices.Delete(t.held, 0, n)
	return nil
}

// flush yields the rest.
func (t *twins) flush() error { return t.release(Forever) }

// isTwin reports whether a later message is a copy of another chat. Texts are compared last: few messages get that far.
func (t *twins) isTwin(h *heldMessage, m *placedMessage) bool {
	return h.Kind == m.Kind && h.stream != m.stream && h.isAtTheTimeOf(m, t.reader.sources) && !h.isIn(m.stream.chat, t.reader.sources) &&
		t.reader.person(h.Sender) == t.reader.person(m.Sender) && sameWords(h.Text, m.Text) && (h.Kind != Reaction || h.QuotedText == m.QuotedText)
}

// isIn reports whether a chat, or another one of the same export of this program, holds the message. Such an export has every message
// once, in chats of the programs that the messages are of.
func (h *heldMessage) isIn(c *chat, sources map[int64]string) bool {
	export := exportOf(sources[c.source])
	holds := func(other *chat) bool {
		return other == c || export != "" && export == exportOf(sources[other.source])
	}
	return holds(h.stream.chat) || slices.ContainsFunc(h.others, holds)
}

// exportOf returns the path of the export of this program that a source is of, "" if it is none.
func exportOf(source string) string {
	name, path, _ := strings.Cut(source, " ")
	if !strings.HasSuffix(name, "-export") && name != "export" {
		return ""
	}
	return path
}

// isAtTheTimeOf reports whether a later message may have the same time.
func (h *heldMessage) isAtTheTimeOf(m *placedMessage, sources map[int64]string) bool {
	return m.Date-h.Date < sameTime || sameMoment(h.Date, m.Date, program(sources[h.stream.chat.source]) == program(sources[m.stream.chat.source]))
}

// merge adds a copy: the one that answers a message, or tells the time more precisely, is shown.
func (h *heldMessage) merge(m *placedMessage, copies map[int64]int64) {
	chat, other := m.stream.chat, m.id
	if m.Replies && !h.Replies || m.Replies == h.Replies && tellsMinutes(h.Date) && !tellsMinutes(m.Date) {
		chat, other = h.stream.chat, h.id
		h.placedMessage = *m
	}
	h.others = append(h.others, chat)
	if copies != nil {
		copies[other] = h.id
	}
}
