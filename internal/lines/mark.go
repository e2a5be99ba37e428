package lines

import "bufio"

const mark = "\uFEFF"

// SkipMark skips a byte order mark, and returns its length in bytes, 0 if there is none.
func SkipMark(in *bufio.Reader) (int64, error) {
	if begin, err := in.Peek(len(mark)); err != nil || string(begin) != mark {
		return 0, nil // the next read returns the error again
	}
	n, err := in.Discard(len(mark))
	return int64(n), err
}

// WithoutMark returns the beginning of a file without its byte order mark.
func WithoutMark[T []byte | string](text T) T {
	if len(text) >= len(mark) && string(text[:len(mark)]) == mark {
		return text[len(mark):]
	}
	return text
}
