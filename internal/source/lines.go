package source

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"ventriloquist/internal/textfile"
)

// longestLine is the longest line of a text file that is read; no message is as long.
const longestLine = 64 << 20

// EachLine calls visit for every line, numbered from 1, without its line break and without the byte order mark of the
// first. A line is overwritten by the next. The path is for errors.
func EachLine(ctx context.Context, in io.Reader, path string, visit func(number int64, line []byte) error) (lines int64, err error) {
	r := bufio.NewReaderSize(in, 1<<20)
	var long []byte
	for {
		line, err := r.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			if long = append(long, line...); len(long) > longestLine {
				return lines, fmt.Errorf("%s:%d: the line is longer than %d MB", path, lines+1, longestLine>>20)
			}
			continue
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return lines, fmt.Errorf("%s:%d: %w", path, lines+1, err)
		}
		if len(long) > 0 {
			long = append(long, line...)
			line = long
		}
		if len(line) == 0 {
			return lines, nil
		}
		ended := err != nil
		lines++
		if lines%1024 == 0 {
			if err := ctx.Err(); err != nil {
				return lines, err
			}
		}
		if lines == 1 {
			line = textfile.WithoutMark(line)
		}
		if err := visit(lines, bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))); err != nil {
			return lines, err
		}
		if long = long[:0]; ended {
			return lines, nil
		}
	}
}
