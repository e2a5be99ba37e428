package evaluate

import (
	"context"
	"fmt"
	"strings"

	"ventriloquist/internal/generate"
	"ventriloquist/internal/usererr"
	"ventriloquist/internal/windows"
)

// Comparison is a message that a person wrote, and what the model writes in its place.
type Comparison struct {
	Where     string // the line of the window file, or the database and the number of the window in the set
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
	c := &Comparison{Where: s.where(n)}
	if err := c.read(w, ids.Cut); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", c.Where, err)
	}
	if as == "" {
		as = c.Real.Name
	}
	name, found := usererr.Match(as, c.Header.Members)
	if !found {
		return nil, nil, usererr.Suggest(usererr.Usage("%q is not in the conversation of window %d", as, n), as, c.Header.Members, "%q",
			fmt.Sprintf("its members are %q", c.Header.Members))
	}
	as = name
	c.Generated.Name = as
	last := ids.Targets[len(ids.Targets)-1]
	prompt := append([]int32(nil), ids.IDs[:len(ids.IDs)-last]...)
	return c, s.encoder.AppendEncodeOrdinary(prompt, generate.Prefill(as)), nil
}

// where names window number n of the set: in a file by its line, in a database by n, which is what the caller knows it by.
func (s *Set) where(n int) string {
	where := s.source.Where(s.Windows[n])
	if database, _, numbered := strings.Cut(where, ": window "); numbered {
		return fmt.Sprintf("%s: window %d", database, n)
	}
	return where
}

// SideBySide compares the last messages of n windows, spread evenly over the set, with what the model writes in their places.
func (s *Set) SideBySide(ctx context.Context, w Generator, n int, o generate.Options) ([]*Comparison, error) {
	n = min(n, len(s.Windows))
	var all []*Comparison
	for i := range n {
		c, prompt, err := s.Prepare((2*i+1)*len(s.Windows)/(2*n), "")
		if err != nil {
			return nil, err
		}
		o.First = i
		if c.Generated, err = GenerateMessage(ctx, w, prompt, c.Generated.Name, o); err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
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
