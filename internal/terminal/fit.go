package terminal

import (
	"io"
	"os"
	"strings"

	"github.com/rivo/uniseg"
	"golang.org/x/term"
)

// Width returns the number of cells that a text takes in a terminal.
func Width(text string) int { return uniseg.StringWidth(text) }

// Columns returns the width of the terminal behind out, 0 if out is not a terminal. It looks through writers as
// Innermost does.
func Columns(out io.Writer) int {
	f, ok := Innermost(out).(*os.File)
	if !ok {
		return 0
	}
	columns, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return columns
}

// Innermost returns the writer behind writers with an Underlying method.
func Innermost(out io.Writer) io.Writer {
	for {
		wrapper, ok := out.(interface{ Underlying() io.Writer })
		if !ok {
			return out
		}
		out = wrapper.Underlying()
	}
}

// Cut returns text if it fits into a number of cells, else its beginning and an ellipsis.
func Cut(text string, cells int) string {
	if Width(text) <= cells {
		return text
	}
	var cut strings.Builder
	used := 0
	for graphemes := uniseg.NewGraphemes(text); graphemes.Next(); {
		if used += graphemes.Width(); used > cells-1 {
			break
		}
		cut.WriteString(graphemes.Str())
	}
	if cells > 0 {
		cut.WriteString("…")
	}
	return cut.String()
}

// Part is a part of a live line. If the line is too long, the part with the highest Rank is left out first.
type Part struct {
	Text string
	Rank int
}

const partGap = "  "

// Fit joins parts to a line of at most cells cells.
func Fit(cells int, parts ...Part) string {
	kept := make([]Part, 0, len(parts))
	for _, p := range parts {
		if p.Text != "" {
			kept = append(kept, p)
		}
	}
	for len(kept) > 1 && Width(join(kept)) > cells {
		last := 0
		for i, p := range kept {
			if p.Rank >= kept[last].Rank {
				last = i
			}
		}
		kept = append(kept[:last], kept[last+1:]...)
	}
	return Cut(join(kept), cells)
}

func join(parts []Part) string {
	texts := make([]string, len(parts))
	for i, p := range parts {
		texts[i] = p.Text
	}
	return strings.Join(texts, partGap)
}
