package lines_test

import (
	"slices"
	"strings"
	"testing"

	"ventriloquist/internal/lines"
)

func TestEach_LinesWithoutBreaks(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 3<<20)
	for text, want := range map[string][]string{
		"":                          nil,
		"a":                         {"a"},
		"\uFEFFa\r\nb\n\n\uFEFFc\r": {"a", "b", "", "\uFEFFc"},
		long + "\n" + long:          {long, long},
	} {
		var got []string
		n, err := lines.Each(t.Context(), strings.NewReader(text), "x", func(number int64, line []byte) error {
			if got = append(got, string(line)); number != int64(len(got)) {
				t.Errorf("line %d is numbered %d", len(got), number)
			}
			return nil
		})
		if err != nil || n != int64(len(want)) || !slices.Equal(got, want) {
			t.Errorf("%.20q has %d lines (%v)", text, n, err)
		}
	}
	if _, err := lines.Each(t.Context(), strings.NewReader(strings.Repeat(long, 6)), "f.txt", nil); err == nil || !strings.Contains(err.Error(), "f.txt:1: the line is longer than 16 MiB") {
		t.Errorf("error is %v", err)
	}
}

func TestEachRaw_OffsetsPointIntoTheFile(t *testing.T) {
	t.Parallel()
	text := "\uFEFFa\r\n\n" + strings.Repeat("x", 2<<20) + "\nlast"
	var got []string
	_, err := lines.EachRaw(t.Context(), strings.NewReader(text), "x", func(_, offset int64, line []byte) error {
		if !strings.HasPrefix(text[offset:], string(line)) {
			t.Errorf("line %d is not at offset %d", len(got)+1, offset)
		}
		got = append(got, string(line))
		return nil
	})
	if err != nil || len(got) != 4 || "\uFEFF"+strings.Join(got, "") != text {
		t.Errorf("%d lines (%v)", len(got), err)
	}
}
