package people

import (
	"strings"
	"testing"

	"ventriloquist/internal/usererr"
)

func TestIsAddress(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"+1 (415) 555-1021": true, "415.555.1021": true, "22395": true, "*100#": true, "tel:+14155551021": true, "+12345678900(smsft)": true,
		"p1021@icloud.com": true, "mailto:A@B.org": true,
		"+1": false, "41": false, "": false, "Bob": false, "Bob 1021 555": false, "@icloud.com": false, "bob@": false, "a b@c.org": false,
	} {
		if got := IsAddress(text); got != want {
			t.Errorf("%q is an address: %v, want %v", text, got, want)
		}
	}
}

// The rows of contacts_to_ids.jsonl: each usual mistake is explained in words.
func TestReadBook_ExplainsMistakes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ line, want, hint string }{
		"CurlyQuotes":    {`{“contact”: “John”, “ids”: [“+14155551021”]}`, "curly quotes (“ ”)", "smart quotes"},
		"OneCurlyQuote":  {`{"contact": "John”, "ids": ["+14155551021"]}`, "curly quotes (“ ”)", "smart quotes"},
		"IDsNoList":      {`{"contact": "John", "ids": "+14155551021"}`, `"ids" must be a list`, `"ids": ["+1`},
		"IDsOfNumbers":   {`{"contact": "John", "ids": [14155551021]}`, `"ids" must be a list of texts`, "quotes around each"},
		"ContactNoText":  {`{"contact": 5, "ids": ["+14155551021"]}`, `"contact" must be a text`, "in quotes"},
		"Array":          {`[`, "the file is not a list", "without [ ]"},
		"ArrayOnOneLine": {`[{"contact": "John", "ids": ["+14155551021"]}]`, "the file is not a list", "without [ ]"},
		"Comment":        {`# mine`, "comments are not possible", "remove the line"},
		"CommaAfter":     {`{"contact": "John", "ids": ["+14155551021"]},`, "a comma after the contact", "remove the comma"},
		"CommaInList":    {`{"contact": "John", "ids": ["+14155551021",]}`, "character 44 is wrong: nothing follows the comma", "a line reads"},
		"SingleQuotes":   {`{'contact': 'John'}`, `character 2 is wrong: quotes are "`, "a line reads"},
		"Cut":            {`{"contact": "John",`, "ends too early", "on one line"},
		"Text":           {`"John"`, "not an object in { }", "a line reads"},
		"RTF":            {`{\rtf1\ansi`, "rich text", "Make Plain Text"},
		"CutNumber":      {`{"contact": "John", "ids": ["+1"]}`, `"+1" of "John" is neither`, "a line reads"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ReadBook(strings.NewReader("\n"+c.line+"\n"), "c.jsonl", Self{})
			if err == nil || !strings.HasPrefix(err.Error(), "c.jsonl:2: ") || !strings.Contains(err.Error(), c.want) || !strings.Contains(usererr.Of(err), c.hint) {
				t.Errorf("error %v, hint %q", err, usererr.Of(err))
			}
		})
	}
}
