package lines

const mark = "\uFEFF"

// WithoutMark returns the beginning of a file without its byte order mark.
func WithoutMark[T []byte | string](text T) T {
	if len(text) >= len(mark) && string(text[:len(mark)]) == mark {
		return text[len(mark):]
	}
	return text
}
