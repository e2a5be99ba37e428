// Package batch turns windows into token ids, and windows of ids into the engine's packed batches.
//
// In: a windows.List and a tokenizer. Out: a Window, the ids of a window cut to the maximum length; and batches, windows laid
// end to end without padding, with the rows that carry loss. Training and evaluation share the package, so both see the same
// tokens. It must not know: where windows are stored, what a model does with its tokens, in which order windows come.
package batch

import (
	"fmt"

	"ventriloquist/internal/windows"
)

// Encoder turns text into ids. It reads special tokens as ordinary text, so that no message can end the model's turn.
type Encoder interface {
	AppendEncodeOrdinary(dst []int32, text string) []int32
}

// Window is the ids of one window.
type Window struct {
	IDs     []int32 // the header, its memories, then the lines that fit, oldest first
	Targets []int   // number of ids of each target line, including its newline; these are the last of IDs
	Cut     int     // number of oldest lines left out to fit
}

// TargetTokens returns the number of ids that carry loss.
func (w *Window) TargetTokens() int {
	n := 0
	for _, tokens := range w.Targets {
		n += tokens
	}
	return n
}

// TooLongError is the error of a window whose header and targets alone exceed the maximum length.
type TooLongError struct {
	Where  string // the window, as windows.List.Where names it
	Tokens int    // in header and targets
	Max    int
}

func (e *TooLongError) Error() string {
	return fmt.Sprintf("%s: header and targets are %d tokens, more than %d", e.Where, e.Tokens, e.Max)
}

// Reader reads the windows of a list as ids. It tokenizes each line once, however many windows hold it: a line tokenizes by
// itself because the pre-tokenizer always cuts between its newline and the brace of the next. It is not safe for concurrent
// use.
type Reader struct {
	source  windows.List
	encoder Encoder
	max     int
	lines   [][]int32 // ids by windows.Line.ID; nil until needed
	arena   []int32   // holds the ids of the next lines
	scratch []int32
}

// NewReader returns a reader of windows cut to at most maxTokens ids.
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

// Tokenize returns the ids of w, which is window i of the list. To fit the maximum length it leaves out whole lines, oldest
// first, but never the header or a target; if those alone are too long the error is a *TooLongError. Memories stay as long as they fit
// beside the targets.
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
	for _, line := range w.Memory {
		memory := r.encoder.AppendEncodeOrdinary(nil, string(line))
		if total+len(memory) > r.max {
			break
		}
		header = append(header, memory...)
		total += len(memory)
	}
	first := len(w.Lines) - w.Targets // w.Lines[first:] are kept
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

// arenaIDs is the size of the blocks that hold the ids of many lines; a line has about 30.
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
