package evaluate

import (
	"context"
	"fmt"
	"slices"

	"ventriloquist/internal/generate"
	"ventriloquist/internal/usererr"
	"ventriloquist/internal/windows"
)

// Comparison is a message that a person wrote, and what the model writes in its place.
type Comparison struct {
	Where     string // the window, as windows.List.Where names it
	Header    windows.Header
	Context   []windows.Message
	Real      windows.Message
	Generated windows.Message
	Base      *windows.Message // what the base model alone writes; nil if it was not asked
}

// Prepare reads window number n of the set. It returns the comparison without the models' messages, and the prompt. The
// message is to be written by as, or by its real author if as is "".
func (s *Set) Prepare(n int, as string) (*Comparison, []int32, error) {
	if n < 0 || n >= len(s.Windows) {
		return nil, nil, usererr.With(usererr.Usage("there is no window %d", n), "windows are numbered from 0 to %d", len(s.Windows)-1)
	}
	i := s.Windows[n]
	w, err := s.source.Window(i)
	if err != nil {
		return nil, nil, err
	}
	ids, err := s.reader.Tokenize(i, w)
	if err != nil {
		return nil, nil, err
	}
	c := &Comparison{Where: s.source.Where(i)}
	if err := c.read(w, ids.Cut); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", c.Where, err)
	}
	if as == "" {
		as = c.Real.Name
	}
	if !slices.Contains(c.Header.Members, as) {
		return nil, nil, usererr.With(usererr.Usage("%q is not in the conversation of window %d", as, n), "its members are %q", c.Header.Members)
	}
	c.Generated.Name = as
	last := ids.Targets[len(ids.Targets)-1]
	prompt := append([]int32(nil), ids.IDs[:len(ids.IDs)-last]...)
	return c, s.encoder.AppendEncodeOrdinary(prompt, generate.Prefill(as)), nil
}

// read parses a window without its oldest cut messages.
func (c *Comparison) read(w *windows.Window, cut int) (err error) {
	if c.Header, err = windows.ParseHeader(w.Header); err != nil {
		return err
	}
	for _, line := range w.Lines[cut:] {
		m, err := windows.ParseMessage(line.Text)
		if err != nil {
			return err
		}
		c.Context = append(c.Context, m)
	}
	last := len(c.Context) - 1
	c.Real, c.Context = c.Context[last], c.Context[:last]
	return nil
}

// GenerateMessage writes one well-formed message after the prompt.
func GenerateMessage(ctx context.Context, w Generator, prompt []int32, as string, o generate.Options) (windows.Message, error) {
	done, err := w.Continue(ctx, prompt, 1, o, nil)
	if err != nil {
		return windows.Message{}, err
	}
	return generate.ParseContinuation(as, done[0].Text)
}
