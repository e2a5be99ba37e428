package terminal

import (
	"io"
	"sync"
	"time"
)

// redraw is how often a live line is drawn.
const redraw = 100 * time.Millisecond

// Screen owns the last line of a terminal. It shows one live line there, a progress bar for example, and removes it while other
// text is printed. All that is printed to the terminal goes through its writers. The cursor waits at the beginning of the
// live line: where a terminal that became narrower wraps it, erasing from there still removes all of it.
type Screen struct {
	out     io.Writer  // nil without a terminal: no live lines
	columns func() int // of the terminal, now

	mu     sync.Mutex
	lines  []*Line // the latest is shown
	drawn  string  // what the live line shows, "" if there is none
	midway bool    // the last text did not end its line, so nothing may be drawn after it
	editor io.Writer
	ticker *time.Ticker
	done   chan struct{}
}

// NewScreen returns the screen of a terminal. With out nil it shows no live lines.
func NewScreen(out io.Writer, columns func() int) *Screen { return &Screen{out: out, columns: columns} }

// Live reports whether live lines are shown.
func (s *Screen) Live() bool { return s.out != nil }

// Writer returns a writer to the same terminal.
func (s *Screen) Writer(out io.Writer) io.Writer { return &screenWriter{s, out} }

type screenWriter struct {
	screen *Screen
	out    io.Writer
}

// Underlying returns the writer that the text goes to.
func (w *screenWriter) Underlying() io.Writer { return w.out }

// Write removes the live line, writes p, and draws the line again if p ends with a line feed.
func (w *screenWriter) Write(p []byte) (int, error) {
	s := w.screen
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.editor != nil {
		return s.editor.Write(p)
	}
	s.erase()
	n, err := w.out.Write(p)
	if n > 0 {
		s.midway = p[n-1] != '\n'
	}
	s.draw(time.Now())
	return n, err
}

// Entered notes that the user ended a line with Enter, whose echo the terminal wrote itself.
func (s *Screen) Entered() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.midway = false
}

// Hand sends all text to a line editor, which then owns the last line, until takeBack is called.
func (s *Screen) Hand(editor io.Writer) (takeBack func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.erase()
	s.editor = editor
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.editor, s.midway = nil, false
	}
}

// Close removes the live line for good.
func (s *Screen) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = nil
	s.erase()
	s.stop()
}

// Line is a live line of a Screen.
type Line struct {
	screen *Screen
	render func(now time.Time, cells int) string
}

// Show shows a live line until it ends. render returns what it shows, in at most a number of cells.
func (s *Screen) Show(render func(now time.Time, cells int) string) *Line {
	l := &Line{s, render}
	if !s.Live() {
		return l
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, l)
	s.start()
	return l
}

// End removes the line.
func (l *Line) End() {
	s := l.screen
	if !s.Live() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, other := range s.lines {
		if other == l {
			s.lines = append(s.lines[:i], s.lines[i+1:]...)
			break
		}
	}
	if len(s.lines) == 0 {
		s.stop()
	}
	s.draw(time.Now())
}

// start draws the live line from now on; s.mu is held.
func (s *Screen) start() {
	if s.ticker != nil {
		return
	}
	s.ticker, s.done = time.NewTicker(redraw), make(chan struct{})
	go func(ticks <-chan time.Time, done <-chan struct{}) {
		for {
			select {
			case <-done:
				return
			case now := <-ticks:
				s.mu.Lock()
				s.draw(now)
				s.mu.Unlock()
			}
		}
	}(s.ticker.C, s.done)
}

func (s *Screen) stop() {
	if s.ticker != nil {
		s.ticker.Stop()
		close(s.done)
		s.ticker = nil
	}
}

// draw brings the last line up to date; s.mu is held. Errors are ignored: nothing depends on a live line.
func (s *Screen) draw(now time.Time) {
	if len(s.lines) == 0 || s.midway || s.editor != nil {
		s.erase()
		return
	}
	cells := s.columns() - 1 // a character in the last column would leave some terminals about to wrap
	want := Cut(Escape(s.lines[len(s.lines)-1].render(now, cells)), cells)
	if want == s.drawn {
		return
	}
	s.drawn = want
	_, _ = io.WriteString(s.out, "\r"+want+"\x1b[J\r")
}

func (s *Screen) erase() {
	if s.drawn != "" {
		s.drawn = ""
		// The line itself goes first: tmux keeps what is erased from the top of the screen down, unless it is blank.
		_, _ = io.WriteString(s.out, "\r\x1b[K\x1b[J")
	}
}
