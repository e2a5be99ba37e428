package windows

import (
	"bytes"
	"slices"
)

// List is a list of windows that may be visited in any order without holding their text in memory. Both kinds, a
// window file (OpenFile) and messages.db (OpenDatabase), give the same text for the same messages.
//
// All methods may be called from several goroutines at once; what they return belongs to the caller.
type List interface {
	// Len is the number of windows. They are numbered from 0, in file order: the windows of one conversation keep their
	// order in time.
	Len() int

	// Conversation is the conversation of window i, an index into Conversations. It reads no text.
	Conversation(i int) int

	// Conversations are the sets of people, numbered as first seen; each set is sorted and includes the owner.
	Conversations() [][]string

	// Targets is how many of the last messages of window i are targets. It reads no text.
	Targets(i int) int

	// Lines is one more than the largest Line.ID of any window: the length of a table with an entry a line.
	Lines() int

	// Window reads window i.
	Window(i int) (*Window, error)

	// Where names window i for an error message: "windows.jsonl:12" or "messages.db: window 12".
	Where(i int) string

	// Close frees the source. Calling it twice is harmless.
	Close() error
}

// Window is a header and the messages that follow it, oldest first.
type Window struct {
	Conversation int    // index into Source.Conversations
	Header       []byte // `{"type": "dm", "members": […], "start": "…"}` and a newline
	Lines        []Line // at least one
	Targets      int    // the last Targets of Lines carry loss; 1 <= Targets <= len(Lines)
}

// Line is one message of a window. Lines with the same ID have the same text wherever they occur in their Source, so
// what is computed from the text of a line (its tokens) needs computing once an ID. The message that opens a window
// says "<1m" there and may say something else in other windows; it then has another ID there.
type Line struct {
	ID   int    // 0 <= ID < Source.Lines()
	Text []byte // one JSON object, from its { to its }, and a newline
}

// AppendText appends the whole text of the window, as the "text" of a window file holds it.
func (w *Window) AppendText(dst []byte) []byte {
	dst = append(dst, w.Header...)
	for _, line := range w.Lines {
		dst = append(dst, line.Text...)
	}
	return dst
}

// TargetLines are the lines that carry loss.
func (w *Window) TargetLines() []Line { return w.Lines[len(w.Lines)-w.Targets:] }

// heldOutWindows is how many of the last windows of a conversation are kept for evaluation.
const heldOutWindows = 2

// Split divides the windows into those to train on and those held out for evaluation, both in file order: of each
// conversation with more than two windows the last two are held out.
func Split(s List) (train, heldOut []int) {
	left := make([]int, len(s.Conversations())) // windows of the conversation from i on
	for i := range s.Len() {
		left[s.Conversation(i)]++
	}
	kept := slices.Clone(left)
	for i := range s.Len() {
		c := s.Conversation(i)
		if kept[c] > heldOutWindows && left[c] <= heldOutWindows {
			heldOut = append(heldOut, i)
		} else {
			train = append(train, i)
		}
		left[c]--
	}
	return train, heldOut
}

// conversationSet numbers sets of people.
type conversationSet struct {
	members [][]string
	index   map[string]int // by conversationKey
}

// conversationKey is the same for the same set of people in any order, and for no other set.
func conversationKey(members []string) (key string, sorted []string) {
	sorted = slices.Clone(members)
	slices.Sort(sorted)
	sorted = slices.Compact(sorted)
	return string(appendNames(nil, sorted)), sorted
}

// number returns the index of the conversation of these people, adding it when it is new.
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

// splitText cuts the text of a window after each newline; every part keeps its own. A missing last newline is added.
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
