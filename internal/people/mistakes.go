package people

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"ventriloquist/internal/usererr"
)

// notAContact explains a line of the contacts file that is no contact.
func notAContact(line []byte, err error) error {
	cause, advice := mistake(line, err)
	return usererr.With(fmt.Errorf("not a contact: %s", cause), "%s", advice)
}

func mistake(line []byte, err error) (cause, advice string) {
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &kind):
		return wrongType(kind)
	case bytes.HasPrefix(line, []byte(`{\rtf`)):
		return "the file is rich text (RTF), not plain text", "in TextEdit choose Format > Make Plain Text, and save it again"
	case line[0] == '#', bytes.HasPrefix(line, []byte("//")):
		return "comments are not possible in this file", "remove the line"
	case line[0] == '[', line[0] == ']':
		return "the file is not a list", "write one contact per line, without [ ] around them and without commas between them; " + lineForm
	case bytes.ContainsAny(line, "“”„‟"):
		return "curly quotes (“ ”) instead of straight ones", `write plain " quotes; on a Mac turn off smart quotes in the editor (Edit > Substitutions)`
	case json.Valid(bytes.TrimRight(line, ", \t")):
		return "there is a comma after the contact", "remove the comma: contacts are separated by line breaks alone"
	}
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) {
		return err.Error(), lineForm
	}
	// Offset counts the bytes up to and including the wrong one; at the end of the line it is the length.
	if syntax.Error() == "unexpected end of JSON input" {
		return "the line ends too early: a quote or bracket is missing", "write the whole contact on one line; " + lineForm
	}
	before := line[:min(max(int(syntax.Offset)-1, 0), len(line))]
	cause = fmt.Sprintf("character %d is wrong", utf8.RuneCount(before)+1)
	if before = bytes.TrimRight(before, " \t"); bytes.HasSuffix(before, []byte(",")) {
		cause += ": nothing follows the comma before it"
	} else if rest := line[min(len(before), len(line)):]; len(rest) > 0 && strings.TrimSpace(string(rest[:1])) == "'" {
		cause += `: quotes are "`
	}
	return cause, lineForm
}

// wrongType explains JSON of another kind than a contact has.
func wrongType(err *json.UnmarshalTypeError) (cause, advice string) {
	switch {
	case err.Field == "ids" && err.Value == "string":
		return `"ids" must be a list`, `put it in brackets: "ids": ["+12345678900"]`
	case strings.HasPrefix(err.Field, "ids"):
		return `"ids" must be a list of texts`, `put quotes around each: "ids": ["+12345678900"]`
	case err.Field == "contact":
		return `"contact" must be a text`, `put the name in quotes: "contact": "John"`
	case err.Value == "array":
		return "the file is not a list", "write one contact per line, without [ ] around them and without commas between them; " + lineForm
	}
	return "it is not an object in { }", lineForm
}
