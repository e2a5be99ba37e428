package lines_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"ventriloquist/internal/lines"
	"ventriloquist/internal/usererr"
)

func upper(dst, line []byte) ([]byte, error) {
	if string(line) == "bad" {
		return nil, errors.New("is bad")
	}
	return append(dst, bytes.ToUpper(line)...), nil
}

func convertAll(t *testing.T, in io.Reader) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := lines.Map(context.Background(), "in", in, &out, upper)
	return out.String(), err
}

func TestMap_KeepsOrder(t *testing.T) {
	t.Parallel()
	var in, want strings.Builder
	for i := range 200_000 {
		fmt.Fprintf(&in, "line %d\n", i)
		fmt.Fprintf(&want, "LINE %d\n", i)
	}
	got, err := convertAll(t, strings.NewReader(in.String()))
	if err != nil || got != want.String() {
		t.Errorf("%d bytes, want %d; error %v", len(got), want.Len(), err)
	}
}

func TestMap_LineEndings(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"": "", "a": "A\n", "a\n": "A\n", "a\n\n": "A\n\n", "a\r\nb": "A\nB\n", "\n": "\n",
	} {
		if got, err := convertAll(t, strings.NewReader(in)); err != nil || got != want {
			t.Errorf("%q gave %q, want %q; error %v", in, got, want, err)
		}
	}
}

func TestMap_LongLine(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 3<<20)
	got, err := convertAll(t, strings.NewReader("a\n"+long+"\nb\n"))
	if err != nil || got != "A\n"+strings.ToUpper(long)+"\nB\n" {
		t.Errorf("%d bytes, error %v", len(got), err)
	}
}

// endless returns the same byte for ever, and counts how often it was asked.
type endless struct{ read int64 }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	e.read += int64(len(p))
	return len(p), nil
}

func TestMap_RefusesALineOverTheLimit(t *testing.T) {
	t.Parallel()
	long := new(endless)
	got, err := convertAll(t, io.MultiReader(strings.NewReader("a\nb\n"), long))
	if err == nil || !strings.Contains(err.Error(), "in:3: the line is longer than 16 MiB") || usererr.Of(err) == "" {
		t.Errorf("error %v", err)
	}
	if got != "A\nB\n" || long.read > 64<<20 {
		t.Errorf("%d bytes were read, result %q", long.read, got)
	}
}

func TestEach_RefusesALineOverTheLimit(t *testing.T) {
	t.Parallel()
	long := new(endless)
	n, err := lines.Each(t.Context(), io.MultiReader(strings.NewReader("a\nb\n"), long), "in", func(int64, []byte) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "in:3: the line is longer than 16 MiB") || usererr.Of(err) == "" || n != 2 || long.read > 32<<20 {
		t.Errorf("%d bytes were read, error %v after line %d", long.read, err, n)
	}
}

func TestMap_OneByteReads(t *testing.T) {
	t.Parallel()
	got, err := convertAll(t, iotest.OneByteReader(strings.NewReader("ab\n\ncd")))
	if err != nil || got != "AB\n\nCD\n" {
		t.Errorf("%q, error %v", got, err)
	}
}

func TestMap_ErrorNamesLine(t *testing.T) {
	t.Parallel()
	in := strings.Repeat("ok\n", 100_000)
	got, err := convertAll(t, strings.NewReader(in+"bad\n"+in))
	if err == nil || err.Error() != "in:100001: is bad" {
		t.Errorf("error %v", err)
	}
	if got != strings.ToUpper(in) {
		t.Errorf("%d bytes were written, want %d", len(got), len(in))
	}
}

func TestMap_ReportsReadError(t *testing.T) {
	t.Parallel()
	_, err := convertAll(t, io.MultiReader(strings.NewReader("a\n"), iotest.ErrReader(errors.New("torn cable"))))
	if err == nil || !strings.Contains(err.Error(), "cannot read in: torn cable") {
		t.Errorf("error %v", err)
	}
}

func TestMap_StopsWhenCanceled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	in, feed := io.Pipe()
	go func() {
		fmt.Fprintln(feed, "a")
		cancel()
	}()
	if err := lines.Map(ctx, "in", in, io.Discard, upper); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	feed.Close()
}

// A program that writes a line and waits gets its answer.
func TestMap_AnswersBeforeEndOfInput(t *testing.T) {
	t.Parallel()
	in, feed := io.Pipe()
	answers, out := io.Pipe()
	go lines.Map(context.Background(), "in", in, out, upper)
	fmt.Fprintln(feed, "a")
	answer := make([]byte, 2)
	if _, err := io.ReadFull(answers, answer); err != nil || string(answer) != "A\n" {
		t.Errorf("%q, error %v", answer, err)
	}
	feed.Close()
}
