package lines

import "bufio"

const mark = "\uFEFF"

// SkipMark leaves out the mark, if there is one, and returns how many bytes that were.
func SkipMark(in *bufio.Reader) (int64, error) {
	if begin, err := in.Peek(len(mark)); err != nil || string(begin) != mark {
		return 0, nil // an error comes again with whatever is read next
	}
	n, err := in.Discard(len(mark))
	return int64(n), err
}

// WithoutMark is the beginning of a file behind the mark.
func WithoutMark[T []byte | string](text T) T {
	if len(text) >= len(mark) && string(text[:len(mark)]) == mark {
		return text[len(mark):]
	}
	return text
}
