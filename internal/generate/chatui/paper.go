package chatui

import (
	"io"
	"strings"
	"sync"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

// paper is where the dialogue prints. Full rows go above the editor; the row that is being written is shown in the view until it is
// full or its line ends. Before there is an editor, full rows go to the terminal.
type paper struct {
	out io.Writer // the terminal

	mu      sync.Mutex
	send    func(tea.Msg) // nil before there is an editor
	columns int
	cells   ansi.Method
	row     string
	indent  int // of the rows after this one, if row is not the first of its line
}

// rowMsg is the row that is being written.
type rowMsg string

// showIn makes the program show what is printed from now on.
func (p *paper) showIn(send func(tea.Msg)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.send = send
}

// resize sets the width of the terminal and how it measures text.
func (p *paper) resize(columns int, cells ansi.Method) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.columns, p.cells = columns, cells
}

// Write implements io.Writer.
func (p *paper) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	lines := strings.Split(p.row+strings.ReplaceAll(string(text), "\t", "    "), "\n")
	var full []string
	for i, line := range lines {
		for {
			indent := p.indent
			if indent == 0 {
				indent = indentOf(line)
			}
			row, rest, more := firstRow(line, max(p.columns, 10), indent, p.cells)
			if !more {
				break
			}
			full, line, p.indent = append(full, row), rest, indent
		}
		p.row = line
		if i < len(lines)-1 {
			full, p.indent = append(full, line), 0
		}
	}
	if p.send == nil {
		if len(full) > 0 {
			_, err := io.WriteString(p.out, strings.Join(full, "\n")+"\n")
			return len(text), err
		}
		return len(text), nil
	}
	p.send(rowMsg(""))
	if len(full) > 0 {
		p.send(tea.Println(strings.Join(full, "\n"))())
	}
	p.send(rowMsg(p.row))
	return len(text), nil
}
