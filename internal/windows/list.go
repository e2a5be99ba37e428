package windows

import (
	"bytes"
	"slices"
)

// List is a list of windows that can be read in any order without holding their text in memory. A window file (OpenFile) and
// messages.db (OpenDatabase) return the same text for the same messages.
//
// Methods are safe for concurrent use; the caller owns what they return.
type List interface {
	// Len returns the number of windows. They are numbered from 0 in file order; the windows of one conversation are in order
	// of time.
	Len() int

	// Conversation returns the conversation of window i, an index into Conversations. It reads no text.
	Conversation(i int) int

	// Conversations returns the sets of people, numbered as first seen; each is sorted and includes the owner.
	Conversations() [][]string

	// Targets returns how many of the last messages of window i are targets. It reads no text.
	Targets(i int) int

	// HeldOut reports whether window i is held out for evaluation. It reads no text.
	HeldOut(i int) bool

	// Lines returns one more than the largest Line.ID: the length of a table with one entry per line.
	Lines() int

	// Window reads window i.
	Window(i int) (*Window, error)

	// Where names window i for error messages: "windows.jsonl:12" or "messages.db: window 12".
	Where(i int) string

	// Close closes the list. It may be called twice.
	Close() error
}

// Window is a header and the messages that follow it, oldest first.
type Window struct {
	Conversation int      // index into List.Conversations
	Header       []byte   // `{"type": "dm", "members": […], "start": "…"}` and a newline
	Memory       [][]byte // lines about earlier messages, between the header and Lines; none without Memory
	Lines        []Line   // at least one
	Targets      int      // the last Targets of Lines carry loss; 1 <= Targets <= len(Lines)
}

// Line is one message of a window. Lines with the same ID have the same text in all windows of a List, so that results
// computed from the text, such as tokens, can be cached by ID. A message that is the first of a window has the delta "<1m"
// there, and another ID if its delta is different elsewhere.
type Line struct {
	ID   int    // 0 <= ID < List.Lines()
	Text []byte // one JSON object and a newline
}

// TargetLines returns the lines that carry loss.
func (w *Window) TargetLines() []Line { return w.Lines[len(w.Lines)-w.Targets:] }

// Split divides the windows into those to train on and those held out for evaluation, both in file order.
func Split(s List) (train, heldOut []int) {
	for i := range s.Len() {
		if s.HeldOut(i) {
			heldOut = append(heldOut, i)
		} else {
			train = append(train, i)
		}
	}
	return train, heldOut
}

// conversationSet numbers sets of people.
type conversationSet struct {
	members [][]string
	index   map[string]int // by conversationKey
}

// conversationKey returns a key that is unique to a set of people, and the people sorted.
func conversationKey(members []string) (key string, sorted []string) {
	sorted = slices.Clone(members)
	slices.Sort(sorted)
	sorted = slices.Compact(sorted)
	return string(appendNames(nil, sorted)), sorted
}

// number returns the index of the conversation of these people, and adds it if it is new.
func (c *conversationSet) number(members []string) int {
	key, sorted := conversationKey(members)
	if i, ok := c.index[key]; ok {
		return i
	}
	if c.index == nil {
		c.index = make(map[string]int)
	}
	i := len(c.members)
	c.index[key] = i
	c.members = append(c.members, sorted)
	return i
}

// splitText splits the text of a window after each newline. It adds a missing newline at the end.
func splitText(text []byte) [][]byte {
	if len(text) > 0 && text[len(text)-1] != '\n' {
		text = append(text, '\n')
	}
	lines := make([][]byte, 0, bytes.Count(text, []byte{'\n'}))
	for len(text) > 0 {
		end := bytes.IndexByte(text, '\n') + 1
		lines = append(lines, text[:end:end])
		text = text[end:]
	}
	return lines
}

// Progress receives how much of a job is done; total is in the same unit, and 0 if unknown. It may be nil.
type Progress func(done, total int64)

// Report calls p unless it is nil.
func (p Progress) Report(done, total int64) {
	if p != nil {
		p(done, total)
	}
}
