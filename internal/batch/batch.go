// Package batch turns windows into token ids, and windows of ids into the engine's packed batches.
//
// What enters: a windows.Source and a tokenizer. What leaves: Window, the ids of a window cut to the length that a model
// is trained on; and batches, windows laid end to end without padding, with the rows that carry loss. Training and
// evaluation share it, so both see the same tokens.
//
// What it must not know: where windows are stored, what a model does with its tokens, in which order windows come.
package batch

import (
	"fmt"

	"ventriloquist/internal/windows"
)

// Encoder turns text into ids, special tokens read as the ordinary text they are spelled with: nobody's message can end
// the model's turn.
type Encoder interface {
	AppendEncodeOrdinary(dst []int32, text string) []int32
}

// Window is the ids of one window.
type Window struct {
	IDs     []int32 // the header, then the lines that fit, oldest first
	Targets []int   // the number of ids of each target line, its newline included; the last ids of IDs are these
	Cut     int     // how many of the oldest lines were left out to fit
}

// TargetTokens is the number of ids that carry loss.
func (w *Window) TargetTokens() int {
	n := 0
	for _, tokens := range w.Targets {
		n += tokens
	}
	return n
}

// TooLongError says that the header and the targets of a window alone are over the longest allowed length.
type TooLongError struct {
	Where  string // the window, in its source's words
	Tokens int    // of header and targets
	Max    int
}

func (e *TooLongError) Error() string {
	return fmt.Sprintf("%s: header and targets are %d tokens, more than %d", e.Where, e.Tokens, e.Max)
}

// Reader reads windows of a source as ids. A line is tokenized when it is first met and never again, however many
// windows hold it: each line of a window tokenizes on its own, because the pre-tokenizer always cuts between the
// newline and the brace after it. One goroutine at a time may use it.
type Reader struct {
	source  windows.List
	encoder Encoder
	max     int
	lines   [][]int32 // ids by windows.Line.ID, nil where not met yet
	arena   []int32   // where the next lines' ids go
	scratch []int32
}

// NewReader reads windows of at most maxTokens ids.
func NewReader(source windows.List, encoder Encoder, maxTokens int) *Reader {
	return &Reader{source: source, encoder: encoder, max: maxTokens, lines: make([][]int32, source.Lines())}
}

// Read returns window i as Tokenize does.
func (r *Reader) Read(i int) (Window, error) {
	w, err := r.source.Window(i)
	if err != nil {
		return Window{}, err
	}
	return r.Tokenize(i, w)
}

// Tokenize gives the ids of w, which is window i of the source. Over the length, whole lines go, oldest first, never the
// header or a target; when those alone are over it the error is a *TooLongError.
func (r *Reader) Tokenize(i int, w *windows.Window) (Window, error) {
	header := r.encoder.AppendEncodeOrdinary(nil, string(w.Header))
	total := len(header)
	var targets []int
	for _, line := range w.TargetLines() {
		targets = append(targets, len(r.line(line)))
		total += len(r.line(line))
	}
	if total > r.max {
		return Window{}, &TooLongError{Where: r.source.Where(i), Tokens: total, Max: r.max}
	}
	first := len(w.Lines) - w.Targets // lines[first:] are kept
	for first > 0 && total+len(r.line(w.Lines[first-1])) <= r.max {
		first--
		total += len(r.line(w.Lines[first]))
	}
	ids := append(make([]int32, 0, total), header...)
	for _, line := range w.Lines[first:] {
		ids = append(ids, r.line(line)...)
	}
	return Window{IDs: ids, Targets: targets, Cut: first}, nil
}

// arenaIDs is the size of the blocks that hold the ids of many lines: a line has some 30.
const arenaIDs = 1 << 18

// line returns the ids of a line.
func (r *Reader) line(l windows.Line) []int32 {
	if ids := r.lines[l.ID]; ids != nil {
		return ids
	}
	r.scratch = r.encoder.AppendEncodeOrdinary(r.scratch[:0], string(l.Text))
	if len(r.arena)+len(r.scratch) > cap(r.arena) {
		r.arena = make([]int32, 0, max(arenaIDs, len(r.scratch)))
	}
	from := len(r.arena)
	r.arena = append(r.arena, r.scratch...)
	ids := r.arena[from:len(r.arena):len(r.arena)]
	r.lines[l.ID] = ids
	return ids
}
