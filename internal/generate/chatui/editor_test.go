package chatui

import (
	"slices"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
)

func typed(texts ...string) *editor {
	e := new(editor)
	for _, text := range texts {
		e.insert(text)
	}
	return e
}

// A character is what a reader sees as one, whether it comes at once or in parts.
func TestEditor_EditsClusters(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text  []string
		count int
		left  string // after one backspace
	}{
		{[]string{"cafe", "\u0301"}, 4, "caf"},
		{[]string{"a👨‍👩‍👧"}, 2, "a"},
		{[]string{"👍", "🏽"}, 1, ""},
		{[]string{"🇩", "🇪", "🇫", "🇷"}, 2, "🇩🇪"},
		{[]string{"你好"}, 2, "你"},
		{[]string{"हिन्दी"}, len(clusters("हिन्दी")), strings.Join(clusters("हिन्दी")[:len(clusters("हिन्दी"))-1], "")},
	} {
		e := typed(c.text...)
		if len(e.text) != c.count || e.cursor != c.count {
			t.Errorf("%q has %d characters, the cursor is before %d, want %d", c.text, len(e.text), e.cursor, c.count)
		}
		if e.backspace(); e.String() != c.left {
			t.Errorf("%q without its last character is %q, want %q", c.text, e.String(), c.left)
		}
	}
}

// Typing a mark behind a letter in the middle keeps the cursor behind the letter.
func TestEditor_CursorStaysBehindWhatIsTyped(t *testing.T) {
	t.Parallel()
	e := typed("cafes")
	e.left()
	e.insert("\u0301")
	e.insert("!")
	if e.String() != "cafe\u0301!s" || e.before() != "cafe\u0301!" {
		t.Errorf("%q, before the cursor %q", e.String(), e.before())
	}
	e.home()
	e.insert("\x1b[31m\a\tx\r\ny\xff")
	if e.String() != "[31m x\ny\uFFFDcafe\u0301!s" {
		t.Errorf("%q", e.String())
	}
}

func TestEditor_WordsAndLines(t *testing.T) {
	t.Parallel()
	e := typed("one  two 三\nfour")
	e.up()
	if e.before() != "one " {
		t.Errorf("up is behind %q", e.before())
	}
	e.wordRight()
	e.wordRight()
	e.killWordBefore()
	e.end()
	e.yank()
	e.wordLeft()
	e.killToStart()
	if e.String() != "三\nfour" {
		t.Errorf("%q", e.String())
	}
	e.down()
	e.killToEnd()
	if e.String() != "三\n" {
		t.Errorf("%q", e.String())
	}
}

// Row 4: no blank lines and no repetitions in the history.
func TestEditor_HistoryHasNoBlankLines(t *testing.T) {
	t.Parallel()
	e := new(editor)
	for _, text := range []string{"one", "", "  ", "two", "two", ""} {
		e.insert(text)
		e.submit()
	}
	e.insert("draft")
	var seen []string
	for range 4 {
		e.up()
		seen = append(seen, e.String())
	}
	for range 3 {
		e.down()
		seen = append(seen, e.String())
	}
	if want := []string{"two", "one", "one", "one", "two", "draft", "draft"}; !slices.Equal(seen, want) {
		t.Errorf("recalled %q, want %q", seen, want)
	}
}

// Whatever the text, no row reaches the last column, and the cursor is in the rows.
func TestEditor_LayoutFits(t *testing.T) {
	t.Parallel()
	texts := []string{"", "hello", strings.Repeat("你好", 40), strings.Repeat("a", 100), "x\n\n" + strings.Repeat("👨‍👩‍👧", 30), "e\u0301\u202e" + strings.Repeat("é ", 60)}
	for _, cells := range []ansi.Method{ansi.WcWidth, ansi.GraphemeWidth} {
		for _, text := range texts {
			for columns := 10; columns < 90; columns += 19 {
				e := typed(text)
				for ; ; e.left() {
					rows, x, y := e.layout("a long name of somebody> ", columns, cells)
					if y >= len(rows) || x >= columns {
						t.Fatalf("%d columns: cursor %d, %d in %q", columns, x, y, rows)
					}
					for _, row := range rows {
						if cells.StringWidth(row) >= columns {
							t.Fatalf("%d columns: %q", columns, row)
						}
					}
					if e.cursor == 0 {
						break
					}
				}
			}
		}
	}
}

// What is printed is broken at spaces, with nothing lost, however it is cut into writes.
func TestPaper_BreaksRows(t *testing.T) {
	t.Parallel()
	text := "  lsfret: " + strings.Repeat("some words and 你好 ", 12) + strings.Repeat("x", 70)
	rest, full := text, true
	var words string
	for rows := 0; full; rows++ {
		var row string
		row, rest, full = firstRow(rest, 30, 4, ansi.WcWidth)
		if !full {
			row += rest
		}
		if ansi.WcWidth.StringWidth(row) >= 30 || rows > 40 {
			t.Fatalf("row %d is %q", rows, row)
		}
		words += row
	}
	squeeze := func(s string) string { return strings.Join(strings.Fields(s), "") }
	if squeeze(words) != squeeze(text) {
		t.Errorf("%q became %q", text, words)
	}
}

// However a line is cut into writes, its rows are the same, and all but the first are indented alike.
func TestPaper_IndentsAlike(t *testing.T) {
	t.Parallel()
	text := "  lsfret: " + strings.Repeat("some words ", 8) + "\nnext: " + strings.Repeat("more ", 10) + "\n"
	for size := 1; size < 20; size++ {
		var printed strings.Builder
		p := &paper{out: &printed, columns: 30}
		for rest := text; rest != ""; {
			n := min(size, len(rest))
			if _, err := p.Write([]byte(rest[:n])); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		const want = `  lsfret: some words some
    words some words some
    words some words some
    words some words some
    words
next: more more more more
  more more more more more
  more
`
		var got strings.Builder
		for line := range strings.Lines(printed.String()) {
			got.WriteString(strings.TrimRight(line, " \n") + "\n")
		}
		if got.String() != want {
			t.Fatalf("%d bytes at once:\n%s", size, got.String())
		}
	}
}
