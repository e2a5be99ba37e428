package csvstream_test

import (
	"errors"
	"strings"
	"testing"

	"ventriloquist/internal/sources/csvstream"
)

// rows reads a table as "line: field|field", with what is damaged.
func rows(t *testing.T, text string) string {
	t.Helper()
	r := csvstream.New(strings.NewReader(text))
	names, err := r.Header()
	if err != nil {
		t.Fatal(err)
	}
	list := []string{strings.Join(names, "|")}
	for {
		fields, line, err := r.Next()
		switch {
		case errors.As(err, new(csvstream.Damage)):
			list = append(list, "damage")
		case err != nil:
			t.Fatal(err)
		case fields == nil:
			return strings.Join(list, "\n")
		default:
			list = append(list, string(rune('0'+line))+": "+strings.Join(fields, "|"))
		}
	}
}

func TestReader_Rows(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"a,b\n1,2\n\n\"x\ny\",\"\"\"\"\n": "a|b\n2: 1|2\n4: x\ny|\"",
		"\uFEFFa ; b\r\n1;2\r\n":          "a|b\n2: 1|2",
		"a,b\n1,2,3\n4,5":                 "a|b\ndamage\n3: 4|5",
		"a,b\n\"1,2\n3,4\n5,6\n":          "a|b\ndamage\n3: 3|4\n4: 5|6",
		"":                                "",
	} {
		if got := rows(t, text); got != want {
			t.Errorf("%q has the rows\n%s\nwant\n%s", text, got, want)
		}
	}
}
