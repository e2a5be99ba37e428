package monitor

import (
	"context"
	"os"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"ventriloquist/internal/terminal"
)

// refresh is how often the logs are looked at.
const refresh = time.Second

// Show shows the runs in a terminal until the user quits or ctx ends.
func Show(ctx context.Context, runs []*Run, in, out *os.File) error {
	columns := terminal.Columns(out)
	m := &screen{runs: runs, view: view{columns: max(columns, 1), rows: 24, now: time.Now()}}
	for _, r := range runs {
		r.Update()
	}
	_, err := tea.NewProgram(m, tea.WithContext(ctx), tea.WithInput(in), tea.WithOutput(out), tea.WithoutSignalHandler()).Run()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// screen is a tea.Model.
type screen struct {
	runs []*Run
	view view
}

type tickMsg time.Time

func tick() tea.Cmd {
	return tea.Tick(refresh, func(t time.Time) tea.Msg { return tickMsg(t) })
}

func (s *screen) Init() tea.Cmd { return tick() }

func (s *screen) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		s.view.columns, s.view.rows = max(msg.Width, 1), max(msg.Height, 1)
	case tickMsg:
		s.view.now = time.Time(msg)
		for _, r := range s.runs {
			r.Update()
		}
		return s, tick()
	case tea.KeyPressMsg:
		return s, s.press(msg.String())
	}
	return s, nil
}

// press reacts to a key.
func (s *screen) press(key string) tea.Cmd {
	switch key {
	case "q", "Q", "ctrl+c", "ctrl+d", "esc":
		return tea.Quit
	case "tab", "right", "l":
		s.view.section++
	case "shift+tab", "left", "h":
		s.view.section += 3 // one back, of four
	case "down", "j":
		s.view.sample++
	case "up", "k":
		s.view.sample--
	}
	return nil
}

func (s *screen) View() tea.View {
	v := tea.NewView(strings.Join(s.view.render(s.runs), "\n"))
	v.AltScreen = true
	v.WindowTitle = "vqctl monitor"
	return v
}
