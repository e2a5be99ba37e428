package windows

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"ventriloquist/internal/messages"
)

// Memory finds earlier exchanges of the same people that are relevant to what is said. For the same moment it returns the same lines,
// in training and in use: they depend only on the header, the last messages before the target, its author, and the stored messages of
// days before the header's. Messages that are held out are never among them. Its methods are safe for concurrent use.
//
// The index is made of the stored messages when a conversation is first asked about, and kept in memory: no second copy of the
// messages is on the disk, and what was forgotten or redacted is in none.
type Memory struct {
	list    *databaseList
	owned   bool // Close closes the list
	tokens  int
	count   func(line string) int
	heldOut []targetRun
	indexes []lazyIndex // of each set of people
}

// lazyIndex is made when it is needed.
type lazyIndex struct {
	once sync.Once
	list []*memoryIndex // of the conversations of these people
	err  error
}

// OpenMemory opens the memory of the messages.db at path, whose lines have at most so many tokens for each window.
func OpenMemory(ctx context.Context, path string, tokens int, count func(line string) int) (*Memory, error) {
	db, err := messages.OpenReadOnly(ctx, path)
	if err != nil {
		return nil, err
	}
	list, err := openTables(ctx, db, nil)
	if err != nil {
		db.Close()
		return nil, err
	}
	m := newMemory(list, tokens, count)
	m.owned = true
	return m, nil
}

func newMemory(list *databaseList, tokens int, count func(line string) int) *Memory {
	m := &Memory{list: list, tokens: tokens, count: count, indexes: make([]lazyIndex, len(list.sets.members))}
	for i, w := range list.windows {
		if list.heldOut[i] {
			m.heldOut = append(m.heldOut, targetRun{w.last - int64(w.targets) + 1, w.last})
		}
	}
	slices.SortFunc(m.heldOut, func(a, b targetRun) int { return cmp.Compare(a.first, b.first) })
	return m
}

// Close closes the file, unless it is that of a list.
func (m *Memory) Close() error {
	if !m.owned {
		return nil
	}
	return m.list.Close()
}

// Lines returns the lines to put after a header: the most relevant exchanges that fit the tokens, in order of time. before are the
// messages before the target, and as is its author.
func (m *Memory) Lines(h Header, before []Message, as string) ([][]byte, error) {
	key, _ := conversationKey(h.Members)
	set, known := m.list.sets.index[key]
	start, err := time.Parse(time.DateOnly, h.Start)
	if !known || err != nil {
		return nil, nil
	}
	terms := queryOf(before)
	if len(terms) == 0 {
		return nil, nil
	}
	list, err := m.indexOf(set)
	if err != nil {
		return nil, err
	}
	return m.fill(search(list, dayOf(start.UnixNano()), terms, as))
}

// indexOf returns the index of a set of people, one for each of their conversations.
func (m *Memory) indexOf(set int) ([]*memoryIndex, error) {
	lazy := &m.indexes[set]
	lazy.once.Do(func() {
		for c, of := range m.list.set {
			if of != set {
				continue
			}
			x, err := newMemoryIndex(context.Background(), m.list.db, m.list.members[c], m.list.conversations[c], m.heldOut)
			if err != nil {
				lazy.err = err
				return
			}
			lazy.list = append(lazy.list, x)
		}
	})
	return lazy.list, lazy.err
}

// remembered is an exchange with its lines.
type remembered struct {
	found
	lines [][]byte
}

// fill takes exchanges in order of relevance as long as they fit.
func (m *Memory) fill(best []found) (lines [][]byte, err error) {
	var kept []remembered
	left := m.tokens
	for _, f := range best {
		r := remembered{found: f}
		if r.lines, err = m.render(f.first, f.last); err != nil {
			return nil, err
		}
		size := 0
		for _, line := range r.lines {
			size += m.count(string(line))
		}
		if size > left {
			continue
		}
		left -= size
		if kept = append(kept, r); len(kept) == mostExchanges {
			break
		}
	}
	slices.SortFunc(kept, func(a, b remembered) int {
		return cmp.Or(cmp.Compare(a.day, b.day), cmp.Compare(a.conversation, b.conversation), cmp.Compare(a.first, b.first))
	})
	for _, r := range kept {
		lines = append(lines, r.lines...)
	}
	return lines, nil
}

// render returns the lines of an exchange.
func (m *Memory) render(first, last int64) (lines [][]byte, err error) {
	rows, err := m.list.selectRange.Query(first, last)
	if err != nil {
		return nil, m.list.db.Explain(err)
	}
	defer rows.Close()
	scanner := messageScanner{}
	for rows.Next() {
		s, err := scanner.scan(rows)
		if err != nil {
			return nil, m.list.db.Explain(err)
		}
		if s.ContentType == messages.Reaction.String() {
			continue
		}
		lines = append(lines, AppendMemory(nil, &MemoryLine{Date: StartDate(time.Unix(0, s.date)), Name: s.Name, Text: s.Text}))
	}
	if err := rows.Err(); err != nil {
		return nil, m.list.db.Explain(err)
	}
	return lines, nil
}

// memoryList is a list whose windows have memories.
type memoryList struct {
	List
	memory *Memory
}

// WithMemory returns the list with memories of at most so many tokens in each window. A window file has the memories that it was written
// with, and stays as it is.
func WithMemory(l List, tokens int, count func(line string) int) List {
	stored, is := l.(*databaseList)
	if !is || tokens == 0 {
		return l
	}
	return &memoryList{l, newMemory(stored, tokens, count)}
}

// DefaultMemoryTokens is how many tokens memories may have in a window unless the options say otherwise.
const DefaultMemoryTokens = 256

// MemoryTokens returns how many tokens of memories the windows of a list are to have, as Build was told; 0 for none. A window file does
// not say how many its memories were to have.
func MemoryTokens(l List) int {
	switch l := l.(type) {
	case *databaseList:
		return l.memoryTokens
	case *fileList:
		if l.hasMemory {
			return DefaultMemoryTokens
		}
	}
	return 0
}

// Window reads a window with its memories: those of the moment before its first target.
func (l *memoryList) Window(i int) (*Window, error) {
	w, err := l.List.Window(i)
	if err != nil {
		return nil, err
	}
	header, err := ParseHeader(w.Header)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", l.Where(i), err)
	}
	end := len(w.Lines) - w.Targets
	before, err := lastWords(w.Lines[:end])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", l.Where(i), err)
	}
	target, err := ParseMessage(w.Lines[end].Text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", l.Where(i), err)
	}
	if w.Memory, err = l.memory.Lines(header, before, target.Name); err != nil {
		return nil, fmt.Errorf("%s: %w", l.Where(i), err)
	}
	return w, nil
}

// lastWords returns the last messages that are looked up.
func lastWords(lines []Line) (before []Message, err error) {
	for i := len(lines) - 1; i >= 0 && len(before) < queryMessages; i-- {
		m, err := ParseMessage(lines[i].Text)
		if err != nil {
			return nil, err
		}
		if m.ContentType != messages.Reaction.String() {
			before = append(before, m)
		}
	}
	slices.Reverse(before)
	return before, nil
}
