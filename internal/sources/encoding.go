package sources

import (
	"io"

	"ventriloquist/internal/charset"
)

// Text is an open text, as UTF-8.
type Text struct {
	*charset.Reader
	Cut  bool // it is in a zip whose end is missing
	file io.Closer
}

// NewText returns an open file as a text.
func NewText(in io.ReadCloser) *Text { return &Text{Reader: UTF8(in), file: in} }

// Close closes the file.
func (t *Text) Close() error { return t.file.Close() }

// UTF8 returns a text as UTF-8.
func UTF8(in io.Reader) *charset.Reader { return charset.NewReader(in) }

// NoteEncoding notes that a file is in another encoding than UTF-8, which was guessed.
func NoteEncoding(sink Sink, path, encoding string) {
	if encoding != "" {
		sink.Note("%s is not in UTF-8: its letters are read as %s", path, encoding)
	}
}
