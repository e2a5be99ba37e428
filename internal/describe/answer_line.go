package describe

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"ventriloquist/internal/messages"
)

// Maximum line lengths in characters. Transcripts are kept whole; their limit only bounds a runaway answer.
const (
	longestDescription = 1200
	longestTranscript  = 100_000
)

// preambles are introductions that models write before a description.
var preambles = regexp.MustCompile(`(?i)^(?:(?:sure|certainly|of course|okay|ok)[,.!:]+ *)?` +
	`(?:here(?: is|'s|’s| are) (?:a|an|the|my|your)?[^.:]{0,60}: *|` +
	`(?:(?:image|video|audio|document|pdf)? ?(?:description|caption|summary|transcript|transcription)): *|` +
	`in (?:this|the) (?:image|photo|photograph|picture|screenshot|video|clip|document), *(?:(?:we|you)(?: can)? see +)?|` +
	`(?:this|the|these) (?:image|photo|photograph|picture|screenshot|video|clip|video clip|frames?|document|pdf|file|text)(?: clip)?s? ` +
	`(?:shows?|depicts?|features?|displays?|contains?|captures?|presents?|portrays?|is of|is about)(?: that)? +)`)

// thoughts are what some models write before their answer.
var thoughts = regexp.MustCompile(`(?s)^\s*<(think|thinking|reasoning)>.*?(</(?:think|thinking|reasoning)>|$)`)

// markup is Markdown around words.
var markup = regexp.MustCompile("\\*\\*|__|```[a-z]*|(?m:^ *#{1,6} +)|(?m:^ *[-*•] +)")

// oneLine turns an answer into one line of plain text; empty if it has none. If the answer was cut off, its incomplete last
// sentence is dropped.
func oneLine(answer string, kind messages.Kind, cut bool) string {
	text := strings.ToValidUTF8(answer, "")
	text = thoughts.ReplaceAllString(text, "")
	isTranscript := kind == messages.Audio
	if !isTranscript {
		text = markup.ReplaceAllString(text, "")
	}
	text = unquote(plain(text))
	longest := longestTranscript
	if !isTranscript {
		longest = longestDescription
		for range 2 { // "Here is a description: The image shows …"
			text = upperFirst(unquote(preambles.ReplaceAllString(text, "")))
		}
	}
	if utf8.RuneCountInString(text) > longest {
		text, cut = string([]rune(text)[:longest]), true
	}
	if cut {
		text = wholeSentences(text)
	}
	if !strings.ContainsFunc(text, func(c rune) bool { return unicode.IsLetter(c) || unicode.IsNumber(c) || unicode.IsSymbol(c) }) {
		return ""
	}
	return text
}

// plain returns a text on one line: white space becomes spaces, and invisible characters are removed.
func plain(text string) string {
	var b strings.Builder
	b.Grow(len(text))
	space := false
	for _, c := range text {
		switch {
		case unicode.IsSpace(c) || c == '\u2028' || c == '\u2029':
			space = b.Len() > 0
			continue
		case unicode.IsControl(c) || c == '\uFFFC' || c == '\uFFFD' || c == '\uFEFF' || c >= '\u202A' && c <= '\u202E' || c >= '\u2066' && c <= '\u2069':
			continue
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(c)
	}
	return b.String()
}

// unquote removes quotation marks around the whole text.
func unquote(text string) string {
	for _, marks := range []string{`""`, "“”", "«»", "''"} {
		open, size := utf8.DecodeRuneInString(marks)
		shut, _ := utf8.DecodeLastRuneInString(marks)
		inner, found := strings.CutPrefix(text, string(open))
		if !found {
			continue
		}
		if inner, found = strings.CutSuffix(inner, string(shut)); found && len(inner) >= size && !strings.ContainsRune(inner, open) {
			return strings.TrimSpace(inner)
		}
	}
	return strings.TrimSpace(text)
}

func upperFirst(text string) string {
	c, size := utf8.DecodeRuneInString(text)
	if size == 0 || !unicode.IsLower(c) {
		return text
	}
	return string(unicode.ToUpper(c)) + text[size:]
}

// wholeSentences drops an incomplete last sentence; empty if there is no other.
func wholeSentences(text string) string {
	at := strings.LastIndexAny(text, ".!?…。！？")
	if at < 0 {
		return ""
	}
	_, size := utf8.DecodeRuneInString(text[at:])
	return text[:at+size]
}

// declined matches how models without a refusal field say that they will not describe something.
var declined = regexp.MustCompile(`(?i)^(?:i['’]?m sorry|i am sorry|sorry|i apologi[sz]e|unfortunately)?[,. ]*(?:but )?` +
	`(?:i|as an ai[^,]*, i) ?(?:can(?:not|['’]?t)|am unable to|['’]m unable to|won['’]t|will not|am not able to|['’]m not able to)(?: help| assist| describe| identify| provide| comply| fulfil| fulfill| engage| discuss| view| see)`)

// isDeclined reports whether an answer is a refusal. In a voice message the same words are the transcript.
func isDeclined(answer string, kind messages.Kind) bool {
	return kind != messages.Audio && declined.MatchString(plain(thoughts.ReplaceAllString(answer, "")))
}
