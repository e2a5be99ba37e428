package jsonfields

import (
	"strings"
	"testing"
)

func TestReadLine_NamesAreExactAndTheLastCounts(t *testing.T) {
	t.Parallel()
	name, count := "before", 0
	err := ReadLine([]byte(`{"Name": "A", "name": "b", "NAME": 3, "name": "c", "other": [1]}`), map[string]any{"name": &name, "count": &count})
	if err != nil || name != "c" || count != 0 {
		t.Errorf("name %q, count %d, error %v", name, count, err)
	}
}

// What is wrong is said without the names of Go's types.
func TestReadLine_SaysWhatIsWrongInWords(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		`["a"]`:          "this array is not an object",
		`"a"`:            "this string is not an object",
		`null`:           "null is not an object",
		`{"text": 5}`:    `"text": this number is not a string`,
		`{"ids": "x"}`:   `"ids": this string is not a list`,
		`{"ids": [1.5]}`: `"ids": this number 1.5 is not a whole number in range`,
		`{"text": "a`:    "unexpected end of JSON input",
	} {
		var text *string
		var ids *[]int32
		err := ReadLine([]byte(line), map[string]any{"text": &text, "ids": &ids})
		if err == nil || err.Error() != want || strings.Contains(err.Error(), "Go ") {
			t.Errorf("%s: %v, want %s", line, err, want)
		}
	}
}
