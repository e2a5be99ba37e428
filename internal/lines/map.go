package lines

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
)

// chunkSize is the number of bytes read at a time; less is processed at once if a slow pipe has no more.
const chunkSize = 1 << 18

// ErrSkip is returned by a Convert for a line without a result.
var ErrSkip = errors.New("this line has no result")

// A Convert appends the result for one line, without its line break, to dst. Calls are concurrent.
type Convert func(dst, line []byte) ([]byte, error)

// chunk is a run of whole lines.
type chunk struct {
	lines     []byte
	firstLine int
	result    []byte
	err       error
	done      chan struct{}
}

// Map writes the result for each line of in to out, one per line; a byte order mark is skipped. An error of convert is returned
// with name and line, after the results of the lines before it have been written.
func Map(ctx context.Context, name string, in io.Reader, out io.Writer, convert Convert) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	workers := runtime.GOMAXPROCS(0)
	work := make(chan *chunk)
	ordered := make(chan *chunk, 2*workers)
	for range workers {
		go func() {
			for c := range work {
				c.convert(name, convert)
				close(c.done)
			}
		}()
	}
	var readErr error
	go func() {
		defer close(ordered)
		defer close(work)
		readErr = split(name, in, func(c *chunk) bool {
			return send(ctx, ordered, c) && send(ctx, work, c)
		})
	}()
	if err := collect(ctx, ordered, out); err != nil {
		return err
	}
	return readErr
}

func send(ctx context.Context, to chan<- *chunk, c *chunk) bool {
	select {
	case to <- c:
		return true
	case <-ctx.Done():
		return false
	}
}

// collect writes the results in order.
func collect(ctx context.Context, ordered <-chan *chunk, out io.Writer) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case c, more := <-ordered:
			if !more {
				return nil
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-c.done:
			}
			if _, err := out.Write(c.result); err != nil {
				return fmt.Errorf("cannot write the result: %w", err)
			}
			if c.err != nil {
				return c.err
			}
		}
	}
}

// split cuts in into chunks of whole lines until pass returns false.
func split(name string, in io.Reader, pass func(*chunk) bool) error {
	var rest []byte // the beginning of a line that has not been read to its end
	line := 1
	for {
		buffer := make([]byte, len(rest)+max(chunkSize, len(rest)))
		n, err := in.Read(buffer[copy(buffer, rest):])
		buffer = buffer[:len(rest)+n]
		whole := len(rest) + bytes.LastIndexByte(buffer[len(rest):], '\n') + 1
		if whole == len(rest) {
			whole = 0
		}
		if err != nil {
			whole = len(buffer)
		}
		if whole > 0 {
			c := &chunk{lines: buffer[:whole], firstLine: line, done: make(chan struct{})}
			line += bytes.Count(c.lines, []byte("\n"))
			if !pass(c) {
				return nil
			}
		}
		rest = buffer[whole:]
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("cannot read %s: %w", name, err)
		case len(rest) > longestLine:
			return tooLong(name, int64(line))
		}
	}
}

func (c *chunk) convert(name string, convert Convert) {
	line := c.firstLine
	if line == 1 {
		c.lines = WithoutMark(c.lines)
	}
	for text := range bytes.Lines(c.lines) {
		result, err := convert(c.result, withoutBreak(text))
		switch {
		case errors.Is(err, ErrSkip):
		case err != nil:
			c.err = fmt.Errorf("%s:%d: %w", name, line, err)
			return
		default:
			c.result = append(result, '\n')
		}
		line++
	}
}
