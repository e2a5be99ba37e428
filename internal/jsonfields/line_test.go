package jsonfields

import (
	"strings"
	"testing"
)

func TestReadLine_NamesAreExactAndLastWins(t *testing.T) {
	t.Parallel()
	name, count := "before", 0
	err := ReadLine([]byte(`{"Name": "A", "name": "b", "NAME": 3, "name": "c", "other": [1]}`), map[string]any{"name": &name, "count": &count})
	if err != nil || name != "c" || count != 0 {
		t.Errorf("name %q, count %d, error %v", name, count, err)
	}
}

// Errors do not name Go's types.
func TestReadLine_ErrorsNameNoGoTypes(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		`["a"]`:          "expected an object, found array",
		`"a"`:            "expected an object, found string",
		`null`:           "expected an object, found null",
		`{"text": 5}`:    `"text": expected a string, found number`,
		`{"ids": "x"}`:   `"ids": expected a list, found string`,
		`{"ids": [1.5]}`: `"ids": expected an integer in range, found number 1.5`,
		`{"text": "a`:    "unexpected end of JSON input",
		`hello there`:    "expected JSON, found plain text",
		`no way`:         "expected JSON, found plain text",
		`{"text": no}`:   "invalid character 'o' in literal null (expecting 'u')",
	} {
		var text *string
		var ids *[]int32
		err := ReadLine([]byte(line), map[string]any{"text": &text, "ids": &ids})
		if err == nil || err.Error() != want || strings.Contains(err.Error(), "Go ") {
			t.Errorf("%s: %v, want %s", line, err, want)
		}
	}
}
