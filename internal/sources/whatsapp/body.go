package whatsapp

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/mediatype"
)

// body is the interpreted content of a message.
type body struct {
	fate  sources.Fate
	parts []sources.Part
	// words distinguish it from the sender's other messages at that time, in an export with or without media.
	words string
	// partial reports whether some of it is left out, which another export may have.
	partial bool
	// mine reports whether only the owner can have sent it.
	mine bool
	// omission is a text entirely in angle brackets; a frequent one is the placeholder for media.
	omission string
}

// mark precedes text that WhatsApp itself writes on an iPhone, and files on Android.
const mark = "\u200e"

// reader interprets the bodies of messages.
type reader struct {
	iPhone  bool
	learned map[string]bool // placeholders for media in a language that phrases.go does not know
}

// body reads the text of a message, which may have several lines.
func (rd *reader) body(raw string) body {
	text := strings.TrimSpace(withoutEdit(raw))
	marked := strings.HasPrefix(strings.TrimLeft(raw, " "), mark)
	plain := strings.TrimSpace(withoutMarks(text))
	folded := fold(plain)
	switch {
	case plain == "":
		return body{fate: sources.Empty}
	case deletedByMe[folded]:
		return body{fate: sources.Deleted, mine: true}
	case deletedByOthers[folded], beginsWith(folded, deletedByAdmin) && len(folded) < 120 && !strings.ContainsAny(folded, "?!,"):
		return body{fate: sources.Deleted}
	}
	if name, caption, found := attachment(text); found {
		return fileBody(name, caption, false)
	}
	if b, found := rd.omitted(text, plain, folded); found {
		return b
	}
	if place, found := location(plain); found {
		return body{parts: []sources.Part{{Kind: messages.Location, Text: place}}, words: place}
	}
	if question, choices, found := poll(text); found {
		return body{parts: []sources.Part{{Text: sources.PollText(question, choices)}}, words: question}
	}
	if rd.iPhone && marked || isNotice(folded) {
		return body{fate: sources.Events}
	}
	b := body{parts: []sources.Part{{Text: plain}}, words: plain}
	if inner, found := bracketed(plain); found {
		b.omission = fold(inner)
	}
	return b
}

// fileBody returns a message with a file, whose name may be unknown, and its caption.
func fileBody(name, caption string, omitted bool) body {
	caption = strings.TrimSpace(withoutMarks(caption))
	b := body{words: "\x00file\n" + caption, partial: omitted}
	if name = strings.TrimSpace(withoutMarks(name)); name != "" {
		b.parts = append(b.parts, sources.Part{Kind: mediatype.Of("", "", name), Text: name})
	}
	if caption != "" {
		b.parts = append(b.parts, sources.Part{Text: caption})
	}
	if len(b.parts) == 0 {
		b.fate = sources.Omitted
	}
	return b
}

// withoutEdit removes the note that a message was edited.
func withoutEdit(text string) string {
	trimmed := strings.TrimRightFunc(text, func(c rune) bool { return isSpace(c) || isMark(c) })
	at := strings.LastIndexByte(trimmed, '<')
	if at < 0 || !strings.HasSuffix(trimmed, ">") {
		return text
	}
	note := trimmed[at+1 : len(trimmed)-1]
	if editedNotes[fold(note)] || at > len(mark) && strings.HasSuffix(trimmed[:at], " "+mark) && !strings.ContainsAny(note, ":：") {
		return trimmed[:at]
	}
	return text
}

// attachment finds the file of a message and its caption.
func attachment(text string) (name, caption string, found bool) {
	first, rest, _ := strings.Cut(text, "\n")
	if name, caption, found = bracketAttachment(first); found {
		return name, strings.TrimSpace(caption + "\n" + rest), true
	}
	if name, caption, found = bracketAttachment(text); found {
		return name, caption, true
	}
	first = strings.TrimSpace(first)
	open := strings.LastIndex(first, " (")
	if open <= 0 || !strings.HasSuffix(first, ")") || !attachedNotes[fold(first[open+2:len(first)-1])] {
		return "", "", false
	}
	return first[:open], rest, true
}

// bracketAttachment finds <attached: NAME> at the end of a text. A document's name and number of pages precede it:
// "Resume.pdf • 2 pages <attached: 00000047-Resume.pdf>".
func bracketAttachment(text string) (name, caption string, found bool) {
	text = strings.TrimRightFunc(text, func(c rune) bool { return isSpace(c) || isMark(c) })
	at := strings.LastIndexByte(text, '<')
	if at < 0 || !strings.HasSuffix(text, ">") {
		return "", "", false
	}
	inner, before := text[at+1:len(text)-1], text[:at]
	colon := strings.IndexAny(inner, ":：")
	if colon < 0 {
		return "", "", false
	}
	_, width := utf8.DecodeRuneInString(inner[colon:])
	name = strings.TrimSpace(withoutMarks(inner[colon+width:]))
	if !attachedLabels[fold(inner[:colon])] && (!strings.HasSuffix(before, mark) || !strings.Contains(name, ".")) {
		return "", "", false
	}
	caption = strings.TrimSpace(withoutMarks(before))
	title, _, _ := strings.Cut(caption, " • ")
	if title != "" && strings.HasSuffix(name, strings.TrimSpace(title)) {
		caption = ""
	}
	return name, caption, name != ""
}

// omitted recognizes placeholders for media that the export leaves out.
func (rd *reader) omitted(text, plain, folded string) (body, bool) {
	first, caption, _ := strings.Cut(plain, "\n")
	if note, found := bracketed(first); found && (omittedNotes[fold(note)] || omittedFiles[fold(note)] || rd.learned[fold(note)]) {
		return fileBody("", caption, true), true
	}
	switch {
	case folded == "null", omittedFiles[folded]:
		return fileBody("", "", true), true
	case omittedDocuments[folded]:
		return fileBody("", "", true), true
	}
	// "Resume.pdf • 2 pages document omitted", or a caption and, behind a mark, "image omitted".
	if at := strings.LastIndex(text, mark); at > 0 {
		before, note := strings.TrimSpace(withoutMarks(text[:at])), fold(text[at:])
		switch {
		case omittedDocuments[note]:
			return fileBody(documentName(before), "", true), true
		case omittedFiles[note]:
			return fileBody("", before, true), true
		}
	}
	if folded == "" {
		return body{}, false
	}
	for _, ending := range documentEndings[folded[len(folded)-1]] {
		if rest, found := strings.CutSuffix(folded, ending); found && strings.Contains(rest, ".") && !strings.Contains(plain, "\n") {
			return fileBody(documentName(plain[:len(plain)-min(len(plain), len(folded)-len(rest))]), "", true), true
		}
	}
	return body{}, false
}

// documentName returns the name of a document without the number of its pages.
func documentName(title string) string {
	name, _, _ := strings.Cut(title, " • ")
	return strings.TrimSpace(name)
}

// bracketed returns the content of a text entirely in angle brackets.
func bracketed(text string) (inner string, found bool) {
	text = strings.TrimSpace(text)
	inner, found = strings.CutPrefix(text, "<")
	if !found || !strings.HasSuffix(inner, ">") {
		return "", false
	}
	inner = strings.TrimSuffix(inner, ">")
	return inner, len(inner) >= 4 && len(inner) < 120 && !strings.ContainsAny(inner, "<>:/=\n") && strings.ContainsFunc(inner, isLetter)
}

// location finds a place: a map link after its label, or the name of a place and a link.
func location(text string) (place string, found bool) {
	at := strings.Index(text, "https://")
	if at <= 0 {
		return "", false
	}
	label, link := strings.TrimRight(text[:at], " \n:："), text[at:]
	switch {
	case strings.ContainsAny(link, " \n"):
		return "", false
	case strings.HasPrefix(link, "https://maps.google.com/?q=") && places[fold(label)]:
		return link, true
	case strings.HasPrefix(link, "https://foursquare.com/v/") && label != "":
		return label, true
	}
	return "", false
}

// poll finds the question of a poll and its choices, without how many people chose them.
func poll(text string) (question string, choices []string, found bool) {
	first, rest, _ := strings.Cut(text, "\n")
	first = strings.TrimSpace(withoutMarks(first))
	word := strings.TrimRight(first, " :：")
	if !polls[fold(word)] || word == first || word != strings.ToUpper(word) {
		return "", nil, false
	}
	question, rest, _ = strings.Cut(rest, "\n")
	if question = strings.TrimSpace(withoutMarks(question)); question == "" {
		return "", nil, false
	}
	for line := range strings.Lines(rest) {
		if choice := choiceOf(line); choice != "" {
			choices = append(choices, choice)
		}
	}
	return question, choices, true
}

// choiceOf returns the choice in a line such as "OPTION: Pizza (1 vote)".
func choiceOf(line string) string {
	line = strings.TrimSpace(withoutMarks(line))
	label, choice, found := strings.Cut(strings.ReplaceAll(line, "：", ":"), ":")
	if !found || label != strings.ToUpper(label) {
		return ""
	}
	choice = strings.TrimSpace(choice)
	if open := strings.LastIndex(choice, "("); open > 0 && strings.HasSuffix(choice, ")") && strings.ContainsFunc(choice[open:], unicode.IsDigit) {
		choice = strings.TrimSpace(choice[:open])
	}
	return choice
}
