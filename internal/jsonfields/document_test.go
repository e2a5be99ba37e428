package jsonfields_test

import (
	"strings"
	"testing"

	"ventriloquist/internal/jsonfields"
)

// Repeated names and deep nesting are refused, at any level; the same name in two objects is none.
func TestParseDocument_RepeatedNamesAndDepth(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]string{
		`{"a": 1, "b": {"a": 2}, "c": [{"a": 3}, {"a": 4}]}`: "",
		`{"a": 1, "a": 2}`:                         `"a" is there twice`,
		`{"a": [{"b": "x", "c": null, "b": "y"}]}`: `"b" is there twice`,
		`{"a": "b", "b": "a"}`:                     "",
		`{"a": ` + strings.Repeat("[", 63) + strings.Repeat("]", 63) + `}`: "",
		`{"a": ` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `}`: "deeper than 64",
	} {
		_, err := jsonfields.ParseDocument("f.json", []byte(content))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), "f.json: ") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s: %v", content, err)
		}
	}
}
