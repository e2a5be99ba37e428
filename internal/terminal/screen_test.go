package terminal

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/vt"
)

// emulated is a screen on an emulated terminal, whose clock the test moves.
type emulated struct {
	*Screen
	term *vt.Emulator
	now  time.Time
}

func newEmulated(columns int) *emulated {
	e := &emulated{term: vt.NewEmulator(columns, 50), now: time.Now()}
	e.Screen = NewScreen(crlf{e.term}, e.term.Width)
	return e
}

// crlf does what the driver of a terminal does with line feeds.
type crlf struct{ term *vt.Emulator }

func (c crlf) Write(p []byte) (int, error) {
	_, err := c.term.WriteString(strings.ReplaceAll(string(p), "\n", "\r\n"))
	return len(p), err
}

// tick draws the live line after a time.
func (e *emulated) tick(after time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.now = e.now.Add(after)
	e.draw(e.now)
}

// shown returns the lines on the terminal, without empty ones.
func (e *emulated) shown() (lines []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for line := range strings.SplitSeq(e.term.String(), "\n") {
		if line = strings.TrimRight(line, " "); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

func (e *emulated) want(t *testing.T, want ...string) {
	t.Helper()
	if got := e.shown(); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%d columns show\n%s\nwant\n%s", e.term.Width(), strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// still stops the ticker, so that only the test draws.
func (e *emulated) still() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stop()
}

// TestScreen_FinishedBarsNeverDie is row 1.1: of a finished bar nothing is left, and nothing is drawn again.
func TestScreen_FinishedBarsNeverDie(t *testing.T) {
	t.Parallel()
	for _, columns := range []int{40, 80, 200} {
		e := newEmulated(columns)
		out := e.Writer(crlf{e.term})
		for _, title := range []string{"tokenizing windows", "读取消息 👩‍👩‍👧 of a very long title that no narrow terminal can show in one of its lines"} {
			bar := e.NewBar(title, "windows")
			e.still()
			for done := int64(0); done <= 49_152; done += 4096 {
				bar.Set(done, 50_001)
				e.tick(time.Second)
				lines := e.shown()
				if n := len(lines); n == 0 || Width(lines[n-1]) >= columns || !strings.HasPrefix(lines[n-1], title[:6]) {
					t.Errorf("%d columns: the bar is %q", columns, lines)
				}
			}
			bar.Finish()
			bar.Set(50_001, 50_001)
			e.tick(time.Second)
			fmt.Fprintf(out, "%d windows\n", 64)
			e.tick(time.Second)
		}
		e.want(t, "64 windows", "64 windows")
	}
}

func TestScreen_TextMovesABarDown(t *testing.T) {
	t.Parallel()
	for _, columns := range []int{40, 80, 200} {
		e := newEmulated(columns)
		out := e.Writer(crlf{e.term})
		bar := e.NewBar("downloading", ByteUnit)
		e.still()
		bar.Set(1<<20, 4<<20)
		e.tick(0)
		fmt.Fprint(out, "WARN trying again\n")
		lines := e.shown()
		if len(lines) != 2 || lines[0] != "WARN trying again" || !strings.Contains(lines[1], "1.0 MiB/4.0 MiB") {
			t.Errorf("%d columns show %q", columns, lines)
		}
		fmt.Fprint(out, "Go on? [y/N] ")
		e.tick(time.Second)
		e.want(t, "WARN trying again", "Go on? [y/N]") // no bar over the question
		_, _ = e.term.WriteString("y\r\n")
		e.Entered()
		e.tick(time.Second)
		if lines := e.shown(); len(lines) != 3 || !strings.HasPrefix(lines[2], "downloading") {
			t.Errorf("%d columns show %q", columns, lines)
		}
		e.Close()
		e.want(t, "WARN trying again", "Go on? [y/N] y")
	}
}

func TestScreen_InnerLineGivesBackTheOuter(t *testing.T) {
	t.Parallel()
	e := newEmulated(80)
	outer := e.Show(func(time.Time, int) string { return "outer" })
	inner := e.Show(func(time.Time, int) string { return "inner" })
	e.still()
	e.tick(0)
	e.want(t, "inner")
	inner.End()
	e.want(t, "outer")
	outer.End()
	e.want(t)
}

func TestScreen_FollowsTheWidth(t *testing.T) {
	t.Parallel()
	e := newEmulated(200)
	bar := e.NewBar("scoring", "tokens")
	e.still()
	bar.Set(0, 10_000)
	bar.Set(1_000, 10_000)
	for _, columns := range []int{200, 40, 12, 80} {
		e.term.Resize(columns, 50)
		e.tick(time.Second)
		if lines := e.shown(); len(lines) != 1 || Width(lines[0]) >= columns {
			t.Errorf("%d columns show %q", columns, lines)
		}
	}
	bar.Finish()
	e.want(t)
}

// Something moves each second, also when nothing is reported.
func TestBar_MovesEachSecond(t *testing.T) {
	t.Parallel()
	e := newEmulated(40)
	bar := e.NewBar("loading the model", "")
	e.still()
	bar.begun = e.now
	seen := map[string]bool{}
	for range 5 {
		e.tick(time.Second)
		seen[e.shown()[0]] = true
	}
	if !seen["loading the model  5s"] || len(seen) != 5 {
		t.Errorf("five seconds show %v", seen)
	}
	bar.Finish()
}

func TestScreen_EditorOwnsTheLastLine(t *testing.T) {
	t.Parallel()
	e := newEmulated(80)
	bar := e.NewBar("loading", "")
	e.still()
	e.tick(0)
	var edited strings.Builder
	takeBack := e.Hand(&edited)
	e.tick(time.Second)
	fmt.Fprint(e.Writer(crlf{e.term}), "a notice\n")
	e.want(t)
	if edited.String() != "a notice\n" {
		t.Errorf("the editor prints %q", edited.String())
	}
	bar.Finish()
	takeBack()
}

func TestScreen_WithoutATerminal(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	s := NewScreen(nil, nil)
	bar := s.NewBar("reading", "rows")
	bar.Set(1, 2)
	bar.SetTitle("more")
	fmt.Fprint(s.Writer(&out), "text\n")
	bar.Finish()
	s.Close()
	if out.String() != "text\n" {
		t.Errorf("prints %q", out.String())
	}
}

// A download that goes on counts only what it adds: TestMeter is row "pull again after Ctrl-C".
func TestMeter_LeavesOutWhatWasThereBefore(t *testing.T) {
	t.Parallel()
	var m meter
	begin := time.Now()
	for second := range 8 {
		m.add(begin.Add(time.Duration(second)*time.Second), 200<<20+int64(second)*50)
	}
	if rate := m.rate(begin.Add(7 * time.Second)); rate != 50 {
		t.Errorf("%g per second, want 50", rate)
	}
	if rate := m.rate(begin.Add(14 * time.Second)); rate != 25 {
		t.Errorf("after a halt %g per second, want 25", rate)
	}
	m.add(begin.Add(15*time.Second), 1) // counted anew
	if rate := m.rate(begin.Add(16 * time.Second)); rate != 0 {
		t.Errorf("a new count begins with %g per second", rate)
	}
}

func TestFormats(t *testing.T) {
	t.Parallel()
	for got, want := range map[string]string{
		Bytes(0): "0 B", Bytes(1023): "1023 B", Bytes(1024): "1.0 KiB", Bytes(1_048_524): "1023.9 KiB", Bytes(1_048_575): "1.0 MiB", Bytes(1<<30 - 1): "1.00 GiB", Bytes(5 << 20): "5.0 MiB", Bytes(3 << 29): "1.50 GiB",
		Count(0): "0", Count(999): "999", Count(1000): "1,000", Count(-1234567): "-1,234,567", Count(-999): "-999",
		Rate(1899.4, "windows"): "1,899 windows/s", Rate(2.42, "windows"): "2.4 windows/s", Rate(49553675, ByteUnit): "47.3 MiB/s",
		Duration(-1): "0s", Duration(59999 * time.Millisecond): "59s", Duration(994 * time.Second): "16m 34s",
		Duration(25644 * time.Second): "7h 07m", Duration(100 * time.Hour): "4d 04h",
		Cut("héllo", 5): "héllo", Cut("你好你好", 5): "你好…", Cut("abc", 0): "",
		Fit(10, Part{"name", 0}, Part{"long text", 2}, Part{"5s", 1}): "name  5s",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestQuantity_IsSingularForOne(t *testing.T) {
	for _, c := range []struct {
		n           int64
		thing, want string
	}{
		{0, "message", "0 messages"}, {1, "message", "1 message"}, {3717, "message", "3,717 messages"}, {-1000, "row", "-1,000 rows"},
		{1, "person", "1 person"}, {2000, "person", "2,000 people"}, {2, "body", "2 bodies"}, {2, "target token", "2 target tokens"},
	} {
		if got := Quantity(c.n, c.thing); got != c.want {
			t.Errorf("%d of %q is %q, want %q", c.n, c.thing, got, c.want)
		}
	}
}

// tmux keeps in its history what is erased from the top of the screen down: the line is blank by then.
func TestScreen_ErasesTheLineBeforeWhatIsBelow(t *testing.T) {
	var out strings.Builder
	s := NewScreen(&out, func() int { return 80 })
	line := s.Show(func(time.Time, int) string { return "busy" })
	s.mu.Lock()
	s.draw(time.Now())
	s.mu.Unlock()
	line.End()
	if got := out.String(); !strings.HasSuffix(got, "\r\x1b[K\x1b[J") {
		t.Errorf("it wrote %q", got)
	}
}
