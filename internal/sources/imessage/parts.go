package imessage

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/imessage/typedstream"
)

// The attributes that identify the parts of a body and their content.
const (
	partAttribute       = "__kIMMessagePartAttributeName"
	transferAttribute   = "__kIMFileTransferGUIDAttributeName"
	transcriptAttribute = "IMAudioTranscription"

	// subjectPart is the number of a subject line, which no reply or reaction names: it precedes part 0.
	subjectPart = 1 << 20

	objectCharacter = '\uFFFC' // placeholder for an attachment
	appCharacter    = '\uFFFD' // placeholder for an app
)

// parts returns the content of a row, in the order of its body. An empty list with the fate Unsent or Empty is also
// valid.
func (rd *reader) parts(r *row) (list []messages.Part, shortened bool, fate sources.Fate) {
	rd.edits, rd.damaged = readEdits(r.summary), nil
	e := &rd.edits
	list = e.left(rd.split(r, rd.decode(r.body, r.text)))
	if len(list) == 0 {
		list = rd.finalTexts(r, e)
	}
	gone := len(e.unsent) > 0 || r.retracted
	if r.retracted && len(e.unsent) == 0 {
		list = nil
	}
	if !gone {
		// Attachments without a place in the body come last. If part of the message was unsent, they are the unsent part.
		list = append(list, rd.unplaced(list)...)
	}
	list = slices.DeleteFunc(list, func(p messages.Part) bool { return p.Kind == messages.Text && isBlank(p.Text) })
	if r.balloon != "" && !slices.ContainsFunc(list, func(p messages.Part) bool { return p.Kind == messages.Text }) && !gone {
		if words := r.balloonWords(); words != "" {
			list = append(list, messages.Part{Text: words})
		}
	}
	if !isBlank(r.subject) && (!gone || len(list) > 0 && !slices.Contains(e.unsent, 0)) {
		list = slices.Insert(list, 0, messages.Part{Number: subjectPart, Text: r.subject})
	}
	switch {
	case len(list) > 0:
		return list, gone, sources.Messages
	case gone:
		return nil, true, sources.Unsent
	}
	return nil, false, sources.Empty
}

// balloonWords returns the text of a balloon whose body has none.
func (r *row) balloonWords() string {
	if r.poll {
		if words := cmp.Or(pollWords(r.choices), pollWords(r.payload)); words != "" {
			return words
		}
	}
	return balloonWords(r.balloon, r.payload)
}

// errNotUTF8 reports a text with damaged letters, for which U+FFFD stands.
var errNotUTF8 = errors.New("its text is no UTF-8")

// decode returns the body of a row: from its archive, else from its text column, else from a scan of a damaged archive.
func (rd *reader) decode(archive, text []byte) *typedstream.Body {
	var failure error
	if len(archive) > 0 {
		body, err := rd.decoder.Decode(archive)
		if err == nil && (body.Text != "" || len(text) == 0) {
			if body.Replaced {
				rd.damaged = errNotUTF8
			}
			return body
		}
		if err != nil && !errors.Is(err, typedstream.ErrNoString) {
			failure, rd.damaged = err, err
		}
	}
	if !utf8.Valid(text) {
		rd.damaged = errNotUTF8
	}
	body := &typedstream.Body{Text: strings.ToValidUTF8(string(text), "\uFFFD")}
	if failure != nil && body.Text == "" {
		body.Text, _ = typedstream.Scan(archive)
	}
	return body
}

// finalTexts returns the last version of each edited part, for a row without a body.
func (rd *reader) finalTexts(r *row, e *edits) []messages.Part {
	var list []messages.Part
	for _, part := range slices.Sorted(maps.Keys(e.final)) {
		if slices.Contains(e.unsent, part) {
			continue
		}
		for _, p := range rd.split(r, rd.decode(e.final[part], nil)) {
			p.Number = part
			list = append(list, p)
		}
	}
	return list
}

// splitter cuts a body into parts.
type splitter struct {
	parts    []messages.Part
	files    []attachment
	placed   []bool // files with a place in the body
	words    strings.Builder
	part     int
	numbered bool // the body numbers its parts; otherwise they are counted
	hidden   bool // U+FFFD is the placeholder for an app
}

func (rd *reader) split(r *row, body *typedstream.Body) []messages.Part {
	files := rd.files
	s := splitter{files: files, placed: make([]bool, len(files)), hidden: r.balloon != "" || isBlank(body.Text)}
	for i := range body.Runs {
		s.claim(body.Runs[i].Get(transferAttribute).Text)
		s.numbered = s.numbered || body.Runs[i].Get(partAttribute).Kind == typedstream.Int
	}
	rest := body.Text
	for i := range body.Runs {
		run := &body.Runs[i]
		if number := run.Get(partAttribute); number.Kind == typedstream.Int && int(number.Int) != s.part {
			s.flush()
			s.part = int(number.Int)
		}
		var text string
		text, rest = cut16(rest, run.Length)
		s.run(text, run)
	}
	s.run(rest, &typedstream.Run{})
	s.flush()
	return s.parts
}

// cut16 splits text after the given number of UTF-16 units.
func cut16(text string, units int) (head, tail string) {
	at := 0
	for units > 0 && at < len(text) {
		c, size := utf8.DecodeRuneInString(text[at:])
		if units--; c >= 0x10000 {
			units--
		}
		at += size
	}
	return text[:at], text[at:]
}

// run adds the text of one run.
func (s *splitter) run(text string, run *typedstream.Run) {
	for {
		at := strings.IndexRune(text, objectCharacter)
		if at < 0 {
			s.words.WriteString(text)
			return
		}
		s.words.WriteString(text[:at])
		s.place(run)
		text = text[at+utf8.RuneLen(objectCharacter):]
	}
}

// flush completes a part of text.
func (s *splitter) flush() {
	text := s.words.String()
	s.words.Reset()
	if s.hidden {
		text = strings.ReplaceAll(text, string(appCharacter), "")
	}
	if text != "" {
		s.add(messages.Part{Text: text})
	}
}

func (s *splitter) add(p messages.Part) {
	p.Number = s.part
	s.parts = append(s.parts, p)
	if !s.numbered {
		s.part++
	}
}

// claim marks the file with this identifier as named by the body.
func (s *splitter) claim(guid string) {
	if n := s.find(guid); n >= 0 {
		s.placed[n] = true
	}
}

func (s *splitter) find(guid string) int {
	if guid == "" {
		return -1
	}
	return slices.IndexFunc(s.files, func(a attachment) bool { return a.guid == guid })
}

// place adds the attachment for a U+FFFC: the one that its run names, or else the next one that no run names. A
// transcript belongs to the named attachment. A U+FFFC without an attachment is dropped, and the text around it stays one
// part.
func (s *splitter) place(run *typedstream.Run) {
	guid := run.Get(transferAttribute).Text
	transcript := strings.TrimSpace(run.Get(transcriptAttribute).Text)
	n := s.find(guid)
	if n < 0 {
		if n = slices.Index(s.placed, false); n < 0 {
			return
		}
		s.placed[n] = true
		if guid != "" {
			transcript = ""
		}
	}
	if a := &s.files[n]; !a.payload {
		s.flush()
		s.add(a.part(transcript))
	}
}

// unplaced returns the attachments of a row that are not among its parts, numbered after the last part.
func (rd *reader) unplaced(list []messages.Part) []messages.Part {
	var more []messages.Part
	part := 0
	for _, p := range list {
		part = max(part, p.Number+1)
	}
	for _, a := range rd.files {
		if a.payload || slices.ContainsFunc(list, func(p messages.Part) bool { return p.Attachment == a.guid }) {
			continue
		}
		p := a.part("")
		p.Number = part
		more = append(more, p)
		part++
	}
	return more
}

// isBlank reports whether a text contains only white space and placeholders.
func isBlank(text string) bool {
	for _, c := range text {
		if c != objectCharacter && c != appCharacter && !unicode.IsSpace(c) {
			return false
		}
	}
	return true
}
