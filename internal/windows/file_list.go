package windows

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"math"
	"os"

	"ventriloquist/internal/lines"
	"ventriloquist/internal/regularfile"
	"ventriloquist/internal/usererr"
)

// fileList is a List over a window file. It keeps the offset of each row and a hash of each distinct line; the text stays on
// disk.
type fileList struct {
	f             *os.File
	path          string
	rows          []fileRow
	heldOut       []bool // of each row
	conversations conversationSet
	headers       map[lineHash]int32 // conversation of a header line
	lines         map[lineHash]int32 // Line.ID of a message line
	seeds         [2]maphash.Seed
	hasMemory     bool // in some window
}

// fileRow is one window of a file.
type fileRow struct {
	offset, length int64
	number         int32 // line number in the file, from 1
	conversation   int32
	targets        int32
}

// lineHash is a hash of a line: 128 bits, so that no two lines of a file share one by accident.
type lineHash [2]uint64

// OpenFile opens a window file. Each line is a window, {"text": "<header>\n<line>\n…"}, with "targets" if more than the last
// message carries loss. Other keys and blank lines are ignored, and a newline missing at the end of a text is added. The
// whole file is read and checked once, so that reading a window later cannot fail because of its form. Progress counts bytes.
func OpenFile(ctx context.Context, path string, progress Progress) (List, error) {
	f, err := regularfile.Open(path)
	if err != nil {
		return nil, usererr.With(fmt.Errorf("cannot open the window file: %w", err),
			"make one with: vqctl preprocess %v %s", usererr.Option("export"), path)
	}
	s := &fileList{f: f, path: path, headers: map[lineHash]int32{}, lines: map[lineHash]int32{},
		seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}}
	if err := s.index(ctx, progress); err != nil {
		f.Close()
		return nil, err
	}
	if len(s.rows) == 0 {
		f.Close()
		return nil, fmt.Errorf("%s has no windows", path)
	}
	s.heldOut = lastWindows(len(s.rows), len(s.Conversations()), s.Conversation)
	return s, nil
}

// index reads the file once and records its windows.
func (s *fileList) index(ctx context.Context, progress Progress) error {
	info, err := s.f.Stat()
	if err != nil {
		return fmt.Errorf("cannot read %s: %w", s.path, err)
	}
	_, err = lines.EachRaw(ctx, s.f, s.path, func(number, offset int64, row []byte) error {
		if number%1024 == 0 {
			progress.Report(offset, info.Size())
		}
		if number > math.MaxInt32 {
			return fmt.Errorf("%s has more than %d lines", s.path, math.MaxInt32)
		}
		return s.add(row, offset, int32(number))
	})
	progress.Report(info.Size(), info.Size())
	return err
}

// add checks one row of the file and records its window.
func (s *fileList) add(row []byte, offset int64, number int32) error {
	if len(bytes.TrimSpace(row)) == 0 {
		return nil
	}
	conversation, targets, err := s.check(row)
	if err != nil {
		return usererr.With(fmt.Errorf("%s:%d: %w", s.path, number, err),
			`a line of a window file is {"text": "<header>\n<message>\n…"}, as vqctl preprocess %v writes it`, usererr.Option("export"))
	}
	s.rows = append(s.rows, fileRow{offset: offset, length: int64(len(row)), number: number,
		conversation: conversation, targets: int32(targets)})
	return nil
}

// check checks the form of a window, line by line; lines seen before are known to be valid.
func (s *fileList) check(row []byte) (conversation int32, targets int, err error) {
	text, targets, err := parseRow(row)
	if err != nil {
		return 0, 0, err
	}
	lines := splitText(text)
	memory, messages := cutMemory(lines[min(1, len(lines)):])
	if len(messages) == 0 {
		return 0, 0, errors.New("the window has no message")
	}
	if targets > len(messages) {
		return 0, 0, fmt.Errorf(`"targets" is %d, but the number of messages is %d`, targets, len(messages))
	}
	h := s.hash(lines[0])
	conversation, known := s.headers[h]
	if !known {
		header, err := ParseHeader(lines[0])
		if err != nil {
			return 0, 0, fmt.Errorf("line 1 of the window: %w", err)
		}
		conversation = int32(s.conversations.number(header.Members))
		s.headers[h] = conversation
	}
	s.hasMemory = s.hasMemory || len(memory) > 0
	for i, line := range memory {
		if _, err := ParseMemory(line); err != nil {
			return 0, 0, fmt.Errorf("line %d of the window: %w", i+2, err)
		}
	}
	for i, line := range messages {
		h := s.hash(line)
		if _, known := s.lines[h]; known {
			continue
		}
		if _, err := ParseMessage(line); err != nil {
			return 0, 0, fmt.Errorf("line %d of the window: %w", len(memory)+i+2, err)
		}
		s.lines[h] = int32(len(s.lines))
	}
	return conversation, targets, nil
}

func (s *fileList) hash(line []byte) lineHash {
	return lineHash{maphash.Bytes(s.seeds[0], line), maphash.Bytes(s.seeds[1], line)}
}

func (s *fileList) Len() int                  { return len(s.rows) }
func (s *fileList) Conversation(i int) int    { return int(s.rows[i].conversation) }
func (s *fileList) Conversations() [][]string { return s.conversations.members }
func (s *fileList) Targets(i int) int         { return int(s.rows[i].targets) }
func (s *fileList) HeldOut(i int) bool        { return s.heldOut[i] }
func (s *fileList) Lines() int                { return len(s.lines) }
func (s *fileList) Where(i int) string        { return fmt.Sprintf("%s:%d", s.path, s.rows[i].number) }

func (s *fileList) Close() error {
	if err := s.f.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}

func (s *fileList) Window(i int) (*Window, error) {
	row := make([]byte, s.rows[i].length)
	if _, err := s.f.ReadAt(row, s.rows[i].offset); err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", s.Where(i), err)
	}
	text, targets, err := parseRow(row)
	if err != nil {
		return nil, s.changed(i)
	}
	lines := splitText(text)
	memory, messages := cutMemory(lines[min(1, len(lines)):])
	if len(messages) == 0 || targets > len(messages) {
		return nil, s.changed(i)
	}
	w := &Window{Conversation: s.Conversation(i), Header: lines[0], Memory: memory, Targets: targets,
		Lines: make([]Line, len(messages))}
	for j, line := range messages {
		id, known := s.lines[s.hash(line)]
		if !known {
			return nil, s.changed(i)
		}
		w.Lines[j] = Line{ID: int(id), Text: line}
	}
	return w, nil
}

func (s *fileList) changed(i int) error {
	return fmt.Errorf("%s: the file has changed since it was opened", s.Where(i))
}
