package lines

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
)

func TestMap_SkipsTheMark(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"\ufeffa\nb\n": "a\nb\n", "\ufeff": "", "a\n\ufeffb\n": "a\n\ufeffb\n"} {
		var out bytes.Buffer
		err := Map(t.Context(), "in", strings.NewReader(in), &out, func(dst, line []byte) ([]byte, error) { return append(dst, line...), nil })
		if err != nil || out.String() != want {
			t.Errorf("%q: %q, %v", in, out.String(), err)
		}
	}
}

// A line without a result leaves no output line, but counts.
func TestMap_SkipsLinesWithoutResult(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	err := Map(context.Background(), "in", strings.NewReader("a\n\nb\n!\n"), &out, func(dst, line []byte) ([]byte, error) {
		switch string(line) {
		case "":
			return dst, ErrSkip
		case "!":
			return nil, fmt.Errorf("wrong")
		}
		return append(dst, line...), nil
	})
	if out.String() != "a\nb\n" || err == nil || err.Error() != "in:4: wrong" {
		t.Errorf("%q, error %v", out.String(), err)
	}
}
