package lines

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"ventriloquist/internal/usererr"
)

// longestLine is the longest line that is read, far above any message or window.
const longestLine = 16 << 20

// tooLong returns the error of a line that is longer.
func tooLong(path string, number int64) error {
	return usererr.With(fmt.Errorf("%s:%d: the line is longer than %d MiB", path, number, longestLine>>20),
		"no line of such a file is that long: it may be damaged, or of another kind")
}

// Each calls visit for every line of in, numbered from 1, without its line break (LF or CR LF) and without a byte order
// mark. The line is valid until visit returns. It returns the number of lines; path is for errors.
func Each(ctx context.Context, in io.Reader, path string, visit func(number int64, line []byte) error) (int64, error) {
	return EachRaw(ctx, in, path, func(number, _ int64, line []byte) error {
		return visit(number, withoutBreak(line))
	})
}

// EachRaw is Each with the line break left on, and with the offset of each line in bytes from the beginning of in.
func EachRaw(ctx context.Context, in io.Reader, path string, visit func(number, offset int64, line []byte) error) (number int64, err error) {
	r := bufio.NewReaderSize(in, 64<<10)
	var long []byte // a line that the buffer does not hold whole
	var offset int64
	for {
		line, err := r.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			if long = append(long, line...); len(long) > longestLine {
				return number, tooLong(path, number+1)
			}
			continue
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return number, fmt.Errorf("%s:%d: %w", path, number+1, err)
		}
		if len(long) > 0 {
			long = append(long, line...)
			line = long
		}
		if len(line) == 0 {
			return number, nil
		}
		number++
		if number%1024 == 0 {
			if err := ctx.Err(); err != nil {
				return number, err
			}
		}
		end := offset + int64(len(line))
		if number == 1 {
			line = WithoutMark(line)
		}
		if err := visit(number, end-int64(len(line)), line); err != nil {
			return number, err
		}
		if err != nil { // io.EOF: the last line has no line break
			return number, nil
		}
		offset, long = end, long[:0]
	}
}

func withoutBreak(line []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
}
