package generate

import (
	"strings"

	"ventriloquist/internal/windows"
)

// GBNF returns the grammar of what follows the prefill of a line, in llama.cpp's notation: that of lineGrammar. TestGBNF_IsTheLine and
// scripts/check_backend.py compare them.
func GBNF() string {
	quoted := func(words []string) string {
		list := make([]string, len(words))
		for i, w := range words {
			list[i] = gbnfString(w)
		}
		return strings.Join(list, " | ")
	}
	return strings.NewReplacer("DELTAS", quoted(windows.Deltas), "TYPES", quoted(windows.ContentTypes)).Replace(gbnf)
}

// gbnf is the grammar without the words for deltas and content types. blank are the characters that do not make a text.
const gbnf = `root ::= "delta\": \"" delta "\", \"reply_to\": " reply ", \"content_type\": \"" type "\", \"text\": \"" text "\"}\n"
delta ::= DELTAS
type ::= TYPES
reply ::= "null" | "\"" char* "\""
text ::= blank* visible char*
char ::= blank | visible
blank ::= [ \x85\xA0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000] | "\\" [tf] | "\\u00" ("0b" | "1" [c-f])
visible ::= [^"\\\x00-\x20\x85\xA0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000] | "\\" ["\\b] | "\\u00" ("0" [0-7ef] | "1" [0-9ab])
`

// gbnfString quotes a word.
func gbnfString(word string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(word) + `"`
}
