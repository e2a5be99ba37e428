package chatui

import (
	"context"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"ventriloquist/internal/terminal"
)

// Dialogue takes what is typed; *chat.Dialogue is one. Only one of its methods is called at a time.
type Dialogue interface {
	// Enter processes a turn. It reports whether the conversation is over. When ctx ends, the answer in progress is dropped.
	Enter(ctx context.Context, turn string) (quit bool, err error)
	// Completer returns a function that may be used during an answer: it returns what the last word of a line, which begins at byte
	// from, may become.
	Completer() func(line string) (from int, candidates []string)
	// Speaker returns who says what is typed, "" if unknown.
	Speaker() string
	// News returns a channel that receives a value when Refresh has something to do; nil if it never does.
	News() <-chan struct{}
	// Refresh prints what arrived from elsewhere.
	Refresh(ctx context.Context)
	// Question returns the number of the question that the next turn answers, 0 for none.
	Question() int
}

// Run has a conversation in a terminal until it ends. begin starts the dialogue, which prints to out.
func Run(ctx context.Context, begin func(out io.Writer) Dialogue, in, out *os.File) error {
	m := &model{ctx: ctx, columns: max(terminal.Columns(out), 10), rows: 24}
	m.paper = &paper{out: out, columns: m.columns, cells: m.cells}
	m.dialogue = begin(m.paper)
	m.speaker, m.completer = m.dialogue.Speaker(), m.dialogue.Completer()
	program := tea.NewProgram(m, tea.WithContext(ctx), tea.WithInput(in), tea.WithOutput(out), tea.WithoutSignalHandler())
	m.paper.showIn(program.Send)
	_, err := program.Run()
	if m.stop != nil {
		m.stop()
	}
	m.working.Wait()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case m.failure != nil:
		return m.failure
	}
	return err
}

// model is the state of the screen: a tea.Model.
type model struct {
	ctx           context.Context
	dialogue      Dialogue
	paper         *paper
	columns, rows int
	cells         ansi.Method

	editor    editor
	speaker   string
	completer func(line string) (from int, candidates []string)
	row       string             // being written by the dialogue
	hints     []string           // shown until the next key
	waiting   []string           // turns that were entered during an answer
	news      bool               // something arrived that the dialogue has not printed
	question  int                // the dialogue's, after its last turn
	ready     bool               // to print above the editor
	busy      bool               // the dialogue has a turn
	stop      context.CancelFunc // of that turn
	leaving   bool               // Ctrl-C was pressed at an empty line: once more leaves
	finished  bool
	failure   error
	ticks     int            // since the turn began
	working   sync.WaitGroup // until the dialogue is done with its turn
}

// readyMsg comes when the editor is on the screen: above it, something can be printed.
type readyMsg struct{}

// turnMsg says that the dialogue is done with a turn.
type turnMsg struct {
	quit bool
	err  error
}

// newsMsg says that something arrived.
type newsMsg struct{}

type tickMsg time.Time

// firstFrames is a time in which the renderer shows the editor several times.
const firstFrames = 100 * time.Millisecond

func (m *model) Init() tea.Cmd {
	return tea.Batch(tea.Tick(firstFrames, func(time.Time) tea.Msg { return readyMsg{} }), m.listen())
}

// listen waits for news.
func (m *model) listen() tea.Cmd {
	news := m.dialogue.News()
	if news == nil {
		return nil
	}
	return func() tea.Msg {
		select {
		case <-news:
			return newsMsg{}
		case <-m.ctx.Done():
			return nil
		}
	}
}

func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.columns, m.rows = max(msg.Width, 10), max(msg.Height, 2)
		m.paper.resize(m.columns, m.cells)
	case tea.ModeReportMsg:
		if msg.Mode == ansi.ModeUnicodeCore && (msg.Value == ansi.ModeSet || msg.Value == ansi.ModeReset || msg.Value == ansi.ModePermanentlySet) {
			m.cells = ansi.GraphemeWidth // the renderer changes with it
			m.paper.resize(m.columns, m.cells)
		}
	case readyMsg:
		m.ready = true
		return m, m.next()
	case newsMsg:
		m.news = true
		return m, tea.Batch(m.next(), m.listen())
	case rowMsg:
		m.row = string(msg)
	case tickMsg:
		if m.busy {
			m.ticks++
			return m, tick()
		}
	case turnMsg:
		m.busy, m.stop, m.row = false, nil, ""
		if msg.quit || msg.err != nil {
			m.failure = msg.err
			return m, m.leave()
		}
		m.dropEarlyAnswers()
		return m, m.next()
	case tea.PasteMsg:
		m.hints, m.leaving = nil, false
		m.editor.insert(msg.Content)
	case tea.KeyPressMsg:
		return m, m.press(tea.Key(msg))
	}
	return m, nil
}

// leave ends the program, with nothing of the editor on the screen.
func (m *model) leave() tea.Cmd {
	m.finished = true
	return tea.Quit
}

// dropEarlyAnswers forgets the turns that were typed before the dialogue asked something: they do not answer that.
func (m *model) dropEarlyAnswers() {
	before := m.question
	if m.question = m.dialogue.Question(); m.question != 0 && m.question != before {
		m.waiting = nil
	}
}

// next gives the dialogue the news, or the next turn that waits.
func (m *model) next() tea.Cmd {
	if m.busy || !m.ready {
		return nil
	}
	m.speaker, m.completer = m.dialogue.Speaker(), m.dialogue.Completer()
	var turn func(ctx context.Context) (quit bool, err error)
	switch {
	case m.news:
		m.news = false
		turn = func(ctx context.Context) (bool, error) {
			m.dialogue.Refresh(ctx)
			return false, nil
		}
	case len(m.waiting) > 0:
		text := m.waiting[0]
		m.waiting = slices.Delete(m.waiting, 0, 1)
		turn = func(ctx context.Context) (bool, error) { return m.dialogue.Enter(ctx, text) }
	default:
		return nil
	}
	ctx, stop := context.WithCancel(m.ctx)
	m.busy, m.stop, m.ticks = true, stop, 0
	m.working.Add(1)
	return tea.Batch(tick(), func() tea.Msg {
		defer m.working.Done()
		defer stop()
		quit, err := turn(ctx)
		return turnMsg{quit, err}
	})
}

func tick() tea.Cmd {
	return tea.Tick(300*time.Millisecond, func(t time.Time) tea.Msg { return tickMsg(t) })
}

// View shows, from top to bottom: the row being written, turns that wait, the editor, hints.
func (m *model) View() tea.View {
	if m.finished {
		return tea.NewView("")
	}
	var above []string
	switch {
	case m.row != "":
		above = append(above, terminal.Escape(m.row))
	case m.busy:
		above = append(above, "  "+strings.Repeat(".", 1+m.ticks%3))
	}
	for _, turn := range m.waiting[:min(len(m.waiting), 3)] {
		above = append(above, m.cut("  (next) "+terminal.Escape(strings.ReplaceAll(turn, "\n", " "))))
	}
	rows, x, y := m.editor.layout(m.prompt(), m.columns, m.cells)
	y += len(above)
	rows = append(above, rows...)
	for _, hint := range m.hints {
		rows = append(rows, m.cut(hint))
	}
	// Of what is higher than the screen, the part around the cursor is shown.
	if over := len(rows) - m.rows; over > 0 {
		from := min(max(0, y-m.rows+1), over)
		rows, y = rows[from:from+m.rows], y-from
	}
	view := tea.NewView(strings.Join(rows, "\n"))
	view.Cursor = tea.NewCursor(x, y)
	view.Cursor.Blink = false
	return view
}

func (m *model) prompt() string {
	if m.speaker == "" {
		return "> "
	}
	return terminal.Escape(m.speaker) + "> "
}

// cut returns the beginning of a row that fits.
func (m *model) cut(row string) string { return m.cells.Truncate(row, m.columns-1, "…") }
