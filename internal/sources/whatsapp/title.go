package whatsapp

import (
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"ventriloquist/internal/sources"
)

// titleWords separate "WhatsApp" from the title of the chat in the name of an export.
var titleWords = []string{" - ", " – ", " with ", " mit ", " con ", " avec ", " com ", " met ", " med ", " z ", " z użytkownikiem ", " s uživatelem ", " s ", " с контактом ",
	" с ", " з ", " ile ", " dengan ", " với ", " cu ", " kanssa ", "와 ", " עם ", " مع "}

// titleOf finds the title of a chat in the name of its file, an absolute path, or of the folder that holds a _chat.txt. It
// is empty if the name has none.
func titleOf(path string) string {
	name := sources.Base(path)
	if strings.EqualFold(name, "_chat") {
		name = filepath.Base(filepath.Dir(path))
	}
	name = withoutCount(withoutMarks(strings.ReplaceAll(name, "_", " ")))
	const program = "whatsapp"
	at := 0
	for at+len(program) <= len(name) && !strings.EqualFold(name[at:at+len(program)], program) {
		at++
	}
	if at+len(program) > len(name) {
		return ""
	}
	after := name[at+len(program):]
	first, longest := len(after), 0
	for _, word := range titleWords {
		if i := strings.Index(after, word); i >= 0 && (i < first || i == first && len(word) > longest) {
			first, longest = i, len(word)
		}
	}
	return strings.TrimSpace(after[first+longest:])
}

// withoutCount removes the " (1)" of a second download.
func withoutCount(name string) string {
	open := strings.LastIndex(name, " (")
	if open > 0 && strings.HasSuffix(name, ")") && strings.Trim(name[open+2:len(name)-1], "0123456789") == "" {
		return name[:open]
	}
	return name
}

// sender splits the text after the time into sender and content. A notice has no sender before a colon, but may quote a
// name with one: John changed the subject to "Plans: Friday". So a colon within quotation marks ends no name, unless the
// name before it is known: the name itself may have a quotation mark.
func sender(rest string, isKnown func(name string) bool) (name, text string, found bool) {
	before, text, found := strings.Cut(rest, ": ")
	if !found {
		if before, text, found = strings.Cut(rest, ":"+mark); found {
			text = mark + text
		} else if before, found = strings.CutSuffix(rest, ":"); !found {
			return "", "", false
		}
	}
	name = cleanName(before)
	if name == "" || utf8.RuneCountInString(name) > 80 {
		return "", "", false
	}
	if countQuotes(before)%2 == 1 && countQuotes(text)%2 == 1 && !isKnown(name) {
		return "", "", false
	}
	return name, text, true
}

// noName knows no names.
func noName(string) bool { return false }

// countQuotes counts quotation marks.
func countQuotes(text string) (n int) {
	for _, c := range text {
		if strings.ContainsRune("\"“”„«»「」『』", c) {
			n++
		}
	}
	return n
}

// cleanName returns a name without marks, and without the ~ before names that people outside the contacts gave themselves.
func cleanName(name string) string {
	name = strings.Join(strings.Fields(withoutMarks(name)), " ")
	return strings.TrimSpace(strings.TrimPrefix(name, "~"))
}

// sameName reports whether two spellings stand for the same name or number.
func sameName(a, b string) bool { return squeeze(a) != "" && squeeze(a) == squeeze(b) }

// squeeze keeps letters and digits, in lower case. It keeps everything if a name has neither, such as one of emoji.
func squeeze(name string) string {
	kept := strings.Map(func(c rune) rune {
		if unicode.IsLetter(c) || unicode.IsDigit(c) {
			return unicode.ToLower(c)
		}
		return -1
	}, name)
	if kept == "" {
		return strings.TrimSpace(name)
	}
	return kept
}

func isLetter(c rune) bool { return unicode.IsLetter(c) }
