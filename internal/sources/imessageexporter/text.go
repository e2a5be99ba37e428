package imessageexporter

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"ventriloquist/internal/lines"
	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources/mediatype"
)

// indent precedes the lines of an answer below the message that it answers.
const indent = "    "

// readText passes the messages of a text to visit. Messages are in the order of their times: what looks like the beginning of an older
// one, by somebody who is not among writers, is part of the message it stands in. Writers is nil if nobody is known yet.
func readText(in io.Reader, where string, writers map[string]bool, visit func(m *entry) error, damaged func(what string, units int64)) error {
	t := textReader{where: where, writers: writers, visit: visit, damaged: damaged, blank: true}
	_, err := lines.Each(context.Background(), in, where, func(number int64, line []byte) error { return t.line(int(number), string(line)) })
	if err != nil {
		return err
	}
	if t.began { // without a name
		if err := t.flush(); err != nil {
			return err
		}
		t.keep()
	}
	return t.flush()
}

// textReader cuts a text into messages.
type textReader struct {
	where   string
	writers map[string]bool
	visit   func(m *entry) error
	damaged func(what string, units int64)
	block   []string // the lines of a message
	first   int      // the number of its first line
	size    int
	last    time.Time // of the message
	blank   bool      // the line before is empty, or there is none
	// A line with a time begins a message if the next one is a name.
	began  bool
	time   string
	number int
}

func (t *textReader) line(number int, line string) error {
	if t.began {
		t.began = false
		if t.isWriter(line) {
			if err := t.flush(); err != nil {
				return err
			}
			t.first = t.number
			t.last = t.at(t.time)
		}
		t.keep()
	}
	date, rest, is := cutTime(line)
	switch {
	case !is || !t.blank:
	case isNotice(rest) && !t.at(date).Before(t.last.Add(-time.Hour)):
		if err := t.flush(); err != nil {
			return err
		}
		t.blank = false
		return t.visit(&entry{line: number, date: date, notice: true})
	case rest == "" || isReceipt(rest):
		t.began, t.time, t.number, t.blank = true, line, number, false
		return nil
	}
	t.add(line, number)
	t.blank = strings.TrimSpace(line) == ""
	return nil
}

// at returns the time that a line begins with.
func (t *textReader) at(line string) time.Time {
	date, _, _ := cutTime(line)
	at, err := parseTime(date, time.UTC)
	if err != nil {
		return t.last
	}
	return at
}

// isWriter reports whether a line below a time is the name of somebody who begins to speak. An hour occurs twice when clocks are set back.
func (t *textReader) isWriter(line string) bool {
	if name := strings.TrimSpace(line); name == "" || line[0] == ' ' {
		return false
	}
	return !t.at(t.time).Before(t.last.Add(-time.Hour)) || t.writers[line]
}

// keep adds the line with a time to the block.
func (t *textReader) keep() { t.add(t.time, t.number) }

func (t *textReader) add(line string, number int) {
	if len(t.block) == 0 && t.first == 0 {
		t.first = number
	}
	if t.size += len(line) + 1; t.size <= largestMessage {
		t.block = append(t.block, line)
	}
}

// flush passes the message in the block on.
func (t *textReader) flush() error {
	block, first, size := t.block, t.first, t.size
	t.block, t.first, t.size = t.block[:0], 0, 0
	for len(block) > 0 && strings.TrimSpace(block[len(block)-1]) == "" {
		block = block[:len(block)-1]
	}
	if len(block) == 0 {
		return nil
	}
	err := errors.New("it is before the first message, or the end of one whose beginning is missing")
	if _, rest, is := cutTime(block[0]); size > largestMessage {
		err = fmt.Errorf("the message has more than %d MiB", largestMessage>>20)
	} else if is && (rest == "" || isReceipt(rest)) && len(block) > 1 {
		m := parseBlock(block, first)
		return t.visit(&m)
	} else if is && len(block) == 1 {
		err = errors.New("the file ends before its last message does")
	}
	t.damaged(fmt.Sprintf("%s:%d: %v", t.where, first, err), 1)
	return nil
}

// parseBlock takes the lines of a message apart: its time, its sender, and its content.
func parseBlock(block []string, first int) entry {
	m := entry{line: first, from: strings.TrimSpace(block[1])}
	m.date, _, _ = cutTime(block[0])
	b := body{entry: &m, lines: block[2:], first: first + 2}
	b.parse()
	return m
}

// body parses the content of a message.
type body struct {
	*entry
	lines []string
	first int // the number of the first line
	said  []string
}

func (b *body) parse() {
	i := 0
	if len(b.lines) > 0 && b.lines[0] == deletedNote {
		b.deleted = true
		i++
	}
	for i < len(b.lines) {
		i += b.piece(i)
	}
	b.end()
	if len(b.pieces) == 1 && (b.pieces[0].text == "SharePlay Message\nEnded" || b.pieces[0].text == "Started sharing location!" || b.pieces[0].text == "Stopped sharing location!") {
		b.notice = true
	}
}

// end completes the words of a piece.
func (b *body) end() {
	text := strings.TrimRight(strings.Join(b.said, "\n"), "\n ")
	b.said = nil
	if strings.TrimSpace(text) != "" {
		b.pieces = append(b.pieces, piece{text: text})
	}
}

func (b *body) add(p piece) {
	b.end()
	b.pieces = append(b.pieces, p)
}

// piece takes the piece that begins with a line, and returns how many lines it has.
func (b *body) piece(i int) int {
	line := b.lines[i]
	rest := b.lines[i+1:]
	switch {
	case strings.HasPrefix(line, indent) && b.isAnswer(i):
		return b.answer(i)
	case line == "Tapbacks:" || line == "Reactions:":
		if n := b.takeReactions(rest); n > 0 {
			return 1 + n
		}
	case line == answersNote && isBlank(rest):
		b.answers = true
		return 1
	case effects[line] && (len(b.said) > 0 || len(b.pieces) > 0):
		return 1
	case unsentNote.MatchString(line):
		b.unsent = true
		return 1
	case line == translated && len(b.said) > 0: // what was said is below it
		b.said = nil
		return 1
	case line == missingNote:
		b.add(piece{kind: messages.File, missing: true})
		return 1
	}
	if sticker := stickerNote.FindStringSubmatch(line); sticker != nil {
		p := piece{kind: messages.Image, path: sticker[2]}
		if sticker[3] == "Genmoji prompt" {
			p.transcript = sticker[4]
		}
		b.add(p)
		return 1
	}
	if isPath(line) {
		p := piece{kind: mediatype.Of("", "", path.Base(line)), path: line}
		n := 1
		if len(rest) > 0 && strings.HasPrefix(rest[0], transcript) {
			p.transcript, n = strings.TrimPrefix(rest[0], transcript), 2
		}
		b.add(p)
		return n
	}
	if n := b.takeVersions(i); n > 0 {
		return n
	}
	b.said = append(b.said, line)
	return 1
}

func isBlank(list []string) bool {
	for _, line := range list {
		if strings.TrimSpace(line) != "" {
			return false
		}
	}
	return true
}

// isPath reports whether a line is the path of an attachment, copied into the export or not.
func isPath(line string) bool {
	if !strings.Contains(line, "/") || strings.Contains(line, "://") || len(line) > 1024 {
		return false
	}
	return strings.HasPrefix(line, "attachments/") && path.Ext(line) != "" || line[0] == '/' && strings.Contains(line, "/attachments/") ||
		(line[0] == '/' || line[0] == '~') && (strings.Contains(line, "/Library/Messages/") || strings.Contains(line, "/MobileSync/Backup/") || strings.Contains(line, "/Attachments/"))
}

// takeReactions takes the reactions at the beginning of some lines, and returns how many lines they have.
func (b *body) takeReactions(list []string) (n int) {
	for n < len(list) {
		r, is := parseReaction(list[n])
		if !is {
			break
		}
		b.reactions = append(b.reactions, r)
		n++
	}
	return n
}

// isAnswer reports whether a line begins an answer.
func (b *body) isAnswer(i int) bool {
	date, rest, is := cutTime(strings.TrimPrefix(b.lines[i], indent))
	return is && date != "" && (rest == "" || isReceipt(rest)) && i+1 < len(b.lines) && strings.HasPrefix(b.lines[i+1], indent) && strings.TrimSpace(b.lines[i+1]) != ""
}

// answer takes an answer, and returns how many lines it has.
func (b *body) answer(i int) int {
	b.end()
	n := 2
	for i+n < len(b.lines) {
		line := b.lines[i+n]
		if line != "" && !strings.HasPrefix(line, indent) || strings.TrimSpace(b.lines[i+n-1]) == "" && b.isAnswer(i+n) {
			break
		}
		n++
	}
	block := make([]string, 0, n)
	for _, line := range b.lines[i : i+n] {
		block = append(block, strings.TrimPrefix(line, indent))
	}
	b.answered = append(b.answered, parseBlock(block, b.first+i))
	return n
}

// takeVersions takes the versions of an edited text: the first one behind its time, the others behind "Edited … later: ". It returns
// how many lines they have, 0 if a line begins none.
func (b *body) takeVersions(i int) (n int) {
	date, rest, is := cutTime(b.lines[i])
	if !is || rest == "" {
		return 0
	}
	list := []version{{date: date, text: rest[1:]}}
	for n = 1; i+n < len(b.lines); n++ {
		line := b.lines[i+n]
		if later, text, is := cutLater(line); is {
			list = append(list, version{later: later, text: text})
			continue
		}
		if line == answersNote || line == "Tapbacks:" || line == "Reactions:" || effects[line] || strings.HasPrefix(line, indent) && b.isAnswer(i+n) {
			break
		}
		list[len(list)-1].text += "\n" + line
	}
	if len(list) == 1 {
		return 0
	}
	for i := range list {
		list[i].text = strings.TrimRight(list[i].text, "\n ")
	}
	b.add(piece{text: list[len(list)-1].text, versions: list})
	return n
}

// cutLater cuts how much later than the one before a version was written: "Edited 30 seconds later: ".
func cutLater(line string) (later, text string, is bool) {
	rest, found := strings.CutPrefix(line, "Edited ")
	later, text, is = strings.Cut(rest, " later: ")
	return later, text, found && is && parseLater(later) > 0
}
