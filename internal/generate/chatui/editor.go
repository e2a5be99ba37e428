package chatui

import (
	"slices"
	"strings"
	"unicode"

	"github.com/rivo/uniseg"
)

// editor is a text being typed, possibly of several lines, with the history of earlier ones.
type editor struct {
	text   []string // grapheme clusters; a line break is "\n"
	cursor int      // before text[cursor]

	history  []string
	recalled int    // index in history of what is shown; len(history) for the new text
	draft    string // the new text while an earlier one is shown
	killed   string // what was deleted last by word or line
}

// clusters splits a text into what a reader sees as one character each.
func clusters(text string) (all []string) {
	for g := uniseg.NewGraphemes(text); g.Next(); {
		all = append(all, g.Str())
	}
	return all
}

// printable returns typed or pasted text without control characters: line ends become "\n", tabs spaces.
func printable(text string) string {
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\t", " ").Replace(strings.ToValidUTF8(text, "\uFFFD"))
	return strings.Map(func(r rune) rune {
		if r != '\n' && unicode.IsControl(r) {
			return -1
		}
		return r
	}, text)
}

func (e *editor) String() string { return strings.Join(e.text, "") }

// before returns the text before the cursor.
func (e *editor) before() string { return strings.Join(e.text[:e.cursor], "") }

// set replaces the text and puts the cursor after its first n bytes, or after the character that they end in.
func (e *editor) set(text string, n int) {
	e.text = clusters(text)
	e.cursor = 0
	for e.cursor < len(e.text) && n > 0 {
		n -= len(e.text[e.cursor])
		e.cursor++
	}
}

// insert types text at the cursor. What is typed may join the character before it, as a combining mark does.
func (e *editor) insert(text string) {
	before, after := e.before()+printable(text), strings.Join(e.text[e.cursor:], "")
	e.set(before+after, len(before))
}

// remove deletes the characters from index from to index to, and returns them.
func (e *editor) remove(from, to int) string {
	removed := strings.Join(e.text[from:to], "")
	before, after := strings.Join(e.text[:from], ""), strings.Join(e.text[to:], "")
	e.set(before+after, len(before))
	return removed
}

// kill deletes characters that yank inserts again.
func (e *editor) kill(from, to int) {
	if from < to {
		e.killed = e.remove(from, to)
	}
}

func (e *editor) left()  { e.cursor = max(0, e.cursor-1) }
func (e *editor) right() { e.cursor = min(len(e.text), e.cursor+1) }

// lineStart and lineEnd return where the cursor's line begins and ends.
func (e *editor) lineStart() int {
	for i := e.cursor; i > 0; i-- {
		if e.text[i-1] == "\n" {
			return i
		}
	}
	return 0
}

func (e *editor) lineEnd() int {
	if n := slices.Index(e.text[e.cursor:], "\n"); n >= 0 {
		return e.cursor + n
	}
	return len(e.text)
}

// wordStart and wordEnd return where the word before or after the cursor begins or ends.
func (e *editor) wordStart() int {
	i := e.cursor
	for i > 0 && blank(e.text[i-1]) {
		i--
	}
	for i > 0 && !blank(e.text[i-1]) {
		i--
	}
	return i
}

func (e *editor) wordEnd() int {
	i := e.cursor
	for i < len(e.text) && blank(e.text[i]) {
		i++
	}
	for i < len(e.text) && !blank(e.text[i]) {
		i++
	}
	return i
}

func blank(cluster string) bool { return strings.TrimSpace(cluster) == "" }

// submit empties the editor and returns its text, which becomes history unless it is blank or the same as the last.
func (e *editor) submit() string {
	text := e.String()
	if strings.TrimSpace(text) != "" && (len(e.history) == 0 || e.history[len(e.history)-1] != text) {
		e.history = append(e.history, text)
	}
	e.recalled, e.draft = len(e.history), ""
	e.set("", 0)
	return text
}

// vertical moves the cursor one line up (-1) or down (1), at the same number of characters; at the first or last line it
// shows the text before or after in the history.
func (e *editor) vertical(by int) {
	start := e.lineStart()
	column := e.cursor - start
	switch {
	case by < 0 && start > 0:
		e.cursor = start - 1
		e.cursor = min(e.lineStart()+column, e.cursor)
	case by > 0 && e.lineEnd() < len(e.text):
		e.cursor = e.lineEnd() + 1
		e.cursor = min(e.cursor+column, e.lineEnd())
	default:
		e.recall(e.recalled + by)
	}
}

// recall shows text n of the history.
func (e *editor) recall(n int) {
	if n < 0 || n > len(e.history) || n == e.recalled {
		return
	}
	if e.recalled == len(e.history) {
		e.draft = e.String()
	}
	e.recalled = n
	text := e.draft
	if n < len(e.history) {
		text = e.history[n]
	}
	e.set(text, len(text))
}
