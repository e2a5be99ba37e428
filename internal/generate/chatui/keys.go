package chatui

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"
)

// moves are the keys that move the cursor or change the text.
var moves = map[string]func(*editor){
	"left": (*editor).left, "ctrl+b": (*editor).left,
	"right": (*editor).right, "ctrl+f": (*editor).right,
	"home": (*editor).home, "ctrl+a": (*editor).home,
	"end": (*editor).end, "ctrl+e": (*editor).end,
	"up": (*editor).up, "ctrl+p": (*editor).up,
	"down": (*editor).down, "ctrl+n": (*editor).down,
	"ctrl+left": (*editor).wordLeft, "alt+left": (*editor).wordLeft, "alt+b": (*editor).wordLeft,
	"ctrl+right": (*editor).wordRight, "alt+right": (*editor).wordRight, "alt+f": (*editor).wordRight,
	"backspace": (*editor).backspace, "ctrl+h": (*editor).backspace,
	"delete": (*editor).deleteNext,
	"ctrl+w": (*editor).killWordBefore, "alt+backspace": (*editor).killWordBefore, "ctrl+backspace": (*editor).killWordBefore,
	"alt+d": (*editor).killWordAfter, "alt+delete": (*editor).killWordAfter, "ctrl+delete": (*editor).killWordAfter,
	"ctrl+u": (*editor).killToStart, "ctrl+k": (*editor).killToEnd, "ctrl+y": (*editor).yank,
	"alt+enter": (*editor).lineBreak, "shift+enter": (*editor).lineBreak,
}

func (e *editor) home()           { e.cursor = e.lineStart() }
func (e *editor) end()            { e.cursor = e.lineEnd() }
func (e *editor) up()             { e.vertical(-1) }
func (e *editor) down()           { e.vertical(1) }
func (e *editor) wordLeft()       { e.cursor = e.wordStart() }
func (e *editor) wordRight()      { e.cursor = e.wordEnd() }
func (e *editor) backspace()      { e.remove(max(0, e.cursor-1), e.cursor) }
func (e *editor) deleteNext()     { e.remove(e.cursor, min(len(e.text), e.cursor+1)) }
func (e *editor) killWordBefore() { e.kill(e.wordStart(), e.cursor) }
func (e *editor) killWordAfter()  { e.kill(e.cursor, e.wordEnd()) }
func (e *editor) killToStart()    { e.kill(e.lineStart(), e.cursor) }
func (e *editor) killToEnd()      { e.kill(e.cursor, e.lineEnd()) }
func (e *editor) yank()           { e.insert(e.killed) }
func (e *editor) lineBreak()      { e.insert("\n") }

// press processes a key.
func (m *model) press(key tea.Key) tea.Cmd {
	name := key.Keystroke()
	leaving := m.leaving
	m.hints, m.leaving = nil, false
	switch name {
	case "ctrl+c":
		return m.interrupt(leaving)
	case "ctrl+d":
		if len(m.editor.text) == 0 {
			return m.leave()
		}
		m.editor.deleteNext()
	case "enter", "ctrl+j":
		m.waiting = append(m.waiting, m.editor.submit())
		return m.next()
	case "tab":
		m.complete()
	case "ctrl+l":
		return tea.ClearScreen
	case "ctrl+z":
		return tea.Suspend
	default:
		if move := moves[name]; move != nil {
			move(&m.editor)
		} else if key.Text != "" {
			m.editor.insert(key.Text)
		}
	}
	return nil
}

// interrupt stops the answer and drops what waits, else clears the line; at an empty line, the second time in a row leaves.
func (m *model) interrupt(leaving bool) tea.Cmd {
	switch {
	case m.busy:
		m.waiting = nil
		m.stop()
	case leaving:
		return m.leave()
	case len(m.editor.text) > 0:
		m.editor.set("", 0)
	}
	m.leaving = true
	if !m.busy {
		m.hints = []string{"(Ctrl-C again leaves)"}
	}
	return nil
}

// complete replaces the word before the cursor by the only candidate, or extends it as far as all candidates agree, and shows them.
func (m *model) complete() {
	before := m.editor.before()
	from, candidates := m.completer(before)
	if len(candidates) == 0 {
		return
	}
	word := candidates[0]
	for _, c := range candidates[1:] {
		word = word[:commonPrefix(word, c)]
	}
	if len(candidates) > 1 {
		m.hints = m.columnsOf(candidates)
		if len(word) < len(before)-from {
			return
		}
	}
	after := strings.TrimPrefix(m.editor.String(), before)
	m.editor.set(before[:from]+word+after, from+len(word))
}

// commonPrefix returns the length in bytes of the whole characters that two texts begin with.
func commonPrefix(a, b string) (n int) {
	of := clusters(b)
	for i, cluster := range clusters(a) {
		if i >= len(of) || of[i] != cluster {
			break
		}
		n += len(cluster)
	}
	return n
}

// columnsOf lays candidates out in rows that fit, at most five.
func (m *model) columnsOf(candidates []string) (rows []string) {
	row := ""
	for _, c := range candidates {
		c = strings.TrimRight(c, ": ")
		if row != "" && m.cells.StringWidth(row+"  "+c) >= m.columns {
			rows, row = append(rows, row), ""
		}
		row = strings.TrimLeft(row+"  "+c, " ")
	}
	rows = append(rows, row)
	if len(rows) > 5 {
		rows = append(slices.Clip(rows[:5]), "…")
	}
	return rows
}
